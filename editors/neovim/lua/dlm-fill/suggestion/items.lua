--- The server's inline items, in terms of the place that they were asked for. Without any state.
local text = require('dlm-fill.text')

local M = {}

---@class dlm.Item
---@field text string
---@field replaces string what stands after the place and goes
---@field command lsp.Command|nil to be run when all of it was accepted

--- The item in terms of the place; nil if its range is not one around the place.
---@param raw table
---@param place { before: string, after: string }
---@param position lsp.Position
---@param encoding string
---@return dlm.Item|nil
local function item_of(raw, place, position, encoding)
  local insert = type(raw.insertText) == 'table' and raw.insertText.value or raw.insertText
  if type(insert) ~= 'string' then
    return nil
  end
  insert = text.plain(insert)
  local range = raw.range
  if not range then
    return { text = insert, replaces = '', command = raw.command }
  end
  local first, last = range.start, range['end']
  if first.line ~= position.line or last.line ~= position.line then
    return nil
  elseif first.character > position.character or last.character < position.character then
    return nil
  end
  local line = place.before .. place.after
  if last.character > vim.str_utfindex(line, encoding) then
    return nil -- Neovim would clamp it; the server meant another text
  end
  local from = vim.str_byteindex(line, encoding, first.character, false)
  local to = vim.str_byteindex(line, encoding, last.character, false)
  local known = line:sub(from + 1, #place.before)
  if not vim.startswith(insert, known) then
    return nil
  end
  return { text = insert:sub(#known + 1), replaces = line:sub(#place.before + 1, to), command = raw.command }
end

--- Those of an answer that change something at the place.
---@param answer any
---@param place { before: string, after: string }
---@param position lsp.Position
---@param encoding string
---@return dlm.Item[]
function M.of(answer, place, position, encoding)
  local items = {}
  for _, raw in ipairs(type(answer) == 'table' and (answer.items or answer) or {}) do
    local item = item_of(raw, place, position, encoding)
    if item and (item.text ~= '' or item.replaces ~= '') then
      items[#items + 1] = item
    end
  end
  return items
end

--- What is still to be typed of an item; nil if what was typed is something else, or all of it stands there.
---@param item dlm.Item
---@param typed string|nil
---@return string|nil
function M.rest(item, typed)
  if not typed or not vim.startswith(item.text, typed) then
    return nil
  elseif #typed == #item.text and item.replaces == '' then
    return nil
  end
  return item.text:sub(#typed + 1)
end

return M
