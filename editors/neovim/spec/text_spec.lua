local text = require('dlm-fill.text')

local LETTERS = { 'a', 'b', '(', ')', ' ', '\t', '\n', 'é', '😀', '漢', '_', '1', '.' }

--- Random texts, the same in each run.
local function texts(count)
  math.randomseed(20)
  local out = {}
  for i = 1, count do
    local letters = {}
    for j = 1, math.random(1, 12) do
      letters[j] = LETTERS[math.random(#LETTERS)]
    end
    out[i] = table.concat(letters)
  end
  return out
end

it('line ends are those of buffers', function()
  same('a\nb\nc\n', text.plain('a\r\nb\rc\n'))
end)

it('a word brings what is blank before it, and no half character', function()
  same('foo', text.word('foo.bar'))
  same('.', text.word('.bar'))
  same('  =', text.word('  = 1'))
  same('\n  x', text.word('\n  x + 1'))
  same('élan', text.word('élan 1'))
  same('  ', text.word('  '))
end)

it('a line is the first, or the one after a line end', function()
  same('a b', text.line('a b\nc'))
  same('\nc', text.line('\nc\nd'))
end)

it('words, and lines, taken one by one are the text', function()
  for _, whole in ipairs(texts(500)) do
    for _, part in ipairs({ text.word, text.line }) do
      local rest, taken = whole, ''
      while rest ~= '' do
        local cut = part(rest)
        assert(cut ~= '' and vim.startswith(rest, cut), vim.inspect({ whole, rest, cut }))
        assert(vim.str_utfindex(cut, 'utf-16'), 'a character is whole')
        taken, rest = taken .. cut, rest:sub(#cut + 1)
      end
      same(whole, taken)
    end
  end
end)

it('pieces around what stands there already make the new text', function()
  same({ 'x', '' }, text.pieces('x)', ')'))
  same({ 'f(x)', '' }, text.pieces('f(x))', ')'))
  same(nil, text.pieces('x', ')'))
  for _, new in ipairs(texts(500)) do
    local old = new:gsub('[%w]', ''):sub(-2)
    local pieces = text.pieces(new, old)
    local joined = pieces and pieces[1]
    for i = 1, pieces and #old or 0 do
      joined = joined .. old:sub(i, i) .. pieces[i + 1]
    end
    assert(pieces == nil or joined == new, vim.inspect({ new, old, pieces }))
  end
end)

it('tabs are as wide as where they stand', function()
  same('a   b', text.expand('a\tb', 0, 4))
  same('a b', text.expand('a\tb', 2, 4))
  same('漢  b', text.expand('漢\tb', 0, 4))
end)

it('lengths are those of UTF-16', function()
  same(2, text.utf16('😀'))
  same(1, text.utf16('é'))
end)

it('a message is one line that fits the screen', function()
  same('a b', text.short('a\n  b\n'))
  assert(vim.fn.strdisplaywidth(text.short(('漢'):rep(500))) <= math.max(20, vim.v.echospace))
end)
