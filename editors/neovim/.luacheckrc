std = 'luajit'
read_globals = { 'vim' }
-- Options are set by assignment.
globals = { 'vim.g', 'vim.b', 'vim.bo', 'vim.wo', 'vim.o' }
max_line_length = 120
