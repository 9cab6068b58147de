--- A fill that a command asked for: masks turn into code at the gap, and then the user accepts or rejects it.
---
--- The buffer is not touched before. Gaps move along with edits elsewhere; an edit of a gap drops the proposal.
local client = require('dlm-fill.client')
local config = require('dlm-fill.config')
local text = require('dlm-fill.text')

local M = {}

local space = vim.api.nvim_create_namespace('dlm-fill-proposal')
local SURE = 0.5

---@class dlm.Gap
---@field mark integer extmark over what would be replaced
---@field old string
---@field new string|nil the fill, when there is one
---@field lines table[][]|nil chunks of each line that is drawn

---@class dlm.Proposal
---@field buf integer
---@field gaps dlm.Gap[]
---@field request integer|nil
---@field client vim.lsp.Client
---@field ready boolean
---@field at_once boolean put it into the buffer as soon as it is there
---@field drawn integer[] extmarks
---@field keys table[] what the keys did before
---@field frames integer

local now = nil ---@type dlm.Proposal|nil
local group = vim.api.nvim_create_augroup('dlm-fill-proposal', {})

---@param buf integer
---@param mark integer
---@return integer[]|nil range row, column, end row, end column
local function range_of(buf, mark)
  local at = vim.api.nvim_buf_get_extmark_by_id(buf, space, mark, { details = true })
  return at[1] and { at[1], at[2], at[3].end_row, at[3].end_col } or nil
end

---@param buf integer
---@param range integer[]
---@return dlm.Gap
local function gap_at(buf, range)
  local lines = vim.api.nvim_buf_get_text(buf, range[1], range[2], range[3], range[4], {})
  local mark = vim.api.nvim_buf_set_extmark(buf, space, range[1], range[2], {
    end_row = range[3],
    end_col = range[4],
    hl_group = 'DlmFillReplaced',
    right_gravity = false,
    end_right_gravity = true,
  })
  return { mark = mark, old = table.concat(lines, '\n') }
end

---@param proposal dlm.Proposal
---@return boolean
local function untouched(proposal)
  if not vim.api.nvim_buf_is_loaded(proposal.buf) then
    return false
  end
  for _, gap in ipairs(proposal.gaps) do
    local range = range_of(proposal.buf, gap.mark)
    if not range then
      return false
    end
    local lines = vim.api.nvim_buf_get_text(proposal.buf, range[1], range[2], range[3], range[4], {})
    if table.concat(lines, '\n') ~= gap.old then
      return false
    end
  end
  return true
end

---@param proposal dlm.Proposal
local function erase(proposal)
  for _, id in ipairs(proposal.drawn) do
    vim.api.nvim_buf_del_extmark(proposal.buf, space, id)
  end
  proposal.drawn = {}
end

---@param proposal dlm.Proposal
---@param row integer
---@param column integer
---@param what table
local function put(proposal, row, column, what)
  proposal.drawn[#proposal.drawn + 1] =
    vim.api.nvim_buf_set_extmark(proposal.buf, space, row, column, vim.tbl_extend('error', { priority = 190 }, what))
end

--- The chunks without what begins them and stands in the buffer already.
---@param line table[]
---@param known string
---@return table[]|nil
local function without(line, known)
  local joined = ''
  for _, chunk in ipairs(line) do
    joined = joined .. chunk[1]
  end
  if not vim.startswith(joined, known) then
    return nil
  end
  local out, skip = {}, #known
  for _, chunk in ipairs(line) do
    local taken = math.min(skip, #chunk[1])
    skip = skip - taken
    if taken < #chunk[1] then
      out[#out + 1] = { chunk[1]:sub(taken + 1), chunk[2] }
    end
  end
  return out
end

---@param proposal dlm.Proposal
---@param gap dlm.Gap
---@param hint string
local function draw_gap(proposal, gap, hint)
  local range = range_of(proposal.buf, gap.mark)
  if not range or not gap.lines then
    return
  end
  local lines = vim.deepcopy(gap.lines)
  if hint ~= '' then
    table.insert(lines[#lines], { hint, 'DlmFillHint' })
  end
  local tabstop = vim.bo[proposal.buf].tabstop
  local last = vim.api.nvim_buf_get_lines(proposal.buf, range[3], range[3] + 1, true)[1]
  local blank = vim.trim(gap.old) == '' and not gap.old:find('\n', 1, true)
  local within = range[1] == range[3] and (range[2] > 0 or range[4] < #last)
  local inline = blank and without(lines[1], gap.old) or within and lines[1] or nil
  if inline then
    put(proposal, range[3], range[4], { virt_text = inline, virt_text_pos = 'inline' })
    table.remove(lines, 1)
  end
  for _, line in ipairs(lines) do
    local column = 0
    for _, chunk in ipairs(line) do
      chunk[1] = text.expand(chunk[1], column, tabstop)
      column = column + vim.fn.strdisplaywidth(chunk[1], column)
    end
    if #line == 0 then
      line[1] = { ' ' }
    end
  end
  if #lines > 0 then
    put(proposal, range[3], 0, { virt_lines = lines })
  end
end

---@param proposal dlm.Proposal
local function draw(proposal)
  erase(proposal)
  local keys = config.options.proposal_keymaps
  local hint = proposal.ready
      and ('  %s accepts, %s rejects'):format(keys.accept or ':Dlm accept', keys.reject or ':Dlm reject')
    or ''
  for i, gap in ipairs(proposal.gaps) do
    draw_gap(proposal, gap, i == #proposal.gaps and hint or '')
  end
  proposal.frames = proposal.frames + 1
  vim.api.nvim_exec_autocmds('User', {
    pattern = 'DlmFillPreview',
    modeline = false,
    data = { buf = proposal.buf, ready = proposal.ready, frame = proposal.frames },
  })
end

---@param tokens table[]
---@return table[][] chunks by line
local function lines_of_tokens(tokens)
  local lines = { {} }
  for _, token in ipairs(tokens) do
    local group_name = token.open and 'DlmFillMask' or token.confidence < SURE and 'DlmFillUncertain' or 'DlmFillNew'
    local shown = text.plain(token.text)
    if token.open and shown == '' then
      shown = '░'
    end
    for i, part in ipairs(vim.split(shown, '\n', { plain = true })) do
      if i > 1 then
        lines[#lines + 1] = {}
      end
      if part ~= '' then
        table.insert(lines[#lines], { part, group_name })
      end
    end
  end
  return lines
end

---@param lhs string
---@param action fun()
---@param description string
local function key(proposal, lhs, action, description)
  if not lhs then
    return
  end
  local before = vim.api.nvim_buf_call(proposal.buf, function()
    return vim.fn.maparg(lhs, 'n', false, true)
  end)
  table.insert(proposal.keys, { lhs = lhs, before = before.buffer == 1 and before or nil })
  vim.keymap.set('n', lhs, action, { buffer = proposal.buf, nowait = true, desc = description })
end

local function close()
  local proposal = now
  now = nil
  vim.api.nvim_clear_autocmds({ group = group })
  if not proposal or not vim.api.nvim_buf_is_valid(proposal.buf) then
    return
  end
  vim.api.nvim_buf_clear_namespace(proposal.buf, space, 0, -1)
  for _, kept in ipairs(proposal.keys) do
    pcall(vim.keymap.del, 'n', kept.lhs, { buffer = proposal.buf })
    if kept.before then
      vim.api.nvim_buf_call(proposal.buf, function()
        vim.fn.mapset('n', false, kept.before)
      end)
    end
  end
end

---@return boolean
function M.open()
  return now ~= nil
end

--- Put the fill into the buffer: one step of undo, the cursor at its end.
function M.accept()
  local proposal = now
  if not proposal then
    return client.tell('nothing to accept: ask for a fill first (:Dlm fill)')
  elseif not proposal.ready then
    proposal.at_once = true
    return
  end
  if not untouched(proposal) then
    close()
    return client.tell('nothing filled: the text was edited there meanwhile; ask again', vim.log.levels.WARN)
  end
  local buf, ranges = proposal.buf, {}
  for i, gap in ipairs(proposal.gaps) do
    ranges[i] = { at = range_of(buf, gap.mark), new = gap.new }
  end
  close()
  table.sort(ranges, function(a, b)
    return a.at[1] < b.at[1] or (a.at[1] == b.at[1] and a.at[2] < b.at[2])
  end)
  local stop
  vim.bo[buf].undolevels = vim.bo[buf].undolevels -- an undo point
  for i = #ranges, 1, -1 do
    local at, lines = ranges[i].at, vim.split(ranges[i].new, '\n', { plain = true })
    vim.api.nvim_buf_set_text(buf, at[1], at[2], at[3], at[4], lines)
    if stop then -- lines that came before it
      stop[1] = stop[1] + #lines - 1 - (at[3] - at[1])
    else
      stop = { at[1] + #lines, (#lines == 1 and at[2] or 0) + #lines[#lines] }
    end
  end
  if vim.api.nvim_get_current_buf() == buf then
    local inserting = vim.api.nvim_get_mode().mode:match('^i')
    pcall(vim.api.nvim_win_set_cursor, 0, { stop[1], math.max(0, stop[2] - (inserting and 0 or 1)) })
  end
end

--- Leave the buffer as it is; what runs is cancelled.
function M.reject()
  if now and now.request then
    now.client:cancel_request(now.request)
  end
  close()
end

---@param proposal dlm.Proposal
---@param edits lsp.TextEdit[]
local function take(proposal, edits)
  local buf, encoding = proposal.buf, proposal.client.offset_encoding
  vim.api.nvim_buf_clear_namespace(buf, space, 0, -1)
  proposal.gaps, proposal.drawn = {}, {}
  local count = vim.api.nvim_buf_line_count(buf)
  local function byte(position)
    if position.line >= count then
      local last = vim.api.nvim_buf_get_lines(buf, -2, -1, true)[1]
      return count - 1, #last
    end
    local line = vim.api.nvim_buf_get_lines(buf, position.line, position.line + 1, true)[1]
    return position.line, vim.str_byteindex(line, encoding, position.character, false)
  end
  for _, edit in ipairs(edits) do
    local row, column = byte(edit.range.start)
    local end_row, end_column = byte(edit.range['end'])
    local gap = gap_at(buf, { row, column, end_row, end_column })
    gap.new = text.plain(edit.newText)
    gap.lines = {}
    for i, line in ipairs(vim.split(gap.new, '\n', { plain = true })) do
      gap.lines[i] = line ~= '' and { { line, 'DlmFillNew' } } or {}
    end
    proposal.gaps[#proposal.gaps + 1] = gap
  end
  proposal.ready, proposal.request = true, nil
  if proposal.at_once then
    return M.accept()
  end
  draw(proposal)
end

---@param edit lsp.WorkspaceEdit|nil
---@param uri string
---@return lsp.TextEdit[]|nil
---@return integer|nil version
local function edits_of(edit, uri)
  for _, change in ipairs(edit and edit.documentChanges or {}) do
    if change.textDocument and change.textDocument.uri == uri then
      return change.edits, type(change.textDocument.version) == 'number' and change.textDocument.version or nil
    end
  end
  return edit and edit.changes and edit.changes[uri] or nil
end

--- Ask the server to resolve `action`, and show what comes.
---@param proposal dlm.Proposal
---@param action table
---@param again boolean
local function ask(proposal, action, again)
  local buf = proposal.buf
  local function answered(err, answer)
    if now ~= proposal then
      return
    elseif err then
      close()
      return client.tell(err.message or 'the fill failed', vim.log.levels.WARN)
    end
    local edits, version = edits_of(answer and answer.edit, vim.uri_from_bufnr(buf))
    if not edits or #edits == 0 then
      close()
      return client.tell('nothing to change')
    elseif version and version ~= vim.lsp.util.buf_versions[buf] then
      -- A key was pressed while the answer was on its way.
      if again and untouched(proposal) then
        action.data.ranges = M.ranges(proposal)
        action.data.version = vim.lsp.util.buf_versions[buf]
        return ask(proposal, action, false)
      end
      close()
      return client.tell('nothing filled: the text was edited meanwhile; ask again', vim.log.levels.WARN)
    end
    take(proposal, edits)
  end
  local ok, id = proposal.client:request('codeAction/resolve', action, answered, buf)
  proposal.request = ok and id or nil
  if not ok then
    close()
    client.tell('the server does not run: :Dlm restart', vim.log.levels.WARN)
  end
end

--- Where the gaps are, as the server counts.
---@param proposal dlm.Proposal
---@return lsp.Range[]
function M.ranges(proposal)
  local ranges, encoding = {}, proposal.client.offset_encoding
  local function position(row, column)
    local line = vim.api.nvim_buf_get_lines(proposal.buf, row, row + 1, true)[1]
    return { line = row, character = vim.str_utfindex(line, encoding, column, false) }
  end
  for i, gap in ipairs(proposal.gaps) do
    local at = assert(range_of(proposal.buf, gap.mark))
    ranges[i] = { start = position(at[1], at[2]), ['end'] = position(at[3], at[4]) }
  end
  return ranges
end

---@param buf integer
---@param at_once boolean
---@return dlm.Proposal|nil
local function begin(buf, at_once)
  local server = client.client(buf)
  if not server then
    client.tell(client.why(buf), vim.log.levels.WARN)
    return nil
  elseif not vim.bo[buf].modifiable or vim.bo[buf].readonly then
    client.tell('nothing filled: the buffer is read-only', vim.log.levels.WARN)
    return nil
  end
  M.reject()
  now = {
    buf = buf,
    gaps = {},
    client = server,
    ready = false,
    at_once = at_once or not config.options.confirm,
    drawn = {},
    keys = {},
    frames = 0,
  }
  local keys = config.options.proposal_keymaps
  key(now, keys.accept, M.accept, 'dlm-fill: accept the fill')
  key(now, keys.reject, M.reject, 'dlm-fill: reject the fill')
  vim.api.nvim_create_autocmd({ 'TextChanged', 'TextChangedI', 'TextChangedP' }, {
    group = group,
    buffer = buf,
    callback = function()
      if now and not untouched(now) then
        M.reject()
        client.tell('nothing filled: the text was edited there meanwhile; ask again', vim.log.levels.WARN)
      end
    end,
  })
  vim.api.nvim_create_autocmd({ 'BufUnload', 'LspDetach' }, {
    group = group,
    buffer = buf,
    callback = function()
      close()
      return true
    end,
  })
  return now
end

--- Fill ranges of a buffer jointly.
---@param buf integer
---@param ranges integer[][] row, column, end row, end column; from 0, in bytes
---@param strength number
---@param at_once boolean
function M.fill(buf, ranges, strength, at_once)
  local proposal = begin(buf, at_once)
  if not proposal then
    return
  end
  for i, range in ipairs(ranges) do
    proposal.gaps[i] = gap_at(buf, range)
    proposal.gaps[i].lines = { { { '░░░', 'DlmFillMask' } } }
  end
  draw(proposal)
  ask(proposal, {
    title = 'dlm-fill: fill',
    kind = 'refactor.rewrite',
    data = {
      uri = vim.uri_from_bufnr(buf),
      version = vim.lsp.util.buf_versions[buf],
      ranges = M.ranges(proposal),
      strength = strength,
    },
  }, true)
end

--- Show what a code action of the server would do; its ranges are those of its data, if it tells any.
---@param buf integer
---@param action lsp.CodeAction
---@param at_once boolean
function M.action(buf, action, at_once)
  local data = type(action.data) == 'table' and action.data or {}
  local encoding = assert(client.client(buf)).offset_encoding
  local ranges = {}
  for i, range in ipairs(data.ranges or {}) do
    local at = {}
    for _, position in ipairs({ range.start, range['end'] }) do
      local line = vim.api.nvim_buf_get_lines(buf, position.line, position.line + 1, false)[1]
      at[#at + 1] = line and position.line or vim.api.nvim_buf_line_count(buf) - 1
      at[#at + 1] = vim.str_byteindex(line or '', encoding, position.character, false)
    end
    ranges[i] = at
  end
  local proposal = begin(buf, at_once)
  if not proposal then
    return
  end
  for i, range in ipairs(ranges) do
    proposal.gaps[i] = gap_at(buf, range)
    proposal.gaps[i].lines = { { { '░░░', 'DlmFillMask' } } }
  end
  draw(proposal)
  ask(proposal, action, false)
end

client.on_preview = function(params)
  local proposal = now
  if not proposal or proposal.ready or params.uri ~= vim.uri_from_bufnr(proposal.buf) then
    return
  elseif #params.holes ~= #proposal.gaps then
    return -- of ghost text
  end
  for i, hole in ipairs(params.holes) do
    proposal.gaps[i].lines = lines_of_tokens(hole.tokens)
  end
  draw(proposal)
end

return M
