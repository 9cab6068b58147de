local items = require('dlm-fill.suggestion.items')

local function span(first, last, line)
  return { start = { line = line or 3, character = first }, ['end'] = { line = line or 3, character = last } }
end

local function of(raw, before, after, encoding)
  local position = { line = 3, character = vim.str_utfindex(before, encoding or 'utf-8') }
  return items.of({ items = { raw } }, { before = before, after = after }, position, encoding or 'utf-8')
end

it('an item at the cursor is its text', function()
  same({ { text = 'urn x', replaces = '' } }, of({ insertText = 'urn x', range = span(3, 3) }, 'ret', ''))
  same({ { text = 'urn x', replaces = '' } }, of({ insertText = 'urn x' }, 'ret', ''))
  same({ { text = 'a\nb', replaces = '' } }, of({ insertText = { value = 'a\r\nb' } }, '', ''))
end)

it('what it says again of the text before the cursor is left out', function()
  same({ { text = 'urn x', replaces = '' } }, of({ insertText = 'return x', range = span(0, 3) }, 'ret', ''))
  same({}, of({ insertText = 'yield x', range = span(0, 3) }, 'ret', ''))
end)

it('what it replaces behind the cursor is known', function()
  same({ { text = 'x) + 1', replaces = ')' } }, of({ insertText = 'x) + 1', range = span(2, 3) }, 'f(', ')'))
end)

it('columns are those of the encoding', function()
  same(
    { { text = 'x)', replaces = ')' } },
    of({ insertText = 'x)', range = span(4, 5) }, '😀é(', ') # 😀', 'utf-16')
  )
  same({ { text = 'x)', replaces = ')' } }, of({ insertText = 'x)', range = span(7, 8) }, '😀é(', ') # 😀'))
end)

it('what is meant for another text is none', function()
  same({}, of({ insertText = 'x', range = span(0, 0, 2) }, '', ''))
  same({}, of({ insertText = 'x', range = span(4, 5) }, 'f(', ')'))
  same({}, of({ insertText = 'x', range = span(2, 9) }, 'f(', ')'))
  same({}, of({ insertText = 'x', range = span(0, 1) }, 'f(', ')'))
  same({}, of({ insertText = '', range = span(2, 2) }, 'f(', ')'))
  same({}, of({ insertText = 7 }, 'f(', ')'))
  same({}, items.of(vim.NIL, { before = '', after = '' }, { line = 0, character = 0 }, 'utf-8'))
end)

it('a rest is what was not typed yet', function()
  local item = { text = 'urn x', replaces = '' }
  same('urn x', items.rest(item, ''))
  same('n x', items.rest(item, 'ur'))
  same(nil, items.rest(item, 'ux'))
  same(nil, items.rest(item, 'urn x'))
  same(nil, items.rest(item, nil))
  same('', items.rest({ text = 'x', replaces = ')' }, 'x'))
end)
