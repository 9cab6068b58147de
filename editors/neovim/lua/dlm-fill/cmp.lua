--- A source of nvim-cmp: see |dlm-fill-cmp|.
local client = require('dlm-fill.client')
local entries = require('dlm-fill.menu.entries')

---@class dlm.CmpSource
local M = {}

function M.new()
  return setmetatable({}, { __index = M })
end

---@return boolean
function M:is_available()
  return client.client(vim.api.nvim_get_current_buf()) ~= nil
end

---@return string
function M:get_position_encoding_kind()
  return 'utf-8'
end

---@param params { context: { bufnr: integer, cursor: { row: integer, col: integer }, option: table } }
---@param callback fun(response: table)
function M:complete(params, callback)
  local context = params.context
  entries.ask({
    buf = context.bufnr,
    row = context.cursor.row - 1,
    column = context.cursor.col - 1,
    invoked = (context.option or {}).reason == 'manual',
  }, function(found)
    callback({ items = found, isIncomplete = true })
  end)
end

---@param entry lsp.CompletionItem
---@param callback fun(entry: lsp.CompletionItem)
function M:execute(entry, callback)
  entries.accepted(vim.api.nvim_get_current_buf(), entry)
  callback(entry)
end

return M
