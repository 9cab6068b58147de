"""Completion menus of other plugins: ghost text gives way to them, and their entries may be ours.

What they call and tell is played here by stand-ins with the same interface. The plugins themselves are tried by
`python -m tests.editors.neovim.real_menus`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.editors.neovim.neovim import Neovim, editing, scripted

FIRST, SECOND = "order.total(é) + 'é😀'", "order"
SERVER = scripted(texts=[FIRST], others=[[SECOND]], steps=1)
BLINK = """
local open = false
package.loaded['blink.cmp'] = { is_menu_visible = function() return open end }
function _G.menu(on)
  open = on
  vim.api.nvim_exec_autocmds('User', { pattern = on and 'BlinkCmpMenuOpen' or 'BlinkCmpMenuClose' })
end
function _G.complete(kind)
  local source = require('dlm-fill.blink').new({}, {})
  if not source:enabled() then return end
  local context = {
    bufnr = vim.api.nvim_get_current_buf(), cursor = vim.api.nvim_win_get_cursor(0), trigger = { initial_kind = kind },
  }
  source:get_completions(context, function(response)
    _G.entries = response.items
    vim.rpcnotify(0, 'entries', response.items, response.is_incomplete_forward and response.is_incomplete_backward)
  end)
  _G.accept = function(number)
    source:execute(context, entries[number], function() vim.rpcnotify(0, 'executed') end, function()
      vim.lsp.util.apply_text_edits({ entries[number].textEdit }, context.bufnr, 'utf-8')
    end)
  end
end
"""
CMP = """
local open, heard = false, {}
package.loaded['cmp'] = {
  visible = function() return open end,
  event = { on = function(_, name, callback) heard[name] = callback end },
}
function _G.menu(on)
  open = on
  heard[on and 'menu_opened' or 'menu_closed']({})
end
function _G.complete(reason)
  local source = require('dlm-fill.cmp').new()
  if not source:is_available() then return end
  assert(source:get_position_encoding_kind() == 'utf-8')
  local at = vim.api.nvim_win_get_cursor(0)
  local context = { bufnr = vim.api.nvim_get_current_buf(), cursor = { row = at[1], col = at[2] + 1 }, option = { reason = reason } }
  source:complete({ context = context }, function(response)
    _G.entries = response.items
    vim.rpcnotify(0, 'entries', response.items, response.isIncomplete)
  end)
  _G.accept = function(number)
    vim.lsp.util.apply_text_edits({ entries[number].textEdit }, context.bufnr, 'utf-8')
    source:execute(entries[number], function() vim.rpcnotify(0, 'executed') end)
  end
end
"""
MENUS = pytest.mark.parametrize("menu", [BLINK, CMP], ids=["blink.cmp", "nvim-cmp"])


@MENUS
def test_ghost_text_gives_way_to_a_menu_and_comes_back(binary: str, source: Path, menu: str) -> None:
    with editing(binary, source, before=menu, server=SERVER) as editor:
        editor.type("Go    x = ")
        editor.until(lambda: editor.ghost() == [FIRST], "ghost text")
        editor.lua("menu(true)")
        editor.until(lambda: not editor.ghost(), "no ghost text beside a menu")
        editor.lua("menu(false)")
        editor.until(lambda: editor.ghost() == [FIRST], "ghost text again")


@MENUS
def test_what_is_suggested_is_offered_and_an_accepted_entry_is_counted(binary: str, source: Path, menu: str) -> None:
    with editing(binary, source, before=menu, setup="{ automatic = false }", server=SERVER) as editor:
        spy_on_commands(editor)
        editor.type("Go    'é😀', or")
        editor.until(lambda: editor.text()[-1].endswith("or"), "typed")
        editor.lua("complete('manual')")
        entries, incomplete = heard(editor, "entries")
        assert incomplete, "with the next key the menu asks again"
        assert entries[0]["label"] == "or" + FIRST
        start = len("    'é😀', ".encode())
        assert entries[0]["textEdit"]["range"]["start"]["character"] == start, (
            "the word before the cursor is part of it"
        )
        assert entries[0]["filterText"].startswith("or"), "what is typed leaves it in the menu"
        editor.lua("accept(1)")
        heard(editor, "executed")
        assert editor.text()[-1] == f"    'é😀', or{FIRST}"
        editor.until(lambda: any(name == "counted" for name, _ in editor.events), "the server is told")


@MENUS
def test_where_there_is_no_server_the_source_is_off(binary: str, source: Path, menu: str) -> None:
    with editing(binary, source, before=menu, setup="{ filetypes = { text = false } }", server=SERVER) as editor:
        editor.command("enew | set filetype=text")
        editor.lua("complete('manual')")
        assert editor.lua("return _G.accept == nil")


def spy_on_commands(editor: Neovim) -> None:
    """Report each command that the server is asked to carry out."""
    editor.lua(
        "local client = require('dlm-fill.client').client(); local run = client.exec_cmd;"
        "client.exec_cmd = function(self, command, ...) vim.rpcnotify(0, 'counted', command.command);"
        " return run(self, command, ...) end"
    )


def heard(editor: Neovim, name: str) -> list[Any]:
    """What a notification brought."""
    editor.until(lambda: any(event == name for event, _ in editor.events), name)
    return next(arguments for event, arguments in editor.events if event == name)
