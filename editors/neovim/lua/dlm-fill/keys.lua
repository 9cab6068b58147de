--- Keys: `<Plug>` mappings that pass the key on when there is nothing to do, and those of `setup`.
local suggestion = require('dlm-fill.suggestion')

local M = {}

local typed_last = ''

---@type table<string, { when: (fun(): boolean), run: fun() }>
local actions = {
  accept = {
    when = suggestion.visible,
    run = function()
      suggestion.accept('all')
    end,
  },
  ['accept-word'] = {
    when = suggestion.visible,
    run = function()
      suggestion.accept('word')
    end,
  },
  ['accept-line'] = {
    when = suggestion.visible,
    run = function()
      suggestion.accept('line')
    end,
  },
  next = {
    when = suggestion.visible,
    run = function()
      suggestion.cycle(1)
    end,
  },
  previous = {
    when = suggestion.visible,
    run = function()
      suggestion.cycle(-1)
    end,
  },
  dismiss = {
    when = suggestion.visible,
    run = function()
      suggestion.leave(true)
    end,
  },
  trigger = {
    when = function()
      return true
    end,
    run = suggestion.trigger,
  },
}

local otherwise_of = {} ---@type table<string, string>

--- Do it, or what the key does otherwise: the mapping may have been looked up before the key in front of it was typed.
---@param name string
function M.run(name)
  if actions[name].when() then
    return actions[name].run()
  end
  vim.api.nvim_feedkeys(vim.keycode(otherwise_of[name] or ''), 'mi', false)
end

--- What the insert-mode mapping of an action stands for: the action, or what the key would do without it.
---@param name string
---@param otherwise string keys
---@return string
function M.expression(name, otherwise)
  if not actions[name].when() then
    return otherwise
  end
  otherwise_of[name] = otherwise
  return ('<Plug>(dlm-fill-run-%s)'):format(name)
end

--- Type the key that was pressed, without mappings: nothing was there to accept.
---@param name string
function M.pass_on(name)
  local keys = typed_last
  if keys == '' then -- played back from a register: the only key that is mapped so
    local plug = ('<Plug>(dlm-fill-%s)'):format(name)
    for _, map in ipairs(vim.list_extend(vim.api.nvim_buf_get_keymap(0, 'i'), vim.api.nvim_get_keymap('i'))) do
      if map.rhs == plug then
        keys = map.lhsraw
        break
      end
    end
  end
  vim.api.nvim_feedkeys(keys, 'ni', false)
end

--- The `<Plug>` mappings; they cost nothing until they are used.
function M.define()
  for name in pairs(actions) do
    local run = ('<Plug>(dlm-fill-run-%s)'):format(name)
    local before = name:match('^accept') and '<C-g>u' or '' -- an undo point
    vim.keymap.set('i', run, ('%s<Cmd>lua require("dlm-fill.keys").run("%s")<CR>'):format(before, name))
    vim.keymap.set('i', ('<Plug>(dlm-fill-%s)'):format(name), function()
      return M.expression(name, ('<Cmd>lua require("dlm-fill.keys").pass_on("%s")<CR>'):format(name))
    end, { expr = true, remap = true, desc = 'dlm-fill: ' .. name })
  end
  vim.on_key(function(_, typed)
    if typed and typed ~= '' then
      typed_last = typed
    end
  end, vim.api.nvim_create_namespace('dlm-fill-keys'))
end

--- Map a key; without a suggestion it does what it did before.
---@param lhs string
---@param name string
local function map(lhs, name)
  local id = lhs:gsub('[<>]', '_')
  local otherwise = ('<Plug>(dlm-fill-before-%s)'):format(id)
  local old = vim.fn.maparg(lhs, 'i', false, true)
  if old.lhs and old.buffer ~= 1 and not (old.desc or ''):find('^dlm%-fill') then
    -- What was there before goes to a name of its own, and keeps all that it was.
    local kept = vim.deepcopy(old)
    kept.lhs, kept.lhsraw, kept.lhsrawalt, kept.mode = otherwise, nil, nil, nil
    kept.lhsraw = vim.keycode(otherwise)
    if not pcall(vim.fn.mapset, 'i', false, kept) then
      vim.keymap.set('i', otherwise, lhs)
    end
  elseif not old.lhs then
    vim.keymap.set('i', otherwise, lhs)
  end
  vim.keymap.set('i', lhs, function()
    return M.expression(name, otherwise)
  end, { expr = true, remap = true, desc = 'dlm-fill: ' .. name })
end

---@param keymaps dlm.Keymaps|false
function M.map(keymaps)
  if not keymaps then
    return
  end
  for option, lhs in pairs(keymaps) do
    if lhs and lhs ~= '' then
      map(lhs, (option:gsub('_', '-')))
    end
  end
end

return M
