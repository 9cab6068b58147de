"""Our sources in the real blink.cmp and nvim-cmp, in each Neovim that is here.

`python -m tests.editors.neovim.real_menus --blink FOLDER --cmp FOLDER`, each the plugin's checkout: both menus show our
suggestion, hide the ghost text, and accept it. Nothing of theirs is needed beyond Lua (`fuzzy.implementation = "lua"`).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.editors.neovim.conftest import PYTHON
from tests.editors.neovim.neovim import Neovim, editing, installed, scripted

TEXT = "order.total(é) + 'é😀'"
BLINK = """
vim.opt.rtp:prepend({folder})
require('blink.cmp').setup {{
  fuzzy = {{ implementation = 'lua' }},
  keymap = {{ preset = 'default' }},
  completion = {{ menu = {{ auto_show = true }} }},
  sources = {{
    default = {{ 'dlm_fill' }},
    providers = {{ dlm_fill = {{ name = 'dlm-fill', module = 'dlm-fill.blink', async = true }} }},
  }},
}}
"""
CMP = """
vim.opt.rtp:prepend({folder})
vim.cmd('runtime plugin/cmp.lua')
local cmp = require('cmp')
cmp.register_source('dlm_fill', require('dlm-fill.cmp').new())
cmp.setup {{
  sources = {{ {{ name = 'dlm_fill' }} }},
  mapping = {{ ['<C-y>'] = cmp.mapping.confirm({{ select = true }}), ['<C-e>'] = cmp.mapping.abort() }},
}}
"""
VISIBLE = "return require('dlm-fill.menu').visible()"


def main() -> None:
    """Try both; an assertion tells what does not work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blink", type=Path)
    parser.add_argument("--cmp", type=Path)
    given = parser.parse_args()
    for name, folder, lua in (("blink.cmp", given.blink, BLINK), ("nvim-cmp", given.cmp, CMP)):
        for version, binary in installed().items() if folder else ():
            with tempfile.TemporaryDirectory() as work:
                path = Path(work) / "shop.py"
                path.write_text(PYTHON)
                before = lua.format(folder=f"'{folder}'")
                server = scripted(texts=[TEXT], others=[["first"]], steps=1)
                with editing(binary, path, before=before, server=server) as editor:
                    follow(editor)
            print(f"{name} in Neovim {version}: ok")


def follow(editor: Neovim) -> None:
    """Type as suggested, see the menu in place of the ghost text, close it, open it, accept."""
    for key in ("Go    'é😀', ", "o", "r"):  # nvim-cmp opens its menu for keys that come one by one
        editor.type(key)
        editor.until(lambda: editor.idle() and (editor.ghost() or editor.lua(VISIBLE)), f"an answer after {key}")
    menu_shows(editor, TEXT[:12])
    editor.until(lambda: not editor.ghost(), "no ghost text beside the menu")
    editor.type("<C-e>")
    editor.until(lambda: not editor.lua(VISIBLE) and editor.ghost(), "ghost text once the menu is closed")
    editor.type("d")
    menu_shows(editor, TEXT[:12])
    editor.type("<C-y>")
    editor.until(lambda: editor.text()[-1] == f"    'é😀', {TEXT}", "the entry is accepted")
    print("\n".join(editor.screen.lines()[-4:-1]))


def menu_shows(editor: Neovim, label: str) -> None:
    """Wait until the menu is open and the entry is in it."""
    editor.until(lambda: editor.lua(VISIBLE) and any(label in row for row in editor.screen.lines()), f"a menu: {label}")


if __name__ == "__main__":
    main()
