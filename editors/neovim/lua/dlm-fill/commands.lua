--- `:Dlm …`
local client = require('dlm-fill.client')
local config = require('dlm-fill.config')
local output = require('dlm-fill.output')
local positions = require('dlm-fill.positions')
local proposal = require('dlm-fill.proposal')
local ranges_in = require('dlm-fill.ranges')
local suggestion = require('dlm-fill.suggestion')

local M = {}

---@class dlm.Call
---@field buf integer
---@field args string[]
---@field bang boolean put it into the buffer without asking
---@field range integer[]|nil first and last line from 0, if some were given

--- What the server offers for a range.
---@param call dlm.Call
---@param range integer[]
---@param choose fun(actions: lsp.CodeAction[])
local function offered(call, range, choose)
  local server = client.client(call.buf)
  if not server then
    return client.tell(client.why(call.buf), vim.log.levels.WARN)
  end
  server:request('textDocument/codeAction', {
    textDocument = { uri = vim.uri_from_bufnr(call.buf) },
    range = positions.range(call.buf, range, server.offset_encoding),
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

---@type table<string, { run: fun(call: dlm.Call), complete: string[]|nil }>
M.subcommands = {
  fill = {
    run = function(call)
      local ranges = ranges_in.of(call, call.args)
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
      local ranges = ranges_in.of(call, vim.list_slice(call.args, 2))
      if ranges then
        proposal.fill(call.buf, ranges, strength, call.bang)
      end
    end,
    complete = { '0.2', '0.4', '0.6', '0.8' },
  },
  placeholders = {
    run = function(call)
      local row, column = unpack(vim.api.nvim_win_get_cursor(0))
      local range = call.range and ranges_in.of(call, {})[1] or { row - 1, column, row - 1, column }
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
      offered(call, ranges_in.of(call, {})[1], function(actions)
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
      output.show('log', #client.log > 0 and client.log or { 'nothing yet' })
      vim.cmd('normal! G')
    end,
  },
  status = {
    run = function(call)
      local status = client.status()
      local model = status.model ~= '' and (' (%s on %s)'):format(status.model, status.device) or ''
      client.tell(client.why(call.buf) .. model)
    end,
  },
  doctor = {
    run = function()
      output.run('doctor')
    end,
  },
  stats = {
    run = function()
      output.run('stats')
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
