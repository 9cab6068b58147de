--- `:checkhealth dlm-fill`
local M = {}

local health = vim.health

local function check_editor()
  if vim.fn.has('nvim-0.11') == 1 then
    health.ok(('Neovim %s'):format(vim.version()))
  else
    health.error('Neovim is too old', 'install Neovim 0.11 or newer')
  end
end

---@param found string[]|nil
local function check_server(found)
  local client = require('dlm-fill.client')
  if not found then
    return health.error('the server is not installed', client.REMEDY)
  elseif vim.fn.executable(found[1]) ~= 1 then
    return health.error(('cannot run %s'):format(found[1]), client.REMEDY)
  end
  local done = vim.system({ found[1], '--version' }, { text = true }):wait(20000)
  if done.code ~= 0 then
    return health.error(('%s --version fails'):format(found[1]), vim.trim(done.stderr or ''))
  end
  health.ok(('%s: %s'):format(found[1], vim.trim(done.stdout)))
  done = vim.system({ found[1], 'doctor', '--json' }, { text = true }):wait(60000)
  local ok, lines = pcall(vim.json.decode, done.stdout or '')
  if not ok or type(lines) ~= 'table' then
    return health.warn('dlm-fill doctor says nothing', vim.trim(done.stderr or ''))
  end
  for _, line in ipairs(lines) do
    if line.topic == 'built-in model' or line.topic == 'languages' then
      health.info(('%s: %s'):format(line.topic, line.text))
      if line.remedy and line.remedy ~= '' then
        health.info('  ' .. line.remedy)
      end
    end
  end
end

local function check_connection()
  local client = require('dlm-fill.client')
  local running = client.client()
  if not running then
    return health.warn('no server runs: ' .. client.status().state .. ' ' .. client.status().message, {
      'open a file, then look again',
      ':Dlm restart',
    })
  end
  local status = client.status()
  local model = status.model ~= '' and (', %s on %s'):format(status.model, status.device) or ''
  local say = status.state == 'error' and health.error or health.ok
  say(('server runs: %s %s%s; %s'):format(status.state, status.message, model, running.offset_encoding))
  if (running.flags or {}).debounce_text_changes ~= 0 then
    health.warn('changes are sent to the server late', 'leave flags.debounce_text_changes at 0')
  end
end

local function check_keys()
  local config = require('dlm-fill.config')
  for option, lhs in pairs(config.options.keymaps or {}) do
    local map = lhs and vim.fn.maparg(lhs, 'i', false, true) or {}
    if lhs and not (map.desc or ''):find('^dlm%-fill') then
      health.warn(('%s is mapped to something else than %s'):format(lhs, option), {
        'call setup after the plugin that maps it',
        ('or map another key to <Plug>(dlm-fill-%s)'):format((option:gsub('_', '-'))),
      })
    end
  end
  if vim.lsp.inline_completion and vim.lsp.inline_completion.is_enabled() then
    health.warn('vim.lsp.inline_completion is on, too: suggestions are drawn twice', {
      'vim.lsp.inline_completion.enable(false)',
    })
  end
end

function M.check()
  health.start('dlm-fill')
  check_editor()
  local client = package.loaded['dlm-fill.client']
  if not client then
    health.warn('setup was not called', 'require("dlm-fill").setup {}')
  end
  check_server(require('dlm-fill.client').command())
  if client then
    check_connection()
    check_keys()
  end
end

return M
