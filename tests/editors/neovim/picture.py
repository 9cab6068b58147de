"""A picture of the real screen: `python -m tests.editors.neovim.picture docs/images/neovim-fill.svg`.

Two placeholders are filled by the built-in model, and wait for Tab or Esc.
"""

from __future__ import annotations

import sys
import tempfile
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.editors.neovim.neovim import Neovim, editing, installed
from tests.editors.neovim.screen import Screen

SOURCE = """\
def area(width, height):
    size = width * height
    return size


def volume(width, height, depth):
    size = ___
    return ___


def weight(volume, density):
"""
WIDTH, HEIGHT = 64, 16
CELL = (9.0, 20.0)
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
BACKGROUND = "#282c34"
BEFORE = "vim.cmd('set nu signcolumn=no laststatus=0 noruler noshowmode | syntax on | filetype on | hi Normal guifg=#abb2bf guibg=#282c34')"


def svg(screen: Screen) -> str:
    """The screen, each run of cells of one look as a text."""
    cell_w, cell_h = CELL
    width, height = screen.width * cell_w + 20, screen.height * cell_h + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" font-family="{FONT}" font-size="15">',
        f'<rect width="100%" height="100%" rx="6" fill="{BACKGROUND}"/>',
    ]
    for y, row in enumerate(screen.rows):
        column = 0
        for number, cells in groupby(row, key=lambda cell: cell[1]):
            run = [text for text, _ in cells]
            x, top = 10 + column * cell_w, 10 + y * cell_h
            parts += _run("".join(run), len(run) * cell_w, (x, top), screen.highlights.get(number, {}))
            column += len(run)
    x, top = 10 + screen.cursor[1] * cell_w, 10 + screen.cursor[0] * cell_h
    parts.append(f'<rect x="{x:g}" y="{top:g}" width="2" height="{cell_h:g}" fill="#61afef"/>')
    return "\n".join([*parts, "</svg>\n"])


def _run(text: str, width: float, at: tuple[float, float], look: dict[str, Any]) -> list[str]:
    x, top = at
    parts = []
    if "background" in look:
        parts.append(
            f'<rect x="{x:g}" y="{top:g}" width="{width:g}" height="{CELL[1]:g}" fill="#{look["background"]:06x}"/>'
        )
    if text.strip():
        style = f'fill="#{look.get("foreground", 0xABB2BF):06x}"'
        style += ' text-decoration="line-through"' if look.get("strikethrough") else ""
        style += ' font-weight="bold"' if look.get("bold") else ""
        place = f'x="{x:g}" y="{top + 15:g}" textLength="{width:g}" xml:space="preserve"'
        parts.append(f"<text {place} {style}>{escape(text)}</text>")
    return parts


def main() -> None:
    """Write the picture."""
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "box.py"
        path.write_text(SOURCE)
        binary = installed()[max(installed())]
        with editing(binary, path, width=WIDTH, height=HEIGHT, before=BEFORE) as editor:
            editor.command("set filetype=python | 7")
            editor.command("Dlm placeholders")
            editor.until(lambda: "accepts" in "".join(editor.screen.text_in("DlmFillHint")), "a fill")
            settle(editor)
            target.write_text(svg(editor.screen), encoding="utf-8")
            print("\n".join(editor.screen.lines()))


def settle(editor: Neovim) -> None:
    """Wait for one more frame."""
    flushes = editor.screen.flushes
    editor.command("redraw!")
    editor.until(lambda: editor.screen.flushes > flushes, "the screen is drawn")


if __name__ == "__main__":
    main()
