--- Code completion and filling of gaps by `dlm-fill lsp`. See |dlm-fill|.
local M = {}

local ready = false

local function highlights()
  local links = {
    DlmFillGhost = 'Comment',
    DlmFillHint = 'NonText',
    DlmFillMask = 'NonText',
    DlmFillUncertain = 'Comment',
    DlmFillNew = 'DiffAdd',
  }
  for name, link in pairs(links) do
    vim.api.nvim_set_hl(0, name, { link = link, default = true })
  end
  local comment = vim.api.nvim_get_hl(0, { name = 'Comment', link = false })
  vim.api.nvim_set_hl(0, 'DlmFillReplaced', {
    fg = comment.fg,
    ctermfg = comment.ctermfg,
    strikethrough = true,
    default = true,
  })
end

local function follow_editor()
  local client, suggestion = require('dlm-fill.client'), require('dlm-fill.suggestion')
  local group = vim.api.nvim_create_augroup('dlm-fill', {})
  local function on(events, callback)
    vim.api.nvim_create_autocmd(events, { group = group, callback = callback })
  end
  on({ 'FileType', 'BufWinEnter', 'InsertEnter' }, function(event)
    client.attach(event.buf, event.event == 'InsertEnter')
  end)
  on({ 'InsertEnter', 'TextChangedI', 'CursorMovedI' }, suggestion.update)
  on('TextChangedP', suggestion.update)
  on({ 'BufEnter', 'CursorMoved', 'InsertEnter', 'LspAttach' }, function(event)
    require('dlm-fill.cursor').tell(event.buf)
  end)
  on({ 'InsertLeave', 'BufLeave' }, function()
    suggestion.leave()
  end)
  on('ColorScheme', highlights)
  on('LspAttach', function(event)
    local attached = vim.lsp.get_client_by_id(event.data.client_id)
    if attached and attached.name == client.NAME and vim.api.nvim_get_current_buf() == event.buf then
      suggestion.update()
    end
  end)
  require('dlm-fill.menu').watch(group, suggestion.redraw)
end

--- Begin. Nothing has to be set: see |dlm-fill-options|.
---@param options table|nil
function M.setup(options)
  require('dlm-fill.config').set(options)
  require('dlm-fill.client').configure()
  highlights()
  if not ready then
    ready = true
    require('dlm-fill.keys').define()
    follow_editor()
  end
  require('dlm-fill.keys').map(require('dlm-fill.config').options.keymaps)
  require('dlm-fill.client').attach_all()
end

--- Begin with the defaults, if nobody has begun.
function M.ensure()
  if not ready then
    M.setup()
  end
end

---@return boolean accepted
function M.accept()
  return require('dlm-fill.suggestion').accept('all')
end

---@return boolean accepted
function M.accept_word()
  return require('dlm-fill.suggestion').accept('word')
end

---@return boolean accepted
function M.accept_line()
  return require('dlm-fill.suggestion').accept('line')
end

function M.next()
  require('dlm-fill.suggestion').cycle(1)
end

function M.previous()
  require('dlm-fill.suggestion').cycle(-1)
end

function M.dismiss()
  require('dlm-fill.suggestion').leave(true)
end

function M.trigger()
  require('dlm-fill.suggestion').trigger()
end

--- Whether ghost text is on the screen.
---@return boolean
function M.visible()
  return package.loaded['dlm-fill.suggestion'] ~= nil and require('dlm-fill.suggestion').visible()
end

--- Switch suggestions on or off everywhere. The server stays; nothing is sent to it.
---@param on boolean|nil nil: the other way round
---@return boolean on
function M.toggle(on)
  if on == nil then
    on = vim.g.dlm_fill == false
  end
  vim.g.dlm_fill = on
  if on then
    require('dlm-fill.client').attach_all()
  else
    require('dlm-fill.suggestion').leave()
  end
  vim.cmd.redrawstatus()
  return on
end

--- Switch suggestions on or off in a buffer.
---@param buf integer|nil
---@param on boolean|nil
---@return boolean on
function M.toggle_buffer(buf, on)
  buf = (buf == nil or buf == 0) and vim.api.nvim_get_current_buf() or buf
  if on == nil then
    on = vim.b[buf].dlm_fill == false or not require('dlm-fill.config').wanted(buf)
  end
  vim.b[buf].dlm_fill = on
  if on then
    require('dlm-fill.client').attach(buf)
  else
    require('dlm-fill.suggestion').leave()
  end
  vim.cmd.redrawstatus()
  return on
end

--- A few characters for the status line: the state, and which of how many suggestions is shown.
---@return string
function M.statusline()
  local client = package.loaded['dlm-fill.client']
  if not ready or not client then
    return ''
  end
  if not require('dlm-fill.config').wanted(vim.api.nvim_get_current_buf()) then
    return 'dlm off'
  end
  local marks = { off = 'off', starting = '…', loading = '…', ready = '', busy = '*', inactive = '-', error = '!' }
  local mark = marks[client.status().state] or ''
  local index, count = require('dlm-fill.suggestion').position()
  if index and count > 1 then
    mark = ('%d/%d'):format(index, count)
  end
  return mark == '' and 'dlm' or 'dlm ' .. mark
end

return M
