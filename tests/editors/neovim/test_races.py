"""Typing and accepting faster than anyone can look: the text is never corrupted.

Each interleaving is replayed in Python (`oracle.py`): all that was typed is there in its order, what an accept key put in
is one of the server's answers, at the place that the server was asked about.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.editors.neovim.neovim import Neovim, editing, scripted
from tests.editors.neovim.oracle import ANSWERS, REPORT, Buffer, Oracle, keys_of

SUGGESTIONS = (["alpha(beta, 'é😀') + gamma"], ["alpha.delta[0]"], ["order = beta\n    zeta = alpha(order)"])
TYPED = [
    "al",
    "pha",
    "alpha(b",
    "eta",
    "o",
    "rder",
    "zeta",
    "x",
    "é",
    "😀",
    "'",
    " ",
    "= ",
    "\n",
    "\n    ",
    "(",
    ")",
    "<",
]
SOON_S = 0.05
"""An accept key follows another key within this time."""
IN_A_ROW, ROUNDS = 4, 13
"""Interleavings without a pause between them, and how often."""
ACCEPTS = ("<Tab>", "<Tab>", "<M-Right>", "<M-C-Right>", "<lt><Tab>", "<Tab><Tab>", "<M-Right>x<Tab>")
TOP = "def first(alpha):\n    return alpha\n\n\n"
REST = "\n\n\ndef last(beta):\n    return beta"


def burst(choice: random.Random) -> str:
    """Keys that are pressed at once."""
    keys = ""
    for _ in range(choice.randint(1, 4)):
        kind = choice.random()
        if kind < 0.6:
            text = choice.choice(TYPED)
            keys += text.replace("<", "<lt>").replace("\n", "<CR>").replace(" ", "<Space>")
        elif kind < 0.7:
            keys += "<C-x><C-u>" + choice.choice(["a", "q", "<Space>"])  # the popup menu, and on it goes
        elif kind < 0.85:
            keys += "<BS>"
        else:
            keys += "<Left>"
    return keys


def as_suggested(choice: random.Random) -> str:
    """The first letters of a suggestion, or none of them."""
    return choice.choice(SUGGESTIONS)[0][: choice.choice([0, 0, 1, 2, 5])]


def interleave(editor: Neovim, choice: random.Random, around: tuple[str, str]) -> tuple[Oracle, list[str]]:
    """Press some rounds of keys at random times, starting from one line between others; what the oracle says of them."""
    oracle = Oracle(Buffer(TOP + around[0], around[1] + REST))
    editor.events.clear()
    editor.rpc.current.buffer[:] = oracle.buffer.text.split("\n")
    row = oracle.buffer.before.count("\n") + 1
    editor.rpc.current.window.cursor = (row, len(around[0].encode()))
    editor.type("i" if around[1] else "A")
    pressed: list[str] = []
    for _ in range(IN_A_ROW):
        if choice.random() < 0.7:
            wait_for_answer(editor)
            keys = choice.choice([burst, as_suggested, as_suggested])(choice)
        else:
            keys = burst(choice)
        for pressed_at_once in (keys, choice.choice(ACCEPTS)):
            editor.type(pressed_at_once)
            pressed += keys_of(pressed_at_once)
            if choice.random() < 0.5:
                time.sleep(choice.random() * SOON_S)
    wait_for_answer(editor)
    editor.type("<Esc>")
    editor.until(lambda: editor.lua("return vim.api.nvim_get_mode().mode") == "n", "normal mode")
    editor.lua("vim.rpcnotify(0, 'over')")  # behind all reports
    editor.until(lambda: any(name == "over" for name, _ in editor.events), "the last report")
    oracle.follow(pressed, editor.events)
    return oracle, pressed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_200_interleavings_corrupt_nothing(binary: str, tmp_path: Path, encoding: str, ends: str) -> None:
    """More than 50 of each encoding and line end."""
    path = tmp_path / "shop.py"
    path.write_bytes((TOP + REST).replace("\n", ends).encode())
    positions = f"{{ general = {{ positionEncodings = {{ '{encoding}' }} }} }}"
    before = REPORT + f"vim.lsp.config('dlm-fill', {{ capabilities = {positions} }})"
    choice = random.Random(f"{encoding} {ends!r}")
    accepted = passed = 0
    server = scripted(texts=SUGGESTIONS[0], others=SUGGESTIONS[1:], steps=1)
    with editing(binary, path, before=before, server=server) as editor:
        editor.lua(ANSWERS)
        assert editor.lua("return vim.bo.fileformat") == {"\n": "unix", "\r\n": "dos"}[ends]
        for _ in range(ROUNDS):
            around = choice.choice(
                [("    ", ""), ("    x = é😀 + ", ""), ("    print(", ")"), ("    call(é, ", ")  # 😀")]
            )
            oracle, pressed = interleave(editor, choice, around)
            assert oracle.wrong == [], (pressed, editor.events, editor.text())
            assert "\n".join(editor.text()) == oracle.buffer.text, (pressed, editor.events)
            accepted += oracle.accepted + oracle.parts
            passed += oracle.passed
        editor.command("write")
        assert path.read_bytes().count(b"\r") == (len(editor.text()) if ends == "\r\n" else 0)
    assert accepted >= 15, passed
    assert passed >= 5, accepted


def wait_for_answer(editor: Neovim) -> None:
    """Until no question is open."""
    asking = "return require('dlm-fill.suggestion').asking()"
    editor.until(lambda: editor.idle() and not editor.lua(asking), "the answer")


@pytest.mark.parametrize("gap", ["", "<Left><Right>"], ids=["at once", "after a move"])
def test_what_is_typed_in_the_same_burst_as_tab_stays(binary: str, source: Path, gap: str) -> None:
    """The suggestion is on the screen; its first letters and Tab come in one burst."""
    with editing(binary, source) as editor:
        editor.type("Go    ret")
        editor.until(editor.ghost, "ghost text")
        ghost = editor.ghost()[0]
        editor.type(f"ur{gap}<Tab>")
        if not gap:
            editor.until(lambda: editor.text()[-1] == "    ret" + ghost, "the suggestion, once")
        else:
            editor.until(lambda: editor.text()[-1].startswith("    retur"), "nothing is lost")


def test_what_is_typed_otherwise_in_the_same_burst_as_tab_stays(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        editor.type("Go    ret")
        editor.until(editor.ghost, "ghost text")
        editor.type("zz<Tab>.")
        editor.until(lambda: editor.text()[-1] == "    retzz\t.", "a tab, and nothing of the suggestion")
