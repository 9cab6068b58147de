--- Positions of the protocol count lines and units of an encoding; those of a buffer count rows and bytes.
local M = {}

--- Whether an edit of that version is for the buffer as it is. The server says 1 for 0, which Neovim's own client
--- would not compare; a buffer that was changed has a version above 1.
---@param buf integer
---@param version integer
---@return boolean
function M.is_current(buf, version)
  local now = vim.lsp.util.buf_versions[buf]
  return version == now or (version == 1 and now == 0)
end

---@param buf integer
---@param row integer from 0
---@return string|nil
local function line_at(buf, row)
  return vim.api.nvim_buf_get_lines(buf, row, row + 1, false)[1]
end

---@param buf integer
---@param row integer from 0
---@param column integer in bytes
---@param encoding string
---@return lsp.Position
function M.position(buf, row, column, encoding)
  return { line = row, character = vim.str_utfindex(line_at(buf, row) or '', encoding, column, false) }
end

---@param buf integer
---@param range integer[] row, column, end row, end column
---@param encoding string
---@return lsp.Range
function M.range(buf, range, encoding)
  return {
    start = M.position(buf, range[1], range[2], encoding),
    ['end'] = M.position(buf, range[3], range[4], encoding),
  }
end

--- Where a position is; behind the buffer's last line it is that line's end.
---@param buf integer
---@param position lsp.Position
---@param encoding string
---@return integer row
---@return integer column
local function at(buf, position, encoding)
  local line = line_at(buf, position.line)
  if not line then
    local last = vim.api.nvim_buf_line_count(buf) - 1
    return last, #(line_at(buf, last) or '')
  end
  return position.line, vim.str_byteindex(line, encoding, position.character, false)
end

---@param buf integer
---@param range lsp.Range
---@param encoding string
---@return integer[] row, column, end row, end column
function M.bytes(buf, range, encoding)
  local row, column = at(buf, range.start, encoding)
  local end_row, end_column = at(buf, range['end'], encoding)
  return { row, column, end_row, end_column }
end

--- What an edit of the workspace does to one document.
---@param edit lsp.WorkspaceEdit|nil
---@param uri string
---@return lsp.TextEdit[]|nil
---@return integer|nil version that it is for
function M.edits_of(edit, uri)
  for _, change in ipairs(edit and edit.documentChanges or {}) do
    if change.textDocument and change.textDocument.uri == uri then
      return change.edits, type(change.textDocument.version) == 'number' and change.textDocument.version or nil
    end
  end
  return edit and edit.changes and edit.changes[uri] or nil
end

return M
