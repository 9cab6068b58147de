--- The language server: which program, its settings, its status, and that it comes back when it has died.
local config = require('dlm-fill.config')
local text = require('dlm-fill.text')

local M = {}

M.NAME = 'dlm-fill'
local LOG_LINES = 500
local PATIENCE_MS = 180000 -- crashes older than this are forgotten
local MOST_CRASHES = 5

---@class dlm.Status what `dlm/status` tells
---@field state 'off'|'starting'|'loading'|'ready'|'busy'|'inactive'|'error'
---@field message string
---@field model string
---@field device string

---@type dlm.Status
M.status = { state = 'off', message = '', model = '', device = '' }

---@type string[]
M.log = {}

---@type fun(params: table)|nil called with each `dlm/preview`
M.on_preview = nil

local crashes = {} ---@type integer[] when (ms)
local stopping = {} ---@type table<integer, boolean> clients that are meant to end
local told = {} ---@type table<string, boolean>
local roots = {} ---@type table<string, boolean> folders of the files that are open

---@param status table
local function show(status)
  M.status = vim.tbl_extend('force', { state = 'off', message = '', model = '', device = '' }, status)
  vim.api.nvim_exec_autocmds('User', { pattern = 'DlmFillStatus', modeline = false, data = M.status })
  vim.cmd.redrawstatus()
end

---@param line string
local function note(line)
  M.log[#M.log + 1] = os.date('%H:%M:%S ') .. line
  if #M.log > LOG_LINES then
    table.remove(M.log, 1)
  end
end

--- Tell the user in one line; the whole of it is in `:Dlm log`.
---@param message string
---@param level integer|nil
function M.tell(message, level)
  note(message)
  if not message:find('^dlm%-fill') then
    message = 'dlm-fill: ' .. message
  end
  vim.notify(text.short(message), level or vim.log.levels.INFO)
end

--- The server's command: as set up, else of the active environment, on the PATH, or beside this plugin in a checkout.
--- Never of the workspace: opening a file must not run a program that lies beside it.
---@return string[]|nil
function M.command()
  if config.options.cmd then
    return config.options.cmd
  end
  local here = vim.fs.dirname(vim.fs.normalize(vim.fn.resolve(debug.getinfo(1, 'S').source:sub(2))))
  local places = {
    vim.env.VIRTUAL_ENV and vim.fs.joinpath(vim.env.VIRTUAL_ENV, 'bin', 'dlm-fill') or '',
    'dlm-fill',
    vim.fs.joinpath(vim.fs.normalize('~'), '.local', 'bin', 'dlm-fill'),
    vim.fs.normalize(vim.fs.joinpath(here, '..', '..', '..', '..', '.venv', 'bin', 'dlm-fill')),
  }
  for _, place in ipairs(places) do
    if place ~= '' and vim.fn.executable(place) == 1 then
      return { vim.fn.exepath(place), 'lsp' }
    end
  end
  return nil
end

M.REMEDY = 'install it (pipx install dlm-fill) or name it: setup { cmd = { "/path/to/dlm-fill", "lsp" } }'

--- Whether the edit is for the buffers as they are.
--- Neovim passes over an edit that is not, and says that it was applied.
---@param edit lsp.WorkspaceEdit
---@return boolean
local function current(edit)
  for _, change in ipairs(edit.documentChanges or {}) do
    local document = change.textDocument
    local buf = document and vim.uri_to_bufnr(document.uri)
    local version = document and document.version
    if type(version) == 'number' and version ~= vim.lsp.util.buf_versions[buf] then
      return false
    end
  end
  return true
end

local handlers = {
  ['workspace/applyEdit'] = function(_, params, context)
    if not current(params.edit) then
      return { applied = false, failureReason = 'the buffer was edited meanwhile' }
    end
    local client = assert(vim.lsp.get_client_by_id(context.client_id))
    local ok, reason = pcall(vim.lsp.util.apply_workspace_edit, params.edit, client.offset_encoding)
    return { applied = ok, failureReason = not ok and tostring(reason) or nil }
  end,
  ['dlm/status'] = function(_, params)
    if type(params) == 'table' then
      note(('%s %s'):format(params.state or '?', params.message or ''))
      show(params)
      if params.state == 'error' and params.message and params.message ~= '' then
        M.tell(params.message, vim.log.levels.ERROR)
      end
    end
  end,
  ['dlm/preview'] = function(_, params)
    if M.on_preview then
      M.on_preview(params)
    end
  end,
  -- Neovim's own prints whole messages, and the user has to press Enter.
  ['window/showMessage'] = function(_, params)
    local levels = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO, vim.log.levels.DEBUG }
    M.tell(params.message, levels[params.type] or vim.log.levels.INFO)
  end,
  ['window/logMessage'] = function(_, params)
    note(params.message)
  end,
}

---@param code integer
---@param signal integer
---@param id integer
local function ended(code, signal, id)
  if stopping[id] or vim.v.exiting ~= vim.NIL then
    stopping[id] = nil
    vim.schedule(function()
      if vim.v.exiting == vim.NIL and not M.client() then
        show({ state = 'off' })
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
      show({ state = 'error', message = ('the server ended %d times (%s)'):format(#crashes, how) })
      M.tell(('the server ended %d times (%s): see :Dlm doctor, then :Dlm restart'):format(#crashes, how), 4)
      return
    end
    local wait = 500 * 2 ^ (#crashes - 1)
    show({ state = 'starting', message = 'the server ended' })
    M.tell(('the server ended (%s) and is started again'):format(how), vim.log.levels.WARN)
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
    handlers = handlers,
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
    show({ state = 'error', message = what })
    if not told[what] then
      told[what] = true
      M.tell(('no server (see :checkhealth dlm-fill): %s'):format(what), vim.log.levels.WARN)
      note(M.REMEDY)
    end
    return false
  end
  local found = vim.tbl_deep_extend('force', defaults(), vim.lsp.config[M.NAME] or {}, { name = M.NAME })
  found.cmd = found.cmd or command
  found.root_dir = found.root_dir or vim.fs.root(buf, found.root_markers)
  if M.status.state == 'off' or M.status.state == 'error' then
    show({ state = 'starting' })
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
    return M.status.message ~= '' and M.status.message or 'the server does not run: see :checkhealth dlm-fill'
  elseif M.status.message ~= '' then
    return M.status.message
  end
  return M.status.state
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
      show({ state = 'off' })
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
