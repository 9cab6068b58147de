-- What is there before anything is loaded: the command. `require("dlm-fill").setup {}` brings suggestions.
if vim.g.loaded_dlm_fill then
  return
end
vim.g.loaded_dlm_fill = true

if vim.fn.has('nvim-0.11') == 0 then
  vim.notify('dlm-fill needs Neovim 0.11 or newer', vim.log.levels.WARN)
  return
end

vim.api.nvim_create_user_command('Dlm', function(given)
  require('dlm-fill.commands').run(given)
end, {
  nargs = '*',
  range = true,
  bang = true,
  desc = 'dlm-fill',
  complete = function(lead, line)
    return require('dlm-fill.commands').complete(lead, line)
  end,
})

vim.keymap.set('n', '<Plug>(dlm-fill-fill)', '<Cmd>Dlm fill<CR>', { desc = 'dlm-fill: fill the line' })
vim.keymap.set('x', '<Plug>(dlm-fill-fill)', ':Dlm fill<CR>', { silent = true, desc = 'dlm-fill: fill the selection' })
vim.keymap.set('n', '<Plug>(dlm-fill-placeholders)', '<Cmd>Dlm placeholders<CR>', { desc = 'dlm-fill: placeholders' })
vim.keymap.set('x', '<Plug>(dlm-fill-rewrite)', ':Dlm rewrite<CR>', { silent = true, desc = 'dlm-fill: rewrite' })
