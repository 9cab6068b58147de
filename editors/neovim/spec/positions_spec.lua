local positions = require('dlm-fill.positions')

local LINES = { 'plain', '', 'é😀漢x', '\ttab 😀' }

local function buffer()
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buf, 0, -1, true, LINES)
  return buf
end

it('each character is found again, in each encoding', function()
  local buf = buffer()
  for _, encoding in ipairs({ 'utf-8', 'utf-16', 'utf-32' }) do
    for row, line in ipairs(LINES) do
      local column = 0
      for _, character in ipairs(vim.fn.split(line, '\\zs')) do
        local range = { row - 1, column, row - 1, column + #character }
        same(range, positions.bytes(buf, positions.range(buf, range, encoding), encoding))
        column = column + #character
      end
    end
  end
end)

it('positions count units of the encoding', function()
  local buf = buffer()
  same({ line = 2, character = 3 }, positions.position(buf, 2, 6, 'utf-16'))
  same({ line = 2, character = 2 }, positions.position(buf, 2, 6, 'utf-32'))
end)

it('behind the last line is its end', function()
  local buf = buffer()
  local range = { start = { line = 3, character = 0 }, ['end'] = { line = 4, character = 0 } }
  same({ 3, 0, 3, #LINES[4] }, positions.bytes(buf, range, 'utf-16'))
end)

it('the edits of a document are found, with the version that they are for', function()
  local edits = { { newText = 'x' } }
  local edit = { documentChanges = { { textDocument = { uri = 'file:///a', version = 4 }, edits = edits } } }
  local found, version = positions.edits_of(edit, 'file:///a')
  same({ edits, 4 }, { found, version })
  same(nil, positions.edits_of(edit, 'file:///b'))
  same(edits, positions.edits_of({ changes = { ['file:///a'] = edits } }, 'file:///a'))
  same(nil, positions.edits_of(nil, 'file:///a'))
end)
