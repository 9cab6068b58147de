--- What a proposal looks like: fills in place of the gaps, or below them, certain tokens brighter than uncertain ones.
local gaps_in = require('dlm-fill.proposal.gaps')
local text = require('dlm-fill.text')

local M = {}

local SURE = 0.5 -- tokens below this are dim

--- The marks drawn in a buffer.
---@class dlm.Drawing
---@field buf integer
---@field marks integer[]

---@param drawing dlm.Drawing
function M.erase(drawing)
  for _, id in ipairs(drawing.marks) do
    vim.api.nvim_buf_del_extmark(drawing.buf, gaps_in.space, id)
  end
  drawing.marks = {}
end

---@param drawing dlm.Drawing
---@param row integer
---@param column integer
---@param what table
local function put(drawing, row, column, what)
  local all = vim.tbl_extend('error', { priority = 190 }, what)
  local mark = vim.api.nvim_buf_set_extmark(drawing.buf, gaps_in.space, row, column, all)
  drawing.marks[#drawing.marks + 1] = mark
end

--- The chunks without what begins them and stands in the buffer already.
---@param line table[]
---@param known string
---@return table[]|nil nil if something else begins them
function M.without(line, known)
  local joined = ''
  for _, chunk in ipairs(line) do
    joined = joined .. chunk[1]
  end
  if not vim.startswith(joined, known) then
    return nil
  end
  local out, skip = {}, #known
  for _, chunk in ipairs(line) do
    local taken = math.min(skip, #chunk[1])
    skip = skip - taken
    if taken < #chunk[1] then
      out[#out + 1] = { chunk[1]:sub(taken + 1), chunk[2] }
    end
  end
  return out
end

---@param lines table[][]
---@param tabstop integer
local function expand(lines, tabstop)
  for _, line in ipairs(lines) do
    local column = 0
    for _, chunk in ipairs(line) do
      chunk[1] = text.expand(chunk[1], column, tabstop)
      column = column + vim.fn.strdisplaywidth(chunk[1], column)
    end
    if #line == 0 then
      line[1] = { ' ' }
    end
  end
end

---@param drawing dlm.Drawing
---@param gap dlm.Gap
---@param hint string
local function draw_gap(drawing, gap, hint)
  local buf = drawing.buf
  local range = gaps_in.range(buf, gap)
  if not range or not gap.lines then
    return
  end
  local lines = vim.deepcopy(gap.lines)
  if hint ~= '' then
    table.insert(lines[#lines], { hint, 'DlmFillHint' })
  end
  local last = vim.api.nvim_buf_get_lines(buf, range[3], range[3] + 1, true)[1]
  local blank = vim.trim(gap.old) == '' and not gap.old:find('\n', 1, true)
  local within = range[1] == range[3] and (range[2] > 0 or range[4] < #last)
  local inline = blank and M.without(lines[1], gap.old) or within and lines[1] or nil
  if inline then
    put(drawing, range[3], range[4], { virt_text = inline, virt_text_pos = 'inline' })
    table.remove(lines, 1)
  end
  expand(lines, vim.bo[buf].tabstop)
  if #lines > 0 then
    put(drawing, range[3], 0, { virt_lines = lines })
  end
end

---@param drawing dlm.Drawing
---@param gaps dlm.Gap[]
---@param hint string behind the last one
function M.draw(drawing, gaps, hint)
  M.erase(drawing)
  for i, gap in ipairs(gaps) do
    draw_gap(drawing, gap, i == #gaps and hint or '')
  end
end

--- What a `dlm/preview` tells of a hole, by line.
---@param tokens { text: string, confidence: number, open: boolean }[]
---@return table[][] chunks by line
function M.lines_of_tokens(tokens)
  local lines = { {} }
  for _, token in ipairs(tokens) do
    local group = token.open and 'DlmFillMask' or token.confidence < SURE and 'DlmFillUncertain' or 'DlmFillNew'
    local shown = text.plain(token.text)
    if token.open and shown == '' then
      shown = '░'
    end
    for i, part in ipairs(vim.split(shown, '\n', { plain = true })) do
      if i > 1 then
        lines[#lines + 1] = {}
      end
      if part ~= '' then
        table.insert(lines[#lines], { part, group })
      end
    end
  end
  return lines
end

--- A finished text, by line.
---@param new string
---@return table[][] chunks by line
function M.lines_of_text(new)
  return vim.tbl_map(function(line)
    return line ~= '' and { { line, 'DlmFillNew' } } or {}
  end, vim.split(new, '\n', { plain = true }))
end

--- A gap of which nothing is known yet.
---@return table[][] chunks by line
function M.masks()
  return { { { '░░░', 'DlmFillMask' } } }
end

return M
