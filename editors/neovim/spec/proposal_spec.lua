local gaps = require('dlm-fill.proposal.gaps')
local preview = require('dlm-fill.proposal.preview')

local function buffer(...)
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buf, 0, -1, true, { ... })
  return buf
end

local function filled(buf, ...)
  local made = {}
  for i, what in ipairs({ ... }) do
    made[i] = gaps.at(buf, what[1])
    made[i].new = what[2]
  end
  local stop = gaps.replace(buf, made)
  return vim.api.nvim_buf_get_lines(buf, 0, -1, true), stop
end

it('gaps are filled wherever they are, and the end of the last is told', function()
  local lines, stop = filled(buffer('a', 'b', 'c'), { { 0, 0, 0, 1 }, 'one\ntwo' }, { { 2, 0, 2, 1 }, 'x\nyz' })
  same({ { 'one', 'two', 'b', 'x', 'yz' }, { 4, 2 } }, { lines, stop })
end)

it('gaps on one line, named in any order', function()
  local lines, stop = filled(buffer('f(___, ___)'), { { 0, 7, 0, 10 }, 'b' }, { { 0, 2, 0, 5 }, 'alpha' })
  same({ { 'f(alpha, b)' }, { 0, 10 } }, { lines, stop })
end)

it('gaps that touch each other', function()
  local lines, stop = filled(buffer('ab'), { { 0, 0, 0, 1 }, 'x\ny' }, { { 0, 1, 0, 2 }, 'z' })
  same({ { 'x', 'yz' }, { 1, 2 } }, { lines, stop })
end)

it('a gap moves along, and is not untouched once it was edited', function()
  local buf = buffer('a', 'b')
  local gap = gaps.at(buf, { 1, 0, 1, 1 })
  vim.api.nvim_buf_set_lines(buf, 0, 0, true, { 'new' })
  same({ 2, 0, 2, 1 }, gaps.range(buf, gap))
  assert(gaps.untouched(buf, { gap }))
  vim.api.nvim_buf_set_text(buf, 2, 0, 2, 1, { 'c' })
  assert(not gaps.untouched(buf, { gap }))
end)

it('tokens are drawn by what is known of them', function()
  local tokens = {
    { text = 'return', confidence = 0.9, open = false },
    { text = ' x\r\n', confidence = 0.2, open = false },
    { text = '', confidence = 0.1, open = true },
  }
  same({
    { { 'return', 'DlmFillNew' }, { ' x', 'DlmFillUncertain' } },
    { { '░', 'DlmFillMask' } },
  }, preview.lines_of_tokens(tokens))
end)

it('what stands in the buffer already is not drawn again', function()
  local line = { { '    re', 'A' }, { 'turn', 'B' } }
  same({ { 're', 'A' }, { 'turn', 'B' } }, preview.without(line, '    '))
  same({ { 'rn', 'B' } }, preview.without(line, '    retu'))
  same(nil, preview.without(line, '\t'))
end)
