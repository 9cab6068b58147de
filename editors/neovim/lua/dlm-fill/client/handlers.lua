--- What the server asks and tells.
local log = require('dlm-fill.client.log')
local state = require('dlm-fill.client.state')
local positions = require('dlm-fill.positions')

local M = {}

---@type fun(params: table)|nil called with each `dlm/preview`
M.on_preview = nil

--- Whether the edit is for the buffers as they are.
--- Neovim passes over an edit that is not, and says that it was applied.
---@param edit lsp.WorkspaceEdit
---@return boolean
local function current(edit)
  for _, change in ipairs(edit.documentChanges or {}) do
    local document = change.textDocument
    local buf = document and vim.uri_to_bufnr(document.uri)
    local version = document and document.version
    if type(version) == 'number' and not positions.is_current(buf, version) then
      return false
    end
  end
  return true
end

M.by_method = {
  ['workspace/applyEdit'] = function(_, params, context)
    if not current(params.edit) then
      return { applied = false, failureReason = 'the buffer was edited meanwhile' }
    end
    local client = assert(vim.lsp.get_client_by_id(context.client_id))
    local ok, reason = pcall(vim.lsp.util.apply_workspace_edit, params.edit, client.offset_encoding)
    return { applied = ok, failureReason = not ok and tostring(reason) or nil }
  end,
  ['dlm/status'] = function(_, params)
    if type(params) == 'table' then
      log.note(('%s %s'):format(params.state or '?', params.message or ''))
      state.show(params)
      if params.state == 'error' and params.message and params.message ~= '' then
        log.tell(params.message, vim.log.levels.ERROR)
      end
    end
  end,
  ['dlm/preview'] = function(_, params)
    if M.on_preview then
      M.on_preview(params)
    end
  end,
  -- Neovim's own prints whole messages, and the user has to press Enter.
  ['window/showMessage'] = function(_, params)
    local levels = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO, vim.log.levels.DEBUG }
    log.tell(params.message, levels[params.type] or vim.log.levels.INFO)
  end,
  ['window/logMessage'] = function(_, params)
    log.note(params.message)
  end,
}

return M
