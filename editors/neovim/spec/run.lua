-- `nvim -l spec/run.lua`: the unit tests of the plugin's pure parts, in Neovim itself and without another plugin.
local here = vim.fs.dirname(vim.fs.normalize(vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p')))
vim.opt.rtp:prepend(vim.fs.dirname(here))

local passed, failed = 0, {}

--- A test; the file that is run calls it for each.
function _G.it(what, test)
  local ok, reason = xpcall(test, debug.traceback)
  if ok then
    passed = passed + 1
  else
    failed[#failed + 1] = ('%s\n%s'):format(what, reason)
  end
end

--- Fail unless the two are equal, tables by what is in them.
function _G.same(wanted, found)
  if not vim.deep_equal(wanted, found) then
    error(('wanted %s, found %s'):format(vim.inspect(wanted), vim.inspect(found)), 2)
  end
end

for _, file in ipairs(vim.fn.sort(vim.fn.glob(here .. '/*_spec.lua', true, true))) do
  dofile(file)
end
for _, what in ipairs(failed) do
  io.stderr:write('FAILED ', what, '\n')
end
io.stdout:write(('%d passed, %d failed\n'):format(passed, #failed))
os.exit(#failed == 0 and passed > 0 and 0 or 1)
