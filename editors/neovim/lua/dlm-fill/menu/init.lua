--- Completion menus: the built-in one, blink.cmp's and nvim-cmp's.
local M = {}

local watched_cmp = false

---@return boolean
function M.visible()
  if vim.fn.pumvisible() == 1 then
    return true
  end
  local blink = package.loaded['blink.cmp']
  if blink and blink.is_menu_visible and blink.is_menu_visible() then
    return true
  end
  local cmp = package.loaded['cmp']
  return cmp ~= nil and cmp.visible ~= nil and cmp.visible() and true or false
end

--- Call back whenever a menu comes or goes.
---@param group integer
---@param changed fun()
function M.watch(group, changed)
  -- While a menu comes it may not count as visible yet, or still while it goes: look again behind the event.
  local soon = vim.schedule_wrap(changed)
  local function now_and_soon()
    changed()
    soon()
  end
  -- While these events run no text may change.
  vim.api.nvim_create_autocmd({ 'CompleteChanged', 'CompleteDone' }, { group = group, callback = soon })
  vim.api.nvim_create_autocmd('User', {
    group = group,
    pattern = { 'BlinkCmpMenuOpen', 'BlinkCmpMenuClose' },
    callback = now_and_soon,
  })
  vim.api.nvim_create_autocmd('InsertEnter', {
    group = group,
    callback = function()
      local cmp = package.loaded['cmp']
      if cmp and cmp.event and not watched_cmp then
        watched_cmp = true
        cmp.event:on('menu_opened', now_and_soon)
        cmp.event:on('menu_closed', now_and_soon)
      end
    end,
  })
end

return M
