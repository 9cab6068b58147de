--- The place that a question was asked about, and what was typed there since.
local M = {}

local anchors = vim.api.nvim_create_namespace('dlm-fill-anchor')
local MOST_LINES = 100 -- typed since: more is no typing

---@class dlm.Place where a question was asked
---@field buf integer
---@field anchor integer extmark
---@field before string the line's text before it
---@field after string the line's text after it

---@return integer row from 0
---@return integer column in bytes
function M.cursor()
  local at = vim.api.nvim_win_get_cursor(0)
  return at[1] - 1, at[2]
end

--- The place at the cursor.
---@return dlm.Place
function M.here()
  local buf = vim.api.nvim_get_current_buf()
  local row, column = M.cursor()
  local line = vim.api.nvim_get_current_line()
  return {
    buf = buf,
    anchor = vim.api.nvim_buf_set_extmark(buf, anchors, row, column, { right_gravity = false }),
    before = line:sub(1, column),
    after = line:sub(column + 1),
  }
end

---@param place dlm.Place|nil
function M.forget(place)
  if place and vim.api.nvim_buf_is_valid(place.buf) then
    vim.api.nvim_buf_del_extmark(place.buf, anchors, place.anchor)
  end
end

--- What was typed since, from the place to the cursor; nil if something else happened there.
---@param place dlm.Place
---@return string|nil
function M.typed_since(place)
  if vim.api.nvim_get_current_buf() ~= place.buf then
    return nil
  end
  local at = vim.api.nvim_buf_get_extmark_by_id(place.buf, anchors, place.anchor, {})
  local row, column = M.cursor()
  if not at[1] or row < at[1] or (row == at[1] and column < at[2]) or row - at[1] > MOST_LINES then
    return nil
  end
  local lines = vim.api.nvim_buf_get_lines(place.buf, at[1], row + 1, true)
  if lines[1]:sub(1, at[2]) ~= place.before or lines[#lines]:sub(column + 1) ~= place.after then
    return nil
  end
  lines[#lines] = lines[#lines]:sub(1, column)
  lines[1] = lines[1]:sub(at[2] + 1)
  return table.concat(lines, '\n')
end

return M
