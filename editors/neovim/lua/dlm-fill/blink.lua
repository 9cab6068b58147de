--- A source of blink.cmp: see |dlm-fill-blink|.
local client = require('dlm-fill.client')
local entries = require('dlm-fill.menu.entries')

---@class dlm.BlinkSource
local M = {}

function M.new()
  return setmetatable({}, { __index = M })
end

---@return boolean
function M:enabled()
  return client.client(vim.api.nvim_get_current_buf()) ~= nil
end

--- What may stand here changes with each key, so each asks anew; the server answers what is typed as suggested at once.
---@param context { bufnr: integer, cursor: integer[], trigger: table }
---@param callback fun(response: table)
---@return fun() cancel
function M:get_completions(context, callback)
  return entries.ask({
    buf = context.bufnr,
    row = context.cursor[1] - 1,
    column = context.cursor[2],
    invoked = context.trigger.initial_kind == 'manual',
  }, function(found)
    callback({ items = found, is_incomplete_forward = true, is_incomplete_backward = true })
  end)
end

---@param context { bufnr: integer }
---@param entry lsp.CompletionItem
---@param callback fun()
---@param default fun()
function M:execute(context, entry, callback, default)
  default()
  entries.accepted(context.bufnr, entry)
  callback()
end

return M
