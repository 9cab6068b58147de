--- Options of `setup`: what they may be, and what holds without them.
local M = {}

---@class dlm.Keymaps
---@field accept string|false
---@field accept_word string|false
---@field accept_line string|false
---@field next string|false
---@field previous string|false
---@field dismiss string|false
---@field trigger string|false

---@class dlm.Config
---@field cmd string[]|nil the server's command; nil: it is looked for
---@field settings table<string, any> settings of the server, as `dlm-fill settings` lists them
---@field automatic boolean show suggestions to who just types
---@field keymaps dlm.Keymaps|false insert-mode keys; false: none
---@field proposal_keymaps { accept: string|false, reject: string|false } normal-mode keys while a proposal is open
---@field filetypes table<string, boolean> `['*']` is for those not named
---@field should_attach fun(buf: integer): boolean
---@field root_markers string[]
---@field hide_with_menu boolean no ghost text while a completion menu is open
---@field confirm boolean show a fill first, and put it into the buffer when it is accepted
---@field strength number the share of a range that `:Dlm rewrite` writes anew

---@type dlm.Config
M.defaults = {
  cmd = nil,
  settings = {},
  automatic = true,
  keymaps = {
    accept = '<Tab>',
    accept_word = '<M-Right>',
    accept_line = '<M-C-Right>',
    next = '<M-]>',
    previous = '<M-[>',
    dismiss = '<C-]>',
    trigger = '<M-\\>',
  },
  proposal_keymaps = { accept = '<Tab>', reject = '<Esc>' },
  filetypes = { ['*'] = true, gitcommit = false, gitrebase = false, help = false },
  should_attach = function(buf)
    return vim.bo[buf].buftype == '' and vim.bo[buf].buflisted
  end,
  root_markers = { '.git', 'dlm-fill.toml' },
  hide_with_menu = true,
  confirm = true,
  strength = 0.4,
}

---@type dlm.Config
M.options = vim.deepcopy(M.defaults)

local function one_of(...)
  local kinds = { ... }
  return function(value)
    for _, kind in ipairs(kinds) do
      if value == kind or type(value) == kind then
        return true
      end
    end
    return false
  end
end

--- Whether a value is a table of which each entry is of one of the kinds.
local function all(keys, ...)
  local key, entry = one_of(keys), one_of(...)
  return function(value)
    if type(value) ~= 'table' then
      return false
    end
    for name, one in pairs(value) do
      if not key(name) or not entry(one) then
        return false
      end
    end
    return true
  end
end

local CHECKS = {
  cmd = { all('number', 'string'), 'a list of strings: { "dlm-fill", "lsp" }' },
  settings = { all('string', 'string', 'number', 'boolean', 'table'), 'a table, see `dlm-fill settings`' },
  automatic = { one_of('boolean'), 'true or false' },
  keymaps = { one_of('table', false), 'a table of keys, or false' },
  proposal_keymaps = { one_of('table'), 'a table of keys' },
  filetypes = { one_of('table'), 'a table: { markdown = false, ["*"] = true }' },
  should_attach = { one_of('function'), 'a function of a buffer' },
  root_markers = { all('number', 'string'), 'a list of file names' },
  hide_with_menu = { one_of('boolean'), 'true or false' },
  confirm = { one_of('boolean'), 'true or false' },
  strength = {
    function(value)
      return type(value) == 'number' and value > 0 and value <= 1
    end,
    'a number above 0 and at most 1',
  },
}

--- How many letters have to be put in, left out or changed to make one word of another.
---@param from string
---@param to string
---@return integer
local function distance(from, to)
  local row = {}
  for j = 0, #to do
    row[j] = j
  end
  for i = 1, #from do
    local corner = row[0]
    row[0] = i
    for j = 1, #to do
      local changed = corner + (from:byte(i) == to:byte(j) and 0 or 1)
      corner = row[j]
      row[j] = math.min(changed, row[j] + 1, row[j - 1] + 1)
    end
  end
  return row[#to]
end

--- The word that was probably meant; nil if none is near.
---@param word string
---@param known string[]
---@return string|nil
function M.nearest(word, known)
  local best, least = nil, math.max(2, math.floor(#word / 2))
  for _, name in ipairs(known) do
    local far = distance(word:lower(), name)
    if far < least or (far == least and not best) then
      best, least = name, far
    end
  end
  return best
end

---@param what string
---@param name string
---@param known string[]
---@return string
local function unknown(what, name, known)
  local near = M.nearest(name:match('[^.]*$'), known)
  local hint = near and ('did you mean %s?'):format(near) or 'known are ' .. table.concat(known, ', ')
  return ('no %s %s; %s'):format(what, name, hint)
end

---@param given table
---@param found string[]
local function complain_of_tables(given, found)
  for _, name in ipairs({ 'keymaps', 'proposal_keymaps' }) do
    local known = vim.tbl_keys(M.defaults[name])
    table.sort(known)
    for key, lhs in pairs(type(given[name]) == 'table' and given[name] or {}) do
      if M.defaults[name][key] == nil then
        found[#found + 1] = unknown('key', ('%s.%s'):format(name, key), known)
      elseif not one_of('string', false)(lhs) then
        found[#found + 1] = ('%s.%s must be a key, or false'):format(name, key)
      end
    end
  end
  for filetype, on in pairs(type(given.filetypes) == 'table' and given.filetypes or {}) do
    if type(on) ~= 'boolean' then
      found[#found + 1] = ('filetypes.%s must be true or false'):format(filetype)
    end
  end
end

--- What is wrong with the options of a user; each line names the option and what it may be.
---@param given table
---@return string[]
function M.complaints(given)
  local found = {}
  for name, value in pairs(given) do
    local check = CHECKS[name]
    if not check then
      found[#found + 1] = unknown('option', tostring(name), M.names())
    elseif not check[1](value) then
      found[#found + 1] = ('%s must be %s'):format(name, check[2])
    end
  end
  complain_of_tables(given, found)
  table.sort(found)
  return found
end

---@return string[]
function M.names()
  local names = vim.tbl_keys(CHECKS)
  table.sort(names)
  return names
end

--- Take the user's options. Wrong ones are told once, and the default holds.
---@param given table|nil
function M.set(given)
  local good = {}
  for _, complaint in ipairs(M.complaints(given or {})) do
    vim.notify('dlm-fill: ' .. complaint, vim.log.levels.WARN)
  end
  for name, value in pairs(given or {}) do
    if CHECKS[name] and CHECKS[name][1](value) then
      good[name] = type(value) == 'table' and M.defaults[name] and {} or value
      for key, entry in pairs(type(good[name]) == 'table' and value or {}) do
        if #M.complaints({ [name] = { [key] = entry } }) == 0 then
          good[name][key] = entry
        end
      end
    end
  end
  M.options = vim.tbl_deep_extend('force', vim.deepcopy(M.defaults), good)
end

--- Whether the user wants suggestions in a buffer at all.
---@param buf integer
---@return boolean
---@return string reason why not, or ''
function M.wanted(buf)
  local options = M.options
  if vim.g.dlm_fill == false then
    return false, 'switched off (:Dlm toggle)'
  elseif vim.b[buf].dlm_fill == false then
    return false, 'switched off in this buffer (:Dlm toggle buffer)'
  end
  local filetype = vim.bo[buf].filetype
  local by_type = options.filetypes[filetype]
  if by_type == nil then
    by_type = options.filetypes['*'] ~= false
  end
  if vim.b[buf].dlm_fill ~= true and not by_type then
    return false, ('switched off for the file type %q (setup: filetypes)'):format(filetype)
  elseif not options.should_attach(buf) then
    return false, 'not a file being edited (setup: should_attach)'
  end
  return true, ''
end

return M
