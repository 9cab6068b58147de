--- Gaps of a buffer: what would be replaced, where it is by now, and whether it is as it was.
local positions = require('dlm-fill.positions')

local M = {}

M.space = vim.api.nvim_create_namespace('dlm-fill-proposal')

---@class dlm.Gap
---@field mark integer extmark over what would be replaced
---@field old string
---@field new string|nil the fill, when there is one
---@field lines table[][]|nil chunks of each line that is drawn

--- Where a gap is: row, column, end row, end column.
---@param buf integer
---@param gap dlm.Gap
---@return integer[]|nil
function M.range(buf, gap)
  local at = vim.api.nvim_buf_get_extmark_by_id(buf, M.space, gap.mark, { details = true })
  return at[1] and { at[1], at[2], at[3].end_row, at[3].end_col } or nil
end

---@param buf integer
---@param range integer[]
---@return string
local function text_in(buf, range)
  return table.concat(vim.api.nvim_buf_get_text(buf, range[1], range[2], range[3], range[4], {}), '\n')
end

---@param buf integer
---@param range integer[]
---@return dlm.Gap
function M.at(buf, range)
  local mark = vim.api.nvim_buf_set_extmark(buf, M.space, range[1], range[2], {
    end_row = range[3],
    end_col = range[4],
    hl_group = 'DlmFillReplaced',
    right_gravity = false,
    end_right_gravity = true,
  })
  return { mark = mark, old = text_in(buf, range) }
end

--- Whether all gaps hold what they held.
---@param buf integer
---@param gaps dlm.Gap[]
---@return boolean
function M.untouched(buf, gaps)
  if not vim.api.nvim_buf_is_loaded(buf) then
    return false
  end
  for _, gap in ipairs(gaps) do
    local range = M.range(buf, gap)
    if not range or text_in(buf, range) ~= gap.old then
      return false
    end
  end
  return true
end

--- Where the gaps are, as the server counts.
---@param buf integer
---@param gaps dlm.Gap[]
---@param encoding string
---@return lsp.Range[]
function M.ranges(buf, gaps, encoding)
  return vim.tbl_map(function(gap)
    return positions.range(buf, assert(M.range(buf, gap)), encoding)
  end, gaps)
end

--- Put the fills into the buffer: one step of undo.
---@param buf integer
---@param gaps dlm.Gap[]
---@return integer[] row and column behind the last one
function M.replace(buf, gaps)
  local edits = vim.tbl_map(function(gap)
    return { at = assert(M.range(buf, gap)), lines = vim.split(gap.new, '\n', { plain = true }) }
  end, gaps)
  table.sort(edits, function(a, b)
    return a.at[1] < b.at[1] or (a.at[1] == b.at[1] and a.at[2] < b.at[2])
  end)
  vim.bo[buf].undolevels = vim.bo[buf].undolevels -- an undo point
  local stop
  for i = #edits, 1, -1 do
    local at, lines = edits[i].at, edits[i].lines
    vim.api.nvim_buf_set_text(buf, at[1], at[2], at[3], at[4], lines)
    if not stop then -- the edits above move it along
      local column = (#lines == 1 and at[2] or 0) + #lines[#lines]
      stop = vim.api.nvim_buf_set_extmark(buf, M.space, at[1] + #lines - 1, column, {})
    end
  end
  local at = vim.api.nvim_buf_get_extmark_by_id(buf, M.space, stop, {})
  vim.api.nvim_buf_del_extmark(buf, M.space, stop)
  return at
end

return M
