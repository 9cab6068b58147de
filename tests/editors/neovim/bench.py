"""From a key to ghost text on the screen, in each Neovim that is here: `python -m tests.editors.neovim.bench`."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from tests.editors.neovim.conftest import PYTHON
from tests.editors.neovim.neovim import Neovim, editing, installed

KEYS = 240
LINES = (
    "def divide(first, second):",
    "    return first + second",
    "def modulo(first, second):",
    "    return first - second",
)


def main() -> None:
    """Print the figures."""
    for version, binary in installed().items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "shop.py"
            path.write_text(PYTHON)
            with editing(binary, path) as editor:
                times, silent = measured(editor)
        p95 = statistics.quantiles(times, n=20)[-1] if len(times) > 1 else float("nan")
        print(
            f"Neovim {version}: {len(times)} keys with ghost text, p50 {statistics.median(times):.1f} ms, "
            f"p95 {p95:.1f} ms; {silent} keys got none"
        )


def measured(editor: Neovim) -> tuple[list[float], int]:
    """Milliseconds from each key to the ghost text behind it; how many keys had an answer and no ghost text."""
    times: list[float] = []
    silent = pressed = lines_done = 0
    asking = "return require('dlm-fill.suggestion').asking()"
    while pressed < KEYS:
        line = LINES[lines_done % len(LINES)]
        editor.type("<Esc>Go<CR>x<C-u>")
        editor.until(editor.idle, "a new line")
        lines_done += 1
        for key in line:
            pressed += 1
            _, column = editor.screen.cursor
            begin = time.perf_counter()
            editor.type("<Space>" if key == " " else key)

            def drawn(column: int = column) -> bool:
                now_row, now = editor.screen.cursor
                cells = editor.screen.rows[now_row][now : now + 1]
                return now > column and any("DlmFillGhost" in editor.screen.names.get(n, ()) for _, n in cells)

            def over(column: int = column, begin: float = begin) -> bool:
                if drawn(column):
                    return True
                late = time.perf_counter() - begin > 0.1
                return late and not editor.lua(asking)

            editor.until(over, "an answer")
            if drawn():
                times.append(1000 * (time.perf_counter() - begin))
            else:
                silent += 1
    return times, silent


if __name__ == "__main__":
    main()
