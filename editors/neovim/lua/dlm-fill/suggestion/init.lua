--- The suggestion at the cursor: asked for at once with each key, typed through, accepted whole or in parts.
---
--- What is shown is always compared with the buffer as it is: a suggestion holds as long as the text from its anchor to
--- the cursor begins it, and what stood around the two still stands there. Otherwise it is dropped, never inserted.
local client = require('dlm-fill.client')
local config = require('dlm-fill.config')
local ghost = require('dlm-fill.suggestion.ghost')
local items_at = require('dlm-fill.suggestion.items')
local menu = require('dlm-fill.menu')
local places = require('dlm-fill.suggestion.place')
local question = require('dlm-fill.suggestion.question')
local text = require('dlm-fill.text')

local M = {}

---@class dlm.Suggestion
---@field place dlm.Place
---@field items dlm.Item[]
---@field index integer
---@field told boolean whether the server knows that it was shown

local shown = nil ---@type dlm.Suggestion|nil
local asked_at = nil ---@type string|nil

--- What is still to be typed of the suggestion; nil if it does not hold any more, or all of it stands there.
---@return string|nil left
---@return dlm.Item|nil
local function left()
  local item = shown and shown.items[shown.index]
  local rest = item and items_at.rest(item, places.typed_since(shown.place))
  if rest then
    return rest, item
  end
end

local function drop()
  ghost.clear()
  places.forget(shown and shown.place)
  shown = nil
end

--- Draw what holds, or nothing.
local function draw()
  local rest, item = left()
  if not rest or not question.inserting() or (config.options.hide_with_menu and menu.visible()) then
    ghost.clear()
    return
  end
  local row, column = places.cursor()
  ghost.draw(vim.api.nvim_get_current_buf(), row, column, rest, item.replaces)
  if not shown.told then
    shown.told = true
    client.feedback(shown.place.buf, 'dlm/didShow')
  end
end

--- What the user sees stays, if it is among the new items or holds still: nothing flickers.
---@param place dlm.Place
---@param items dlm.Item[]
---@param chosen boolean whether somebody asked for these
local function take(place, items, chosen)
  local rest, old = left()
  if rest and not chosen then
    local since = places.typed_since(place)
    for index, item in ipairs(items) do
      if since and item.text == since .. rest and item.replaces == old.replaces then
        places.forget(shown.place)
        shown = { place = place, items = items, index = index, told = shown.told }
        return draw()
      end
    end
    places.forget(place)
    return
  end
  drop()
  if #items == 0 then
    return places.forget(place)
  end
  shown = { place = place, items = items, index = 1, told = false }
  if not left() then
    return drop()
  end
  draw()
end

---@param kind integer
---@param after fun(count: integer)|nil called with how many items there are
local function ask(kind, after)
  question.ask(kind, function(place, items)
    take(place, items, kind == question.INVOKED)
    if after then
      after(#items)
    end
  end)
end

--- The text or the cursor changed: draw what still holds at once, and ask.
function M.update()
  if not question.inserting() or vim.fn.reg_executing() ~= '' then
    return
  end
  draw()
  if not ghost.visible() and shown and not left() then
    drop()
  end
  local buf = vim.api.nvim_get_current_buf()
  local row, column = places.cursor()
  local now = ('%d %d %d %d'):format(buf, vim.api.nvim_buf_get_changedtick(buf), row, column)
  if now == asked_at then
    return
  end
  asked_at = now
  if not config.options.automatic or not config.wanted(buf) or not vim.bo[buf].modifiable then
    question.cancel()
    return drop()
  end
  ask(question.AUTOMATIC)
end

--- A menu came or went: what is shown gives way to it, and comes back.
function M.redraw()
  if shown then
    draw()
  end
end

--- The user left the place.
---@param rejected boolean|nil
function M.leave(rejected)
  question.cancel()
  asked_at = nil
  if shown and shown.told and (rejected or ghost.visible()) then
    client.feedback(shown.place.buf, 'dlm/didReject')
  end
  drop()
end

---@return boolean
function M.visible()
  return ghost.visible() and left() ~= nil
end

---@param part 'all'|'word'|'line'
---@return boolean accepted
function M.accept(part)
  local rest, item = left()
  if not rest or not ghost.visible() then
    return false
  end
  local cut = rest
  if rest ~= '' and part ~= 'all' then
    cut = part == 'word' and text.word(rest) or text.line(rest)
  end
  local whole = cut == rest
  local buf, place = shown.place.buf, shown.place
  local row, column = places.cursor()
  local lines = vim.split(cut, '\n', { plain = true })
  vim.api.nvim_buf_set_text(buf, row, column, row, column + (whole and #item.replaces or 0), lines)
  vim.api.nvim_win_set_cursor(0, { row + #lines, (#lines == 1 and column or 0) + #lines[#lines] })
  if whole then
    question.cancel()
    drop()
  else
    draw()
  end
  if whole and item.command then
    local server = client.client(buf)
    if server then
      server:exec_cmd(item.command, { bufnr = buf })
    end
  else
    client.feedback(buf, 'dlm/didAccept', { acceptedLength = text.utf16(cut) })
  end
  vim.api.nvim_exec_autocmds('User', {
    pattern = 'DlmFillAccept',
    modeline = false,
    data = { text = cut, replaced = whole and item.replaces or '', whole = whole, buf = place.buf },
  })
  return true
end

--- Show another suggestion; the server is asked for more when there is but one.
---@param step 1|-1
function M.cycle(step)
  if not question.inserting() then
    return
  end
  local function turn(count)
    if shown and count > 1 then
      shown.index = (shown.index - 1 + step) % #shown.items + 1
      shown.told = false
      draw()
    end
  end
  if shown and left() and #shown.items > 1 then
    return turn(#shown.items)
  end
  ask(question.INVOKED, turn)
end

--- Ask although nothing was typed.
function M.trigger()
  if not question.inserting() then
    return
  end
  if not client.client(vim.api.nvim_get_current_buf()) then
    return client.tell(client.why(vim.api.nvim_get_current_buf()), vim.log.levels.WARN)
  end
  ask(question.INVOKED, function(count)
    if count == 0 then
      client.tell('no suggestion here')
    end
  end)
end

--- Whether the server was asked, and has not answered.
M.asking = question.open

--- How many suggestions there are, and which is shown; nil if none is.
---@return integer|nil index
---@return integer|nil count
function M.position()
  if shown and M.visible() then
    return shown.index, #shown.items
  end
end

return M
