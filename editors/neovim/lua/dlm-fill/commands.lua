--- `:Dlm …`
local client = require('dlm-fill.client')
local config = require('dlm-fill.config')
local proposal = require('dlm-fill.proposal')
local suggestion = require('dlm-fill.suggestion')

local M = {}

---@class dlm.Call
---@field buf integer
---@field args string[]
---@field bang boolean put it into the buffer without asking
---@field range integer[]|nil first and last line from 0, if some were given

---@param buf integer
---@param first integer
---@param last integer
---@return integer[]
local function whole_lines(buf, first, last)
  local line = vim.api.nvim_buf_get_lines(buf, last, last + 1, false)[1] or ''
  return { first, 0, last, #line }
end

--- The characters that are, or were last, selected; nil if whole lines are.
---@param buf integer
---@return integer[]|nil
local function selection(buf)
  if vim.fn.visualmode() ~= 'v' then
    return nil
  end
  local first, last = vim.api.nvim_buf_get_mark(buf, '<'), vim.api.nvim_buf_get_mark(buf, '>')
  if first[1] == 0 or last[1] == 0 then
    return nil
  end
  local line = vim.api.nvim_buf_get_lines(buf, last[1] - 1, last[1], false)[1] or ''
  local stop = math.min(last[2], #line)
  if stop < #line and vim.o.selection ~= 'exclusive' then
    stop = stop + vim.str_utf_end(line, stop + 1) + 1
  end
  return { first[1] - 1, math.min(first[2], #(vim.fn.getbufline(buf, first[1])[1] or '')), last[1] - 1, stop }
end

--- The ranges that are named: `40-55 60`, the selection, the lines of the range, or the cursor's line.
---@param call dlm.Call
---@param words string[]
---@return integer[][]|nil
local function ranges_of(call, words)
  local ranges, count = {}, vim.api.nvim_buf_line_count(call.buf)
  for _, word in ipairs(words) do
    local first, last = word:match('^(%d+)%-?(%d*)$')
    first, last = tonumber(first), tonumber(last) or tonumber(first)
    if not first or first < 1 or last < first or last > count then
      client.tell(('%q is no range of lines: 40, or 40-55, up to %d'):format(word, count), vim.log.levels.WARN)
      return nil
    end
    ranges[#ranges + 1] = whole_lines(call.buf, first - 1, last - 1)
  end
  if #ranges > 0 then
    return ranges
  elseif not call.range then
    local row = vim.api.nvim_win_get_cursor(0)[1] - 1
    return { whole_lines(call.buf, row, row) }
  end
  local chosen = selection(call.buf)
  if chosen and chosen[1] == call.range[1] and chosen[3] == call.range[2] then
    return { chosen }
  end
  return { whole_lines(call.buf, call.range[1], call.range[2]) }
end

--- What the server offers for a range.
---@param call dlm.Call
---@param range integer[]
---@param choose fun(actions: lsp.CodeAction[])
local function offered(call, range, choose)
  local server = client.client(call.buf)
  if not server then
    return client.tell(client.why(call.buf), vim.log.levels.WARN)
  end
  local function position(row, column)
    local line = vim.api.nvim_buf_get_lines(call.buf, row, row + 1, false)[1] or ''
    return { line = row, character = vim.str_utfindex(line, server.offset_encoding, column, false) }
  end
  server:request('textDocument/codeAction', {
    textDocument = { uri = vim.uri_from_bufnr(call.buf) },
    range = { start = position(range[1], range[2]), ['end'] = position(range[3], range[4]) },
    context = { diagnostics = {}, only = { 'refactor', 'quickfix', 'source' } },
  }, function(err, actions)
    if err then
      return client.tell(err.message, vim.log.levels.WARN)
    end
    choose(actions or {})
  end, call.buf)
end

---@param call dlm.Call
---@param action lsp.CodeAction
local function carry_out(call, action)
  if action.data or action.edit then
    return proposal.action(call.buf, action, call.bang)
  elseif action.command then
    local command = type(action.command) == 'table' and action.command or action
    assert(client.client(call.buf)):exec_cmd(command, { bufnr = call.buf })
  end
end

---@param step 'dlm.nextCandidate'|'dlm.previousCandidate'
---@param call dlm.Call
local function candidate(step, call)
  if vim.api.nvim_get_mode().mode:match('^i') then
    return suggestion.cycle(step == 'dlm.nextCandidate' and 1 or -1)
  elseif proposal.open() then
    return client.tell('accept the fill first, then look at others')
  end
  local server = client.client(call.buf)
  if not server then
    return client.tell(client.why(call.buf), vim.log.levels.WARN)
  end
  server:request('workspace/executeCommand', {
    command = step,
    arguments = { { uri = vim.uri_from_bufnr(call.buf) } },
  }, function(err, result)
    if err then
      client.tell(err.message, vim.log.levels.WARN)
    elseif result and result.candidates then
      client.tell(('candidate %d of %d'):format(result.candidate, result.candidates))
    end
  end, call.buf)
end

--- Run the program, and show what it prints.
---@param name string
local function show_output(name)
  local command = client.command()
  if not command then
    return client.tell('the server is not installed: see :checkhealth dlm-fill', vim.log.levels.WARN)
  end
  local plain = { NO_COLOR = '1', COLUMNS = tostring(vim.o.columns) }
  vim.system({ command[1], name }, { text = true, env = plain }, function(done)
    vim.schedule(function()
      local printed = vim.trim((done.stdout or '') .. (done.stderr or ''))
      M.scratch(name, vim.split(printed, '\n', { plain = true }))
    end)
  end)
end

---@param name string
---@param lines string[]
function M.scratch(name, lines)
  vim.cmd('botright new')
  local buf = vim.api.nvim_get_current_buf()
  vim.api.nvim_buf_set_lines(buf, 0, -1, true, lines)
  vim.bo[buf].buftype, vim.bo[buf].bufhidden, vim.bo[buf].swapfile = 'nofile', 'wipe', false
  vim.bo[buf].modifiable = false
  pcall(vim.api.nvim_buf_set_name, buf, 'dlm-fill://' .. name)
  vim.api.nvim_win_set_height(0, math.min(#lines + 1, math.floor(vim.o.lines / 2)))
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = buf, nowait = true })
end

---@type table<string, { run: fun(call: dlm.Call), complete: string[]|nil }>
M.subcommands = {
  fill = {
    run = function(call)
      local ranges = ranges_of(call, call.args)
      if ranges then
        proposal.fill(call.buf, ranges, 1.0, call.bang)
      end
    end,
  },
  rewrite = {
    run = function(call)
      local strength = call.args[1] == nil and config.options.strength or tonumber(call.args[1])
      if not strength or strength <= 0 or strength > 1 then
        return client.tell('the strength is a number above 0 and at most 1', vim.log.levels.WARN)
      end
      local ranges = ranges_of(call, vim.list_slice(call.args, 2))
      if ranges then
        proposal.fill(call.buf, ranges, strength, call.bang)
      end
    end,
    complete = { '0.2', '0.4', '0.6', '0.8' },
  },
  placeholders = {
    run = function(call)
      local row, column = unpack(vim.api.nvim_win_get_cursor(0))
      local range = call.range and ranges_of(call, {})[1] or { row - 1, column, row - 1, column }
      offered(call, range, function(actions)
        for _, action in ipairs(actions) do
          if action.title:lower():find('placeholder', 1, true) then
            return carry_out(call, action)
          end
        end
        client.tell('no placeholder (... or ___) in the function at the cursor')
      end)
    end,
  },
  refactor = {
    run = function(call)
      offered(call, ranges_of(call, {})[1], function(actions)
        if #actions == 0 then
          return client.tell('nothing to refactor here')
        end
        vim.ui.select(actions, {
          prompt = 'dlm-fill',
          kind = 'codeaction',
          format_item = function(action)
            return (action.title:gsub('^dlm%-fill: ', ''))
          end,
        }, function(action)
          if action then
            carry_out(call, action)
          end
        end)
      end)
    end,
  },
  next = {
    run = function(call)
      candidate('dlm.nextCandidate', call)
    end,
  },
  previous = {
    run = function(call)
      candidate('dlm.previousCandidate', call)
    end,
  },
  accept = {
    run = function()
      proposal.accept()
    end,
  },
  reject = {
    run = function()
      proposal.reject()
    end,
  },
  toggle = {
    run = function(call)
      local dlm = require('dlm-fill')
      local on = call.args[1] == 'buffer' and dlm.toggle_buffer(call.buf) or call.args[1] ~= 'buffer' and dlm.toggle()
      local where = call.args[1] == 'buffer' and ' in this buffer' or ''
      client.tell((on and 'on' or 'off') .. where)
    end,
    complete = { 'buffer' },
  },
  restart = {
    run = function()
      client.restart()
    end,
  },
  log = {
    run = function()
      M.scratch('log', #client.log > 0 and client.log or { 'nothing yet' })
      vim.cmd('normal! G')
    end,
  },
  status = {
    run = function(call)
      local status = client.status
      local model = status.model ~= '' and (' (%s on %s)'):format(status.model, status.device) or ''
      client.tell(client.why(call.buf) .. model)
    end,
  },
  doctor = {
    run = function()
      show_output('doctor')
    end,
  },
  stats = {
    run = function()
      show_output('stats')
    end,
  },
}

---@param given { fargs: string[], bang: boolean, range: integer, line1: integer, line2: integer }
function M.run(given)
  require('dlm-fill').ensure()
  local args = vim.deepcopy(given.fargs)
  local name = table.remove(args, 1) or 'status'
  local subcommand = M.subcommands[name]
  if not subcommand then
    local known = vim.tbl_keys(M.subcommands)
    table.sort(known)
    return client.tell(('no :Dlm %s; known are %s'):format(name, table.concat(known, ', ')), vim.log.levels.WARN)
  end
  subcommand.run({
    buf = vim.api.nvim_get_current_buf(),
    args = args,
    bang = given.bang,
    range = given.range > 0 and { given.line1 - 1, given.line2 - 1 } or nil,
  })
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local name = line:match('Dlm!?%s+(%S+)%s')
  local known = name and (M.subcommands[name] or {}).complete or vim.tbl_keys(M.subcommands)
  known = vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, known or {})
  table.sort(known)
  return known
end

return M
