"""A real Neovim with a screen, the plugin, and the real server with the built-in model."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pynvim

from tests.editors.neovim.screen import Screen
from tests.lsp_server import forked

ROOT = Path(__file__).parents[3]
PLUGIN = ROOT / "editors" / "neovim"
SERVER = (str(Path(sys.executable).with_name("dlm-fill")), "lsp")
PATIENCE_S = 120.0
# What a test waits for is looked at after each message: there is one now and then, also if the screen stays as it is.
_TICKS = "vim.uv.new_timer():start(0, 20, vim.schedule_wrap(function() vim.rpcnotify(0, 'tick') end))"


def installed() -> dict[str, str]:
    """The Neovims that are here: the wheel's, and that of `.ci/neovim`."""
    beside = Path(sys.executable).parent
    places = {"0.11": beside / "nvim", "0.12": beside.parent / "neovim-0.12" / "nvim"}
    return {version: str(path) for version, path in places.items() if shutil.which(path)}


def scripted(**fields: Any) -> tuple[str, ...]:
    """The command of the real server over a FakeFiller with these fields: what it fills is known, letter by letter."""
    return tuple(forked.command(json.dumps(fields)))


# By links alone, a screen does not tell which group a text is drawn in.
_COLORS = """
for name, color in pairs({ Ghost = '#7f848e', Hint = '#5c6370', Mask = '#56b6c2', Uncertain = '#d19a66', New = '#98c379' }) do
  vim.api.nvim_set_hl(0, 'DlmFill' .. name, { fg = color })
end
"""


class Neovim:
    """Types, looks at the screen, and waits for what is to come."""

    def __init__(self, rpc: Any, screen: Screen) -> None:
        self.rpc, self.screen = rpc, screen
        self.events: list[tuple[str, list[Any]]] = []
        self.pid = int(rpc.funcs.getpid())

    def lua(self, code: str, *arguments: Any) -> Any:
        """What the code returns."""
        return self.rpc.exec_lua(code, *arguments)

    def command(self, line: str) -> None:
        """Run a command."""
        self.rpc.command(line)

    def type(self, keys: str) -> None:
        """Press keys, in Neovim's notation; `<` is `<lt>`."""
        self.rpc.input(keys)

    def text(self) -> list[str]:
        """The lines of the current buffer."""
        return list(self.rpc.current.buffer[:])

    def until(self, holds: Callable[[], object], what: str) -> None:
        """Take what Neovim sends until something holds."""
        # A Neovim that blocks (a prompt, an endless loop) sends nothing: then its end is what comes.
        guard = threading.Timer(PATIENCE_S, os.kill, (self.pid, signal.SIGKILL))
        guard.start()
        try:
            while not holds():
                self._take()
        except (EOFError, OSError) as end:
            raise AssertionError(
                "\n".join([f"never: {what}", *self.screen.lines(), *map(str, self.events[-20:])])
            ) from end
        finally:
            guard.cancel()

    def _take(self) -> None:
        message = self.rpc.next_message()
        if message is None:
            return
        _, name, arguments = message[:3]
        if name == "redraw":
            self.screen.redraw(arguments)
        elif name != "tick":
            self.events.append((name, arguments))

    def idle(self) -> bool:
        """Whether all keys have been taken."""
        return bool(self.lua("return vim.fn.getchar(1) == 0 and vim.fn.state('m') == ''"))

    def picture(self) -> str:
        """The screen and what was told, for who reads a failure."""
        told = self.lua("return {vim.fn.execute('messages'), require('dlm-fill.client').log}")
        return "\n".join([*self.screen.lines(), *map(str, told)])

    def ghost(self) -> list[str]:
        """The ghost text on the screen, row by row."""
        return self.screen.text_in("DlmFillGhost")

    def state(self) -> str:
        """What the server says of itself."""
        return str(self.lua("return require('dlm-fill.client').status().state"))


@contextmanager
def bare(
    binary: str, *arguments: str, width: int = 80, height: int = 24, environment: Mapping[str, str] | None = None
) -> Iterator[Neovim]:
    """Neovim with a screen and no file open; without `arguments` also without anyone's configuration."""
    state = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)  # what the server counts is none of the user's
    variables = {"XDG_STATE_HOME": state.name, **(environment or {})}
    set_to = [f"{name}={value}" for name, value in variables.items()]
    argv = ["env", *set_to, binary, "--embed", "-n", "-i", "NONE", *(arguments or ("-u", "NONE"))]
    rpc = pynvim.attach("child", argv=argv)
    rpc.ui_attach(width, height, rgb=True, ext_linegrid=True, ext_hlstate=True)
    editor = Neovim(rpc, Screen(width, height))
    try:
        editor.command("set shortmess+=I nomore")
        editor.lua(_TICKS)
        editor.lua(_COLORS)
        yield editor
    finally:
        with suppress(OSError, EOFError):
            rpc.command("qa!", async_=True)
            rpc.close()
        state.cleanup()


@contextmanager
def neovim(
    binary: str,
    *,
    width: int = 80,
    height: int = 24,
    setup: str = "{}",
    before: str = "",
    server: Sequence[str] = SERVER,
) -> Iterator[Neovim]:
    """Neovim with the plugin set up and no file open; `before` is Lua that runs first."""
    with bare(binary, "-u", "NONE", "--cmd", f"set rtp^={PLUGIN}", width=width, height=height) as editor:
        editor.command("runtime plugin/dlm-fill.lua")
        if before:
            editor.lua(before)
        editor.lua(
            f"require('dlm-fill').setup(vim.tbl_extend('keep', {setup}, {{ cmd = ..., settings = {{ minConfidence = 0 }} }}))",
            list(server),
        )
        yield editor


@contextmanager
def editing(binary: str, path: Path, **options: Any) -> Iterator[Neovim]:
    """Neovim that edits a file, the model loaded."""
    with neovim(binary, **options) as editor:
        editor.command(f"edit {path}")
        editor.until(lambda: editor.state() == "ready", "the model is loaded")
        yield editor
