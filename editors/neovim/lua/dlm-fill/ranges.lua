--- The ranges of a buffer that a command is meant for.
local client = require('dlm-fill.client')

local M = {}

---@param buf integer
---@param first integer
---@param last integer
---@return integer[]
local function whole_lines(buf, first, last)
  local line = vim.api.nvim_buf_get_lines(buf, last, last + 1, false)[1] or ''
  return { first, 0, last, #line }
end

--- The characters that are, or were last, selected; nil if whole lines are.
---@param buf integer
---@return integer[]|nil
local function selection(buf)
  if vim.fn.visualmode() ~= 'v' then
    return nil
  end
  local first, last = vim.api.nvim_buf_get_mark(buf, '<'), vim.api.nvim_buf_get_mark(buf, '>')
  if first[1] == 0 or last[1] == 0 then
    return nil
  end
  local line = vim.api.nvim_buf_get_lines(buf, last[1] - 1, last[1], false)[1] or ''
  local stop = math.min(last[2], #line)
  if stop < #line and vim.o.selection ~= 'exclusive' then
    stop = stop + vim.str_utf_end(line, stop + 1) + 1
  end
  return { first[1] - 1, math.min(first[2], #(vim.fn.getbufline(buf, first[1])[1] or '')), last[1] - 1, stop }
end

--- The ranges that are named: `40-55 60`, the selection, the lines of the range, or the cursor's line.
---@param call dlm.Call
---@param words string[]
---@return integer[][]|nil
function M.of(call, words)
  local ranges, count = {}, vim.api.nvim_buf_line_count(call.buf)
  for _, word in ipairs(words) do
    local first, last = word:match('^(%d+)%-?(%d*)$')
    first, last = tonumber(first), tonumber(last) or tonumber(first)
    if not first or first < 1 or last < first or last > count then
      client.tell(('%q is no range of lines: 40, or 40-55, up to %d'):format(word, count), vim.log.levels.WARN)
      return nil
    end
    ranges[#ranges + 1] = whole_lines(call.buf, first - 1, last - 1)
  end
  if #ranges > 0 then
    return ranges
  elseif not call.range then
    local row = vim.api.nvim_win_get_cursor(0)[1] - 1
    return { whole_lines(call.buf, row, row) }
  end
  local chosen = selection(call.buf)
  if chosen and chosen[1] == call.range[1] and chosen[3] == call.range[2] then
    return { chosen }
  end
  return { whole_lines(call.buf, call.range[1], call.range[2]) }
end

return M
