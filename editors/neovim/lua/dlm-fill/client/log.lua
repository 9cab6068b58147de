--- What is told to the user, and what `:Dlm log` shows.
local text = require('dlm-fill.text')

local M = {}

local MOST_LINES = 500

---@type string[]
M.lines = {}

---@param line string
function M.note(line)
  M.lines[#M.lines + 1] = os.date('%H:%M:%S ') .. line
  if #M.lines > MOST_LINES then
    table.remove(M.lines, 1)
  end
end

--- Tell the user in one line; the whole of it is in `:Dlm log`.
---@param message string
---@param level integer|nil
function M.tell(message, level)
  M.note(message)
  if not message:find('^dlm%-fill') then
    message = 'dlm-fill: ' .. message
  end
  vim.notify(text.short(message), level or vim.log.levels.INFO)
end

return M
