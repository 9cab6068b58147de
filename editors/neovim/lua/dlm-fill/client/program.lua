--- The program that is the server.
local config = require('dlm-fill.config')

local M = {}

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
    vim.fs.normalize(vim.fs.joinpath(here, '..', '..', '..', '..', '..', '.venv', 'bin', 'dlm-fill')),
  }
  for _, place in ipairs(places) do
    if place ~= '' and vim.fn.executable(place) == 1 then
      return { vim.fn.exepath(place), 'lsp' }
    end
  end
  return nil
end

M.REMEDY = 'install it (pipx install dlm-fill) or name it: setup { cmd = { "/path/to/dlm-fill", "lsp" } }'

return M
