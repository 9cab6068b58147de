--- The language server: which program, its settings, its status, and that it comes back when it has died.
local config = require('dlm-fill.config')
local handlers = require('dlm-fill.client.handlers')
local log = require('dlm-fill.client.log')
local program = require('dlm-fill.client.program')
local state = require('dlm-fill.client.state')

local M = {}

M.NAME = 'dlm-fill'
local PATIENCE_MS = 180000 -- crashes older than this are forgotten
local MOST_CRASHES = 5

M.log, M.tell = log.lines, log.tell
M.status = state.get
M.command, M.REMEDY = program.command, program.REMEDY

local crashes = {} ---@type integer[] when (ms)
local stopping = {} ---@type table<integer, boolean> clients that are meant to end
local told = {} ---@type table<string, boolean>
local roots = {} ---@type table<string, boolean> folders of the files that are open

---@param code integer
---@param signal integer
---@param id integer
local function ended(code, signal, id)
  if stopping[id] or vim.v.exiting ~= vim.NIL then
    stopping[id] = nil
    vim.schedule(function()
      if vim.v.exiting == vim.NIL and not M.client() then
        state.show({ state = 'off' })
      end
    end)
    return
  end
  local now = vim.uv.now()
  crashes = vim.tbl_filter(function(at)
    return now - at < PATIENCE_MS
  end, crashes)
  crashes[#crashes + 1] = now
  local how = signal ~= 0 and ('signal %d'):format(signal) or ('exit code %d'):format(code)
  vim.schedule(function()
    if #crashes > MOST_CRASHES then
      state.show({ state = 'error', message = ('the server ended %d times (%s)'):format(#crashes, how) })
      log.tell(('the server ended %d times (%s): see :Dlm doctor, then :Dlm restart'):format(#crashes, how), 4)
      return
    end
    local wait = 500 * 2 ^ (#crashes - 1)
    state.show({ state = 'starting', message = 'the server ended' })
    log.tell(('the server ended (%s) and is started again'):format(how), vim.log.levels.WARN)
    vim.defer_fn(M.attach_all, wait)
  end)
end

--- Tell the server of the folders that came after it was started.
---@param client vim.lsp.Client
local function add_roots(client)
  for root in pairs(roots) do
    local known = root == client.root_dir
    for _, folder in ipairs(client.workspace_folders or {}) do
      known = known or folder.name == root
    end
    if not known then
      client:_add_workspace_folder(root)
    end
  end
end

--- What holds unless `vim.lsp.config('dlm-fill', …)` says otherwise.
---@return vim.lsp.Config
local function defaults()
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  -- Said in Neovim 0.11, too: the server then keeps out of the completion list.
  capabilities.textDocument.inlineCompletion = { dynamicRegistration = false }
  local settings = vim.tbl_extend('force', { preview = true, automatic = true }, config.options.settings)
  return {
    root_markers = config.options.root_markers,
    capabilities = capabilities,
    settings = { ['dlm-fill'] = settings },
    init_options = settings,
    handlers = handlers.by_method,
    flags = { debounce_text_changes = 0 },
    on_init = add_roots,
    on_exit = ended,
  }
end

--- Let `vim.lsp.config('dlm-fill', …)` be known to Neovim, whether the user has set something or not.
function M.configure()
  vim.lsp.config(M.NAME, {})
end

--- The client of a buffer (nil: any that lives).
---@param buf integer|nil
---@return vim.lsp.Client|nil
function M.client(buf)
  for _, client in ipairs(vim.lsp.get_clients({ name = M.NAME, bufnr = buf })) do
    if not client:is_stopped() and not stopping[client.id] then
      return client
    end
  end
  return nil
end

--- One server for all folders: a second one would load the model a second time.
---@param client vim.lsp.Client
---@param wanted vim.lsp.ClientConfig
---@return boolean
local function reusable(client, wanted)
  if client.name ~= M.NAME or client:is_stopped() or stopping[client.id] then
    return false
  end
  local root = wanted.root_dir
  if root and root ~= client.root_dir then
    roots[root] = true
    if client.initialized then
      add_roots(client)
    end
  end
  return true
end

---@param buf integer
---@param typing boolean|nil somebody is about to type: buffers without a name count, too
---@return boolean attached
function M.attach(buf, typing)
  if not vim.api.nvim_buf_is_loaded(buf) then
    return false
  elseif not config.wanted(buf) then
    local client = M.client(buf)
    if client then -- it has become a file of another type
      vim.lsp.buf_detach_client(buf, client.id)
    end
    return false
  elseif not typing and vim.api.nvim_buf_get_name(buf) == '' then
    return false
  end
  if M.client(buf) then
    return true
  end
  local command = M.command()
  if not command or vim.fn.executable(command[1]) ~= 1 then
    local what = command and ('cannot run %s'):format(command[1]) or 'the server is not installed'
    state.show({ state = 'error', message = what })
    if not told[what] then
      told[what] = true
      log.tell(what .. ': see :checkhealth dlm-fill', vim.log.levels.WARN)
      log.note(M.REMEDY)
    end
    return false
  end
  local found = vim.tbl_deep_extend('force', defaults(), vim.lsp.config[M.NAME] or {}, { name = M.NAME })
  found.cmd = found.cmd or command
  found.root_dir = found.root_dir or vim.fs.root(buf, found.root_markers)
  if state.get().state == 'off' or state.get().state == 'error' then
    state.show({ state = 'starting' })
  end
  return vim.lsp.start(found, { bufnr = buf, reuse_client = reusable }) ~= nil
end

--- Why a buffer has no client, or what the server says of it.
---@param buf integer
---@return string
function M.why(buf)
  local wanted, reason = config.wanted(buf)
  if not wanted then
    return reason
  elseif not M.client(buf) then
    return state.get().message ~= '' and state.get().message or 'the server does not run: see :checkhealth dlm-fill'
  elseif state.get().message ~= '' then
    return state.get().message
  end
  return state.get().state
end

--- Attach to all buffers that are wanted.
function M.attach_all()
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    M.attach(buf)
  end
end

--- End the server, and call back when it has ended.
---@param after fun()|nil
function M.stop(after)
  local clients = vim.lsp.get_clients({ name = M.NAME })
  for _, client in ipairs(clients) do
    stopping[client.id] = true
    client:stop()
  end
  local tries = 0
  local function look()
    tries = tries + 1
    local left = vim.tbl_filter(function(client)
      return not client:is_stopped()
    end, clients)
    if #left == 0 then
      state.show({ state = 'off' })
      return after and after()
    end
    if tries == 60 then -- 3 s
      for _, client in ipairs(left) do
        client:stop(true)
      end
    end
    vim.defer_fn(look, 50)
  end
  look()
end

function M.restart()
  crashes, told = {}, {}
  M.stop(function()
    M.configure()
    M.attach_all()
  end)
end

--- A notification about what became of a suggestion; never an error.
---@param buf integer
---@param method string
---@param more table|nil
function M.feedback(buf, method, more)
  local client = M.client(buf)
  if client then
    client:notify(method, vim.tbl_extend('error', { uri = vim.uri_from_bufnr(buf) }, more or {}))
  end
end

return M
