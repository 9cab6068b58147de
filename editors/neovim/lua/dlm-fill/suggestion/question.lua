--- The question to the server what may stand at the cursor. There is one at a time: a newer one cancels the older.
local client = require('dlm-fill.client')
local items_at = require('dlm-fill.suggestion.items')
local places = require('dlm-fill.suggestion.place')

local M = {}

local METHOD = 'textDocument/inlineCompletion'
M.INVOKED, M.AUTOMATIC = 1, 2

local pending = nil ---@type { id: integer, client: vim.lsp.Client, place: dlm.Place, mine: table }|nil

---@return boolean
function M.inserting()
  return vim.api.nvim_get_mode().mode:match('^i') ~= nil
end

--- Whether the server was asked, and has not answered.
---@return boolean
function M.open()
  return pending ~= nil
end

function M.cancel()
  if pending then
    pending.client:cancel_request(pending.id)
    places.forget(pending.place)
    pending = nil
  end
end

--- Ask for what may stand at the cursor.
---@param kind integer
---@param answered fun(place: dlm.Place, items: dlm.Item[]) called if somebody still inserts then; owns the place
function M.ask(kind, answered)
  local buf = vim.api.nvim_get_current_buf()
  local server = client.client(buf)
  if not server then
    return
  end
  M.cancel()
  local place = places.here()
  local row = places.cursor()
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
    if err or not M.inserting() then
      return places.forget(place)
    end
    answered(place, items_at.of(answer, place, position, encoding))
  end, buf)
  if ok and id then
    pending = { id = id, client = server, place = place, mine = mine }
  else
    places.forget(place)
  end
end

return M
