--- What a command has to tell: in a window of its own, `q` closes it.
local client = require('dlm-fill.client')

local M = {}

--- Run the program, and show what it prints.
---@param name string
function M.run(name)
  local command = client.command()
  if not command then
    return client.tell('the server is not installed: see :checkhealth dlm-fill', vim.log.levels.WARN)
  end
  local plain = { NO_COLOR = '1', COLUMNS = tostring(vim.o.columns) }
  vim.system({ command[1], name }, { text = true, env = plain }, function(done)
    vim.schedule(function()
      local printed = vim.trim((done.stdout or '') .. (done.stderr or ''))
      M.show(name, vim.split(printed, '\n', { plain = true }))
    end)
  end)
end

---@param name string
---@param lines string[]
function M.show(name, lines)
  vim.cmd('botright new')
  local buf = vim.api.nvim_get_current_buf()
  vim.api.nvim_buf_set_lines(buf, 0, -1, true, lines)
  vim.bo[buf].buftype, vim.bo[buf].bufhidden, vim.bo[buf].swapfile = 'nofile', 'wipe', false
  vim.bo[buf].modifiable = false
  pcall(vim.api.nvim_buf_set_name, buf, 'dlm-fill://' .. name)
  vim.api.nvim_win_set_height(0, math.min(#lines + 1, math.floor(vim.o.lines / 2)))
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = buf, nowait = true })
end

return M
