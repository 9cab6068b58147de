local config = require('dlm-fill.config')

it('each default is allowed, and documented', function()
  same({}, config.complaints(config.defaults))
  local help = vim.fs.joinpath(
    vim.fs.dirname(vim.api.nvim_get_runtime_file('lua/dlm-fill/init.lua', false)[1]),
    '../../doc/dlm-fill.txt'
  )
  local text = table.concat(vim.fn.readfile(help), '\n')
  for _, name in ipairs(config.names()) do
    assert(text:find('*dlm-fill-option-' .. name .. '*', 1, true), name .. ' has no entry in :help dlm-fill-options')
  end
end)

it('an unknown option is told with the nearest', function()
  same({ 'no option autmatic; did you mean automatic?' }, config.complaints({ autmatic = true }))
  same({ 'no option keymap; did you mean keymaps?' }, config.complaints({ keymap = {} }))
  same({ 'no key keymaps.acept; did you mean accept?' }, config.complaints({ keymaps = { acept = '<Tab>' } }))
  local far = config.complaints({ zzzzzzzzzzzz = 1 })[1]
  assert(far:find('known are automatic, cmd,', 1, true), far)
end)

it('a wrong value is told with what it may be', function()
  same({ 'strength must be a number above 0 and at most 1' }, config.complaints({ strength = 2 }))
  same({ 'confirm must be true or false' }, config.complaints({ confirm = 'no' }))
  same({ 'cmd must be a list of strings: { "dlm-fill", "lsp" }' }, config.complaints({ cmd = 'dlm-fill lsp' }))
  same({ 'cmd must be a list of strings: { "dlm-fill", "lsp" }' }, config.complaints({ cmd = { 'dlm-fill', 7 } }))
  same({ 'keymaps.accept must be a key, or false' }, config.complaints({ keymaps = { accept = 7 } }))
  same({ 'filetypes.lua must be true or false' }, config.complaints({ filetypes = { lua = 'no' } }))
end)

it('the nearest word takes the fewest letters to be changed', function()
  same('accept', config.nearest('acept', { 'accept', 'accept_word' }))
  same('accept_word', config.nearest('acceptword', { 'accept', 'accept_word' }))
  same(nil, config.nearest('zzzz', { 'accept' }))
end)

it('wrong options leave the default, right ones hold', function()
  local told, notify = {}, vim.notify
  vim.notify = function(message)
    told[#told + 1] = message
  end
  config.set({ strength = 7, confirm = false, keymaps = { accept = '<C-y>' } })
  vim.notify = notify
  same({ 'dlm-fill: strength must be a number above 0 and at most 1' }, told)
  same({ 0.4, false }, { config.options.strength, config.options.confirm })
  same({ '<C-y>', '<M-]>' }, { config.options.keymaps.accept, config.options.keymaps.next })
  config.set(nil)
end)
