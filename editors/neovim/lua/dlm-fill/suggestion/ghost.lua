--- Ghost text: what would be inserted, drawn at the cursor and below it. The buffer is not touched.
local text = require('dlm-fill.text')

local M = {}

local space = vim.api.nvim_create_namespace('dlm-fill-ghost')
local drawn_in = nil ---@type integer|nil

--- Take it off the screen.
function M.clear()
  if drawn_in and vim.api.nvim_buf_is_valid(drawn_in) then
    vim.api.nvim_buf_clear_namespace(drawn_in, space, 0, -1)
  end
  drawn_in = nil
end

---@return boolean
function M.visible()
  return drawn_in ~= nil
end

---@param buf integer
---@param row integer from 0
---@param column integer in bytes
---@param chunk string
---@param below table[]|nil lines of chunks
local function mark(buf, row, column, chunk, below)
  local start = vim.fn.strdisplaywidth((vim.api.nvim_buf_get_lines(buf, row, row + 1, true)[1]):sub(1, column))
  vim.api.nvim_buf_set_extmark(buf, space, row, column, {
    virt_text = chunk ~= '' and { { text.expand(chunk, start, vim.bo[buf].tabstop), 'DlmFillGhost' } } or nil,
    virt_text_pos = chunk ~= '' and 'inline' or nil,
    hl_mode = 'replace',
    virt_lines = below,
    right_gravity = true,
    priority = 200,
  })
end

--- How many of the lines below the cursor do not fit into the window.
---@param count integer
---@return integer
local function hidden_lines(count)
  local room = vim.api.nvim_win_get_height(0) - vim.fn.winline()
  return math.max(0, count - room)
end

--- Draw `new` at the cursor; `old` is what stands right of it and would be replaced.
---@param buf integer
---@param row integer from 0
---@param column integer in bytes
---@param new string
---@param old string
function M.draw(buf, row, column, new, old)
  M.clear()
  drawn_in = buf
  local lines = vim.split(new, '\n', { plain = true })
  local below = {}
  for i = 2, #lines do
    -- An empty chunk would be no line at all in some versions.
    local shown = text.expand(lines[i], 0, vim.bo[buf].tabstop)
    below[#below + 1] = { { shown ~= '' and shown or ' ', 'DlmFillGhost' } }
  end
  local pieces = text.pieces(lines[1], old)
  if not pieces then -- what is replaced does not come back on this line
    vim.api.nvim_buf_set_extmark(buf, space, row, column, {
      end_col = column + #old,
      hl_group = 'DlmFillReplaced',
      priority = 200,
    })
    pieces = { lines[1] }
  end
  for i, piece in ipairs(pieces) do
    if piece ~= '' or (i == 1 and #below > 0) then
      mark(buf, row, column + i - 1, piece, i == 1 and #below > 0 and below or nil)
    end
  end
  local hidden = hidden_lines(#below)
  if hidden > 0 then
    vim.api.nvim_buf_set_extmark(buf, space, row, column, {
      virt_text = { { (' … %d more line%s'):format(hidden, hidden == 1 and '' or 's'), 'DlmFillHint' } },
      virt_text_pos = 'eol',
      priority = 200,
    })
  end
end

return M
