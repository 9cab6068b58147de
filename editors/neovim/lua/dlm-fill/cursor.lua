--- Tells the server where the cursor is, so that the model has read the text around it by the time something is typed.
local client = require('dlm-fill.client')

local M = {}

--- Tell it for the current window; other buffers have no cursor.
---@param buf integer
function M.tell(buf)
  local attached = buf == vim.api.nvim_get_current_buf() and client.client(buf)
  if not attached then
    return
  end
  local params = vim.lsp.util.make_position_params(0, attached.offset_encoding)
  attached:notify('dlm/didMoveCursor', params)
end

return M
