--- What the server says of itself, as the status line shows it.
local M = {}

---@class dlm.Status what `dlm/status` tells
---@field state 'off'|'starting'|'loading'|'ready'|'busy'|'inactive'|'error'
---@field message string
---@field model string
---@field device string

---@type dlm.Status
local now = { state = 'off', message = '', model = '', device = '' }

--- Take a new status, and tell who listens (|User| DlmFillStatus).
---@param status table
function M.show(status)
  now = vim.tbl_extend('force', { state = 'off', message = '', model = '', device = '' }, status)
  vim.api.nvim_exec_autocmds('User', { pattern = 'DlmFillStatus', modeline = false, data = now })
  vim.cmd.redrawstatus()
end

---@return dlm.Status
function M.get()
  return now
end

return M
