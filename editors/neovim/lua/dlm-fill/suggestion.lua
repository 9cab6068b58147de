--- The suggestion at the cursor: asked for at once with each key, typed through, accepted whole or in parts.
---
--- What is shown is always compared with the buffer as it is: a suggestion holds as long as the text from its anchor to
--- the cursor begins it, and what stood around the two still stands there. Otherwise it is dropped, never inserted.
local client = require('dlm-fill.client')
local config = require('dlm-fill.config')
local ghost = require('dlm-fill.ghost')
local menu = require('dlm-fill.menu')
local text = require('dlm-fill.text')

local M = {}

local METHOD = 'textDocument/inlineCompletion'
local INVOKED, AUTOMATIC = 1, 2
local anchors = vim.api.nvim_create_namespace('dlm-fill-anchor')

---@class dlm.Place where a question was asked
---@field buf integer
---@field anchor integer extmark
---@field before string the line's text before it
---@field after string the line's text after it

---@class dlm.Item
---@field text string
---@field replaces string what stands after the place and goes
---@field command lsp.Command|nil to be run when all of it was accepted

---@class dlm.Suggestion
---@field place dlm.Place
---@field items dlm.Item[]
---@field index integer
---@field told boolean whether the server knows that it was shown

local shown = nil ---@type dlm.Suggestion|nil
local pending = nil ---@type { id: integer, client: vim.lsp.Client, place: dlm.Place, mine: table }|nil
local asked_at = nil ---@type string|nil

---@param place dlm.Place|nil
local function forget(place)
  if place and vim.api.nvim_buf_is_valid(place.buf) then
    vim.api.nvim_buf_del_extmark(place.buf, anchors, place.anchor)
  end
end

local function cursor()
  local at = vim.api.nvim_win_get_cursor(0)
  return at[1] - 1, at[2]
end

local function inserting()
  return vim.api.nvim_get_mode().mode:match('^i') ~= nil
end

---@return dlm.Place
local function here()
  local buf = vim.api.nvim_get_current_buf()
  local row, column = cursor()
  local line = vim.api.nvim_get_current_line()
  return {
    buf = buf,
    anchor = vim.api.nvim_buf_set_extmark(buf, anchors, row, column, { right_gravity = false }),
    before = line:sub(1, column),
    after = line:sub(column + 1),
  }
end

--- What was typed since, from the place to the cursor; nil if something else happened there.
---@param place dlm.Place
---@return string|nil
local function typed_since(place)
  if vim.api.nvim_get_current_buf() ~= place.buf then
    return nil
  end
  local at = vim.api.nvim_buf_get_extmark_by_id(place.buf, anchors, place.anchor, {})
  local row, column = cursor()
  if not at[1] or row < at[1] or (row == at[1] and column < at[2]) or row - at[1] > 100 then
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

--- What is still to be typed of the suggestion; nil if it does not hold any more, or all of it stands there.
---@return string|nil left
---@return dlm.Item|nil
local function left()
  local item = shown and shown.items[shown.index]
  local typed = item and typed_since(shown.place)
  if not typed or not vim.startswith(item.text, typed) then
    return nil
  end
  if #typed == #item.text and item.replaces == '' then
    return nil
  end
  return item.text:sub(#typed + 1), item
end

local function drop()
  ghost.clear()
  forget(shown and shown.place)
  shown = nil
end

--- Draw what holds, or nothing.
local function draw()
  local rest, item = left()
  if not rest or not inserting() or (config.options.hide_with_menu and menu.visible()) then
    ghost.clear()
    return
  end
  local row, column = cursor()
  ghost.draw(vim.api.nvim_get_current_buf(), row, column, rest, item.replaces)
  if not shown.told then
    shown.told = true
    client.feedback(shown.place.buf, 'dlm/didShow')
  end
end

--- The item in terms of the place; nil if its range is not one around the place.
---@param raw table
---@param place dlm.Place
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

---@param answer any
---@param place dlm.Place
---@param position lsp.Position
---@param encoding string
---@return dlm.Item[]
local function items_of(answer, place, position, encoding)
  local items = {}
  for _, raw in ipairs(type(answer) == 'table' and (answer.items or answer) or {}) do
    local item = item_of(raw, place, position, encoding)
    if item and (item.text ~= '' or item.replaces ~= '') then
      items[#items + 1] = item
    end
  end
  return items
end

--- What the user sees stays, if it is among the new items or holds still: nothing flickers.
---@param place dlm.Place
---@param items dlm.Item[]
---@param chosen boolean whether somebody asked for these
local function take(place, items, chosen)
  local rest, old = left()
  if rest and not chosen then
    local since = typed_since(place)
    for index, item in ipairs(items) do
      if since and item.text == since .. rest and item.replaces == old.replaces then
        forget(shown.place)
        shown = { place = place, items = items, index = index, told = shown.told }
        return draw()
      end
    end
    forget(place)
    return
  end
  drop()
  if #items == 0 then
    return forget(place)
  end
  shown = { place = place, items = items, index = 1, told = false }
  if not left() then
    return drop()
  end
  draw()
end

local function cancel()
  if pending then
    pending.client:cancel_request(pending.id)
    if not (shown and shown.place == pending.place) then
      forget(pending.place)
    end
    pending = nil
  end
end

--- Ask for what may stand at the cursor.
---@param kind integer
---@param after fun(count: integer)|nil called with how many items there are
local function ask(kind, after)
  local buf = vim.api.nvim_get_current_buf()
  local server = client.client(buf)
  if not server then
    return
  end
  cancel()
  local place = here()
  local row = cursor()
  local encoding = server.offset_encoding
  local position = { line = row, character = vim.str_utfindex(place.before, encoding) }
  local mine = {}
  -- The real number of the buffer: with 0, changes that wait to be sent would be sent after the question.
  local ok, id = server:request(METHOD, {
    textDocument = { uri = vim.uri_from_bufnr(buf) },
    position = position,
    context = { triggerKind = kind },
  }, function(err, answer)
    if not pending or pending.mine ~= mine then
      return
    end
    pending = nil
    if err or not inserting() then
      return forget(place)
    end
    local items = items_of(answer, place, position, encoding)
    take(place, items, kind == INVOKED)
    if after then
      after(#items)
    end
  end, buf)
  if ok and id then
    pending = { id = id, client = server, place = place, mine = mine }
  else
    forget(place)
  end
end

--- The text or the cursor changed: draw what still holds at once, and ask.
function M.update()
  if not inserting() or vim.fn.reg_executing() ~= '' then
    return
  end
  draw()
  if not ghost.visible() and shown and not left() then
    drop()
  end
  local buf = vim.api.nvim_get_current_buf()
  local row, column = cursor()
  local now = ('%d %d %d %d'):format(buf, vim.api.nvim_buf_get_changedtick(buf), row, column)
  if now == asked_at then
    return
  end
  asked_at = now
  if not config.options.automatic or not config.wanted(buf) or not vim.bo[buf].modifiable then
    cancel()
    return drop()
  end
  ask(AUTOMATIC)
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
  cancel()
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
  local row, column = cursor()
  local lines = vim.split(cut, '\n', { plain = true })
  vim.api.nvim_buf_set_text(buf, row, column, row, column + (whole and #item.replaces or 0), lines)
  vim.api.nvim_win_set_cursor(0, { row + #lines, (#lines == 1 and column or 0) + #lines[#lines] })
  if whole then
    cancel()
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
  if not inserting() then
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
  ask(INVOKED, turn)
end

--- Ask although nothing was typed.
function M.trigger()
  if not inserting() then
    return
  end
  if not client.client(vim.api.nvim_get_current_buf()) then
    return client.tell(client.why(vim.api.nvim_get_current_buf()), vim.log.levels.WARN)
  end
  ask(INVOKED, function(count)
    if count == 0 then
      client.tell('no suggestion here')
    end
  end)
end

--- Whether the server was asked, and has not answered.
---@return boolean
function M.asking()
  return pending ~= nil
end

--- How many suggestions there are, and which is shown; nil if none is.
---@return integer|nil index
---@return integer|nil count
function M.position()
  if shown and M.visible() then
    return shown.index, #shown.items
  end
end

return M
