--- Keys that mean something while a proposal is open, and what they meant before in the buffer.
local M = {}

---@class dlm.BorrowedKey
---@field lhs string
---@field before table|nil the buffer's own mapping

---@param buf integer
---@param lhs string|false
---@param action fun()
---@param description string
---@return dlm.BorrowedKey|nil
function M.borrow(buf, lhs, action, description)
  if not lhs then
    return nil
  end
  local before = vim.api.nvim_buf_call(buf, function()
    return vim.fn.maparg(lhs, 'n', false, true)
  end)
  vim.keymap.set('n', lhs, action, { buffer = buf, nowait = true, desc = description })
  return { lhs = lhs, before = before.buffer == 1 and before or nil }
end

---@param buf integer
---@param key dlm.BorrowedKey
function M.give_back(buf, key)
  pcall(vim.keymap.del, 'n', key.lhs, { buffer = buf })
  if key.before then
    vim.api.nvim_buf_call(buf, function()
      vim.fn.mapset('n', false, key.before)
    end)
  end
end

return M
