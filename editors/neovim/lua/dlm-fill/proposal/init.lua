--- A fill that a command asked for: masks turn into code at the gap, and then the user accepts or rejects it.
---
--- The buffer is not touched before. Gaps move along with edits elsewhere; an edit of a gap drops the proposal.
local client = require('dlm-fill.client')
local config = require('dlm-fill.config')
local gaps_in = require('dlm-fill.proposal.gaps')
local keys_of = require('dlm-fill.proposal.keys')
local positions = require('dlm-fill.positions')
local preview = require('dlm-fill.proposal.preview')
local text = require('dlm-fill.text')

local M = {}

---@class dlm.Proposal
---@field buf integer
---@field gaps dlm.Gap[]
---@field request integer|nil
---@field client vim.lsp.Client
---@field ready boolean
---@field at_once boolean put it into the buffer as soon as it is there
---@field drawing dlm.Drawing
---@field keys dlm.BorrowedKey[]
---@field frames integer

local now = nil ---@type dlm.Proposal|nil
local group = vim.api.nvim_create_augroup('dlm-fill-proposal', {})
local EDITED = 'nothing filled: edited there meanwhile; ask again'

---@param proposal dlm.Proposal
local function draw(proposal)
  local keys = config.options.proposal_keymaps
  local hint = ('  %s accepts, %s rejects'):format(keys.accept or ':Dlm accept', keys.reject or ':Dlm reject')
  preview.draw(proposal.drawing, proposal.gaps, proposal.ready and hint or '')
  proposal.frames = proposal.frames + 1
  vim.api.nvim_exec_autocmds('User', {
    pattern = 'DlmFillPreview',
    modeline = false,
    data = { buf = proposal.buf, ready = proposal.ready, frame = proposal.frames },
  })
end

local function close()
  local proposal = now
  now = nil
  vim.api.nvim_clear_autocmds({ group = group })
  if not proposal or not vim.api.nvim_buf_is_valid(proposal.buf) then
    return
  end
  vim.api.nvim_buf_clear_namespace(proposal.buf, gaps_in.space, 0, -1)
  for _, key in ipairs(proposal.keys) do
    keys_of.give_back(proposal.buf, key)
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
  if not gaps_in.untouched(proposal.buf, proposal.gaps) then
    close()
    return client.tell(EDITED, vim.log.levels.WARN)
  end
  local buf = proposal.buf
  local stop = gaps_in.replace(buf, proposal.gaps)
  close()
  if vim.api.nvim_get_current_buf() == buf then
    local inserting = vim.api.nvim_get_mode().mode:match('^i')
    pcall(vim.api.nvim_win_set_cursor, 0, { stop[1] + 1, math.max(0, stop[2] - (inserting and 0 or 1)) })
  end
end

--- Leave the buffer as it is; what runs is cancelled.
function M.reject()
  if now and now.request then
    now.client:cancel_request(now.request)
  end
  close()
end

--- Show what the server would put in; an edit each is a gap.
---@param proposal dlm.Proposal
---@param edits lsp.TextEdit[]
local function take(proposal, edits)
  local buf, encoding = proposal.buf, proposal.client.offset_encoding
  preview.erase(proposal.drawing)
  vim.api.nvim_buf_clear_namespace(buf, gaps_in.space, 0, -1)
  proposal.gaps = vim.tbl_map(function(edit)
    local gap = gaps_in.at(buf, positions.bytes(buf, edit.range, encoding))
    gap.new = text.plain(edit.newText)
    gap.lines = preview.lines_of_text(gap.new)
    return gap
  end, edits)
  proposal.ready, proposal.request = true, nil
  if proposal.at_once then
    return M.accept()
  end
  draw(proposal)
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
    local edits, version = positions.edits_of(answer and answer.edit, vim.uri_from_bufnr(buf))
    if not edits or #edits == 0 then
      close()
      return client.tell('nothing to change')
    elseif version and not positions.is_current(buf, version) then
      -- A key was pressed while the answer was on its way.
      if again and gaps_in.untouched(buf, proposal.gaps) then
        action.data.ranges = gaps_in.ranges(buf, proposal.gaps, proposal.client.offset_encoding)
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
    drawing = { buf = buf, marks = {} },
    keys = {},
    frames = 0,
  }
  local lhs = config.options.proposal_keymaps
  table.insert(now.keys, keys_of.borrow(buf, lhs.accept, M.accept, 'dlm-fill: accept the fill'))
  table.insert(now.keys, keys_of.borrow(buf, lhs.reject, M.reject, 'dlm-fill: reject the fill'))
  vim.api.nvim_create_autocmd({ 'TextChanged', 'TextChangedI', 'TextChangedP' }, {
    group = group,
    buffer = buf,
    callback = function()
      if now and not gaps_in.untouched(buf, now.gaps) then
        M.reject()
        client.tell(EDITED, vim.log.levels.WARN)
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

--- Show where the fills will stand.
---@param proposal dlm.Proposal
---@param ranges integer[][]
local function open_gaps(proposal, ranges)
  for i, range in ipairs(ranges) do
    proposal.gaps[i] = gaps_in.at(proposal.buf, range)
    proposal.gaps[i].lines = preview.masks()
  end
  draw(proposal)
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
  open_gaps(proposal, ranges)
  ask(proposal, {
    title = 'dlm-fill: fill',
    kind = 'refactor.rewrite',
    data = {
      uri = vim.uri_from_bufnr(buf),
      version = vim.lsp.util.buf_versions[buf],
      ranges = gaps_in.ranges(buf, proposal.gaps, proposal.client.offset_encoding),
      strength = strength,
    },
  }, true)
end

--- Show what a code action of the server would do; its ranges are those of its data, if it tells any.
---@param buf integer
---@param action lsp.CodeAction
---@param at_once boolean
function M.action(buf, action, at_once)
  local proposal = begin(buf, at_once)
  if not proposal then
    return
  end
  local data = type(action.data) == 'table' and action.data or {}
  local ranges = vim.tbl_map(function(range)
    return positions.bytes(buf, range, proposal.client.offset_encoding)
  end, data.ranges or {})
  open_gaps(proposal, ranges)
  ask(proposal, action, false)
end

require('dlm-fill.client.handlers').on_preview = function(params)
  local proposal = now
  if not proposal or proposal.ready or params.uri ~= vim.uri_from_bufnr(proposal.buf) then
    return
  elseif #params.holes ~= #proposal.gaps then
    return -- of ghost text
  end
  for i, hole in ipairs(params.holes) do
    proposal.gaps[i].lines = preview.lines_of_tokens(hole.tokens)
  end
  draw(proposal)
end

return M
