"""What a buffer must hold after keys and accepted suggestions: Neovim's insert mode, in Python.

An accept key either accepted something or was passed on; Neovim tells which (`REPORT`), key by key. All else follows from
the keys, and what may be accepted follows from what the server answered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

# Each accept key ends in one report. What it does where nothing is suggested: it types `»`.
REPORT = """
for _, lhs in ipairs({ '<Tab>', '<M-Right>', '<M-C-Right>' }) do
  vim.keymap.set('i', lhs, function()
    vim.rpcnotify(0, 'passed')
    return '»'
  end, { expr = true })
end
vim.api.nvim_create_autocmd('User', { pattern = 'DlmFillAccept', callback = function(event)
  vim.rpcnotify(0, 'accepted', event.data.text, event.data.replaced, event.data.whole)
end })
function _G.offered(items)
  return vim.tbl_map(function(word) return { word = word } end, items)
end
function _G.complete_words(find_start)
  return find_start == 1 and vim.fn.col('.') - 1 or offered({ 'alpine', 'order', 'zeta' })
end
vim.o.completefunc = 'v:lua.complete_words'
vim.o.completeopt = 'menu,menuone,noinsert,noselect'
vim.o.autoindent, vim.o.smarttab = false, false
"""
# What the server answers is told with the text that it was asked about.
ANSWERS = """
local client = require('dlm-fill.client').client()
local request = client.request
client.request = function(self, method, params, handler, buf)
  if method ~= 'textDocument/inlineCompletion' then return request(self, method, params, handler, buf) end
  local asked = table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, true), '\\n')
  return request(self, method, params, function(err, answer, ...)
    if type(answer) == 'table' then vim.rpcnotify(0, 'answer', asked, answer.items or answer, self.offset_encoding) end
    return handler(err, answer, ...)
  end, buf)
end
"""
ACCEPT_KEYS = ("<Tab>", "<M-Right>", "<M-C-Right>")
_NAMED = {"<CR>": "\n", "<Space>": " ", "<lt>": "<"}
_KEY = re.compile(r"<[^<>]+>|.", re.DOTALL)


def keys_of(text: str) -> list[str]:
    """The keys of a string in Neovim's notation, one by one."""
    return _KEY.findall(text)


@dataclass
class Buffer:
    """`before` and `after` the cursor."""

    before: str
    after: str

    @property
    def text(self) -> str:
        return self.before + self.after

    def press(self, key: str) -> None:
        """What insert mode does with a key that is mapped to nothing."""
        line = self.before.rpartition("\n")[2]
        if key in ("<C-x>", "<C-u>"):  # the popup menu opens, nothing is selected
            return
        if key == "<BS>":
            self.before = self.before[:-1]
        elif key == "<Left>":
            if line:
                self.before, self.after = self.before[:-1], self.before[-1] + self.after
        else:
            self.before += _NAMED.get(key, key)


@dataclass
class Oracle:
    """Follows keys and reports; `wrong` holds what must not have happened."""

    buffer: Buffer
    wanted: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    accepted: int = 0
    parts: int = 0
    passed: int = 0

    def answer(self, asked: str, items: Sequence[Any], encoding: str) -> None:
        """Note each text that accepting one of `items` may lead to."""
        for item in items:
            span = item["range"]
            start, end = (_offset(asked, span[side], encoding) for side in ("start", "end"))
            new = item["insertText"].replace("\r\n", "\n")
            self.wanted.add(asked[:start] + new + asked[end:])

    def follow(self, keys: Sequence[str], events: Sequence[tuple[str, list[Any]]]) -> None:
        """Replay `keys`; each accept key takes the next report from `events`, answers are heard when they came."""
        waiting = list(events)
        for key in keys:
            if key not in ACCEPT_KEYS:
                self.buffer.press(key)
                continue
            name, arguments = self._report(waiting)
            if name == "passed":
                self.passed += 1
                self.buffer.before += "»"
            elif name == "accepted":
                self._accept(*arguments)
            else:
                self.wrong.append(f"{key} was neither accepted nor passed on")
        if self._report(waiting)[0]:
            self.wrong.append("something was accepted or passed on unasked")

    def _report(self, waiting: list[tuple[str, list[Any]]]) -> tuple[str, list[Any]]:
        while waiting:
            name, arguments = waiting.pop(0)
            if name == "answer":
                self.answer(*arguments)
            elif name in ("passed", "accepted"):
                return name, arguments
        return "", []

    def _accept(self, text: str, replaced: str, whole: bool) -> None:
        if not self.buffer.after.startswith(replaced):
            self.wrong.append(f"{replaced!r} was replaced and is not there: {self.buffer}")
        self.buffer.before += text
        self.buffer.after = self.buffer.after.removeprefix(replaced)
        before, after = self.buffer.before, self.buffer.after
        if whole:
            self.accepted += 1
            fits = self.buffer.text in self.wanted
        else:
            self.parts += 1
            # The rest of the suggestion is still to come: between the two, in place of some of what follows.
            fits = any(wanted.startswith(before) for wanted in self.wanted)
            fits = fits and any(w.startswith(before) and w.endswith(after.partition("\n")[2]) for w in self.wanted)
        if not fits:
            self.wrong.append(f"{text!r} (whole: {whole}) is no text that was offered: {before[-60:]!r} {after[:20]!r}")


def _offset(text: str, position: dict[str, int], encoding: str) -> int:
    """The index of a position of the protocol."""
    lines = text.split("\n")
    line = lines[position["line"]]
    unit = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}[encoding]
    width = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    column = len(line.encode(unit)[: position["character"] * width].decode(unit))
    return sum(len(earlier) + 1 for earlier in lines[: position["line"]]) + column
