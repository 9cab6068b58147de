"""From a key to ghost text on the screen, and from a fill command to the first preview, in each Neovim that is here.

`python -m tests.editors.neovim.bench`; the last line is JSON. What the server takes of it is told apart: from the request
that leaves to the answer that arrives, on Neovim's own clock.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.editors.neovim.conftest import PYTHON
from tests.editors.neovim.neovim import Neovim, editing, installed

KEYS, FILLS = 240, 20
LINES = (
    "def divide(first, second):",
    "    return first + second",
    "def modulo(first, second):",
    "    return first - second",
)
# How long each question was open, in milliseconds; those that were cancelled do not count.
SERVER_TIMES = """
local client = require('dlm-fill.client').client()
local request = client.request
_G.server_times = {}
client.request = function(self, method, params, handler, buf)
  if method ~= 'textDocument/inlineCompletion' then return request(self, method, params, handler, buf) end
  local begun = vim.uv.hrtime()
  return request(self, method, params, function(err, ...)
    if not err then table.insert(server_times, (vim.uv.hrtime() - begun) / 1e6) end
    return handler(err, ...)
  end, buf)
end
"""
# The first frame has the masks that the plugin draws at once; the second is the server's, or the fill itself.
PREVIEWS = """
vim.api.nvim_create_autocmd('User', { pattern = 'DlmFillPreview', callback = function(event)
  if event.data.frame == 2 then vim.rpcnotify(0, 'preview') end
end })
"""


def main() -> None:
    """Print the figures."""
    figures: dict[str, object] = {"load": round(os.getloadavg()[0], 1)}
    for version, binary in installed().items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "shop.py"
            path.write_text(PYTHON)
            with editing(binary, path) as editor:
                editor.lua(SERVER_TIMES)
                times, silent = measured(editor)
                server = editor.lua("return server_times")
                previews = first_previews(editor)
        told = {"key": times, "server": server, "preview": previews}
        figures[version] = {name: {"n": len(ms), "p50": at(ms, 50), "p95": at(ms, 95)} for name, ms in told.items()}
        print(
            f"Neovim {version}: {len(times)} keys with ghost text, p50 {at(times, 50)} ms, p95 {at(times, 95)} ms, of which"
            f" the server takes {at(server, 50)} and {at(server, 95)}; {silent} keys got none;"
            f" fill to first preview p50 {at(previews, 50)} ms, p95 {at(previews, 95)} ms"
        )
    print(json.dumps(figures))


def at(times: Sequence[float], percent: int) -> float:
    """A percentile."""
    return round(statistics.quantiles(times, n=100)[percent - 1], 1) if len(times) > 1 else float("nan")


def first_previews(editor: Neovim) -> list[float]:
    """Milliseconds from `:Dlm fill` to the first frame with something of the fill on the screen."""
    editor.type("<Esc>")
    editor.until(editor.idle, "normal mode")
    editor.lua(PREVIEWS)
    times: list[float] = []
    for _ in range(FILLS):
        editor.events.clear()
        begin = time.perf_counter()
        editor.command("6 | Dlm fill")
        editor.until(lambda: any(name == "preview" for name, _ in editor.events), "a preview")
        next_frame(editor)
        times.append(1000 * (time.perf_counter() - begin))
        editor.command("Dlm reject")
        editor.until(lambda: editor.state() == "ready", "the fill has ended")
    return times


def next_frame(editor: Neovim) -> None:
    """Wait until the screen is drawn once more."""
    flushes = editor.screen.flushes
    editor.until(lambda: editor.screen.flushes > flushes, "it is drawn")


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
