--- Text and positions, without any state.
local M = {}

--- The text with line ends as buffers have them.
---@param text string
---@return string
function M.plain(text)
  return (text:gsub('\r\n', '\n'):gsub('\r', '\n'))
end

--- The text's first word, with what blank stands before it.
---@param text string not empty
---@return string
function M.word(text)
  -- Bytes from 128 on are parts of letters: a character is never cut.
  return text:match('^%s*[%w_\128-\255]+') or text:match('^%s*[^%w_%s\128-\255]+') or text
end

--- The text's first line; the one after it where the text begins with a line end.
---@param text string not empty
---@return string
function M.line(text)
  return text:match('^\n?[^\n]*')
end

--- Where the characters of `old` stand in `new`, in their order: what is new before each of them, and after the last.
---@param new string
---@param old string
---@return string[]|nil pieces one more than `old` has bytes; nil if some do not stand there
function M.pieces(new, old)
  -- From behind: an old closer is the last one of the new text.
  local pieces, stop = {}, #new
  for i = #old, 1, -1 do
    local at = stop
    while at > 0 and new:byte(at) ~= old:byte(i) do
      at = at - 1
    end
    if at == 0 then
      return nil
    end
    table.insert(pieces, 1, new:sub(at + 1, stop))
    stop = at - 1
  end
  table.insert(pieces, 1, new:sub(1, stop))
  return pieces
end

--- The text with tabs as blanks, as it is seen from the screen column `column` on.
---@param text string
---@param column integer from 0
---@param tabstop integer
---@return string
function M.expand(text, column, tabstop)
  if not text:find('\t', 1, true) then
    return text
  end
  local out, width = {}, column
  for part, tab in text:gmatch('([^\t]*)(\t?)') do
    out[#out + 1] = part
    width = width + vim.fn.strdisplaywidth(part, width)
    if tab ~= '' then
      local blanks = tabstop - width % tabstop
      out[#out + 1] = (' '):rep(blanks)
      width = width + blanks
    end
  end
  return table.concat(out)
end

--- How many units of UTF-16 the text has.
---@param text string
---@return integer
function M.utf16(text)
  return vim.str_utfindex(text, 'utf-16')
end

--- The beginning of `line` in so many cells.
---@param line string
---@param room integer
---@return string
local function cut(line, room)
  if vim.fn.strdisplaywidth(line) <= room then
    return line
  end
  local kept = vim.fn.strcharpart(line, 0, room - 1)
  while vim.fn.strdisplaywidth(kept) > room - 1 do -- a character may take two cells
    kept = vim.fn.strcharpart(kept, 0, vim.fn.strcharlen(kept) - 1)
  end
  return kept .. '…'
end

--- One line that fits the command line, so that nobody has to press Enter. What is wrong is cut before the remedy,
--- which is what stands behind the last `: ` or `; `.
---@param text string
---@return string
function M.short(text)
  local line = vim.trim((text:gsub('%s*\n%s*', ' ')))
  local room = math.max(20, vim.v.echospace - 1)
  local what, remedy = line:match('^(dlm%-fill: .+[^%s])([:;] .-)$')
  if vim.fn.strdisplaywidth(line) <= room or not what then
    return cut(line, room)
  end
  remedy = cut(remedy, math.max(room - 30, 10))
  return cut(what, room - vim.fn.strdisplaywidth(remedy)) .. remedy
end

return M
