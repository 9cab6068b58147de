std = 'luajit'
read_globals = { 'vim' }
-- Options are set by assignment.
globals = { 'vim.g', 'vim.b', 'vim.bo', 'vim.wo', 'vim.o' }
self = false -- methods of sources need none
max_line_length = 120
exclude_files = { 'node_modules' }
files['spec'] = { globals = { 'it', 'same', 'vim.notify' } }
