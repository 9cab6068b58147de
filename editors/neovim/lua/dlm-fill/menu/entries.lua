--- What the server suggests at the cursor, as entries of a completion menu (blink.cmp, nvim-cmp). Columns are in bytes.
local client = require('dlm-fill.client')
local items_at = require('dlm-fill.suggestion.items')
local text = require('dlm-fill.text')

local M = {}

local METHOD = 'textDocument/inlineCompletion'
local INVOKED, AUTOMATIC = 1, 2
local MOST_CELLS = 60 -- a label wider than this is cut
M.KIND = 1 -- Text: a menu adds no brackets to it

--- An entry takes the place of the word before the cursor, too: menus compare it with that.
---@param item dlm.Item
---@param row integer from 0
---@param before string the line before the cursor
---@param order integer
---@return lsp.CompletionItem
function M.entry(item, row, before, order)
  local word = before:match('[%w_\128-\255]*$')
  local new = word .. item.text
  local label = vim.trim((new:gsub('\n.*', ' …')))
  if vim.fn.strdisplaywidth(label) > MOST_CELLS then
    label = vim.fn.strcharpart(label, 0, MOST_CELLS) .. '…'
  end
  local filetype = vim.bo.filetype
  return {
    label = label,
    kind = M.KIND,
    filterText = word ~= '' and new:gsub('\n.*', '') or label,
    sortText = ('%04d'):format(order),
    insertTextFormat = 1,
    documentation = { kind = 'markdown', value = ('```%s\n%s\n```'):format(filetype, new) },
    textEdit = {
      newText = new,
      range = {
        start = { line = row, character = #before - #word },
        ['end'] = { line = row, character = #before + #item.replaces },
      },
    },
    data = { command = item.command, length = text.utf16(item.text) },
  }
end

---@class dlm.EntriesQuestion
---@field buf integer
---@field row integer from 0
---@field column integer in bytes
---@field invoked boolean whether somebody asked

--- Ask for entries. The answer is empty where there is no server.
---@param asked dlm.EntriesQuestion
---@param answer fun(entries: lsp.CompletionItem[])
---@return fun() cancel
function M.ask(asked, answer)
  local server = client.client(asked.buf)
  local line = vim.api.nvim_buf_get_lines(asked.buf, asked.row, asked.row + 1, false)[1] or ''
  local place = { before = line:sub(1, asked.column), after = line:sub(asked.column + 1) }
  if not server then
    answer({})
    return function() end
  end
  local encoding = server.offset_encoding
  local position = { line = asked.row, character = vim.str_utfindex(place.before, encoding) }
  local ok, id = server:request(METHOD, {
    textDocument = { uri = vim.uri_from_bufnr(asked.buf) },
    position = position,
    context = { triggerKind = asked.invoked and INVOKED or AUTOMATIC },
  }, function(_, result)
    local entries = {}
    for i, item in ipairs(items_at.of(result, place, position, encoding)) do
      entries[i] = M.entry(item, asked.row, place.before, i)
    end
    answer(entries)
  end, asked.buf)
  if not ok then
    answer({})
  end
  return function()
    if ok and id then
      server:cancel_request(id)
    end
  end
end

--- An entry was accepted: the server counts it.
---@param buf integer
---@param entry lsp.CompletionItem
function M.accepted(buf, entry)
  local server = client.client(buf)
  local data = entry.data or {}
  if server and data.command then
    server:exec_cmd(data.command, { bufnr = buf })
  elseif server then
    client.feedback(buf, 'dlm/didAccept', { acceptedLength = data.length })
  end
end

return M
