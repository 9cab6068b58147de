"""Typing and accepting faster than anyone can look: the text is never corrupted.

Each accepted text is compared with what the server suggested: the buffer is then as it was when the server was asked,
with an item in its place. All that was typed is there, in its order.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.editors.neovim.neovim import Neovim, editing

# What is accepted whole must make the buffer one of those that an answer stands for.
WATCH = """
local wanted, bad, accepted, parts = {}, {}, 0, 0
local function whole() return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), '\\n') end
local client = require('dlm-fill.client').client()
local request = client.request
client.request = function(self, method, params, handler, buf)
  if method ~= 'textDocument/inlineCompletion' then return request(self, method, params, handler, buf) end
  local lines, at = vim.api.nvim_buf_get_lines(buf, 0, -1, true), params.position
  return request(self, method, params, function(err, answer, ...)
    for _, item in ipairs(answer and (answer.items or answer) or {}) do
      local line, range = lines[at.line + 1], item.range
      local from = vim.str_byteindex(line, self.offset_encoding, range.start.character)
      local to = vim.str_byteindex(line, self.offset_encoding, range['end'].character)
      local new = vim.deepcopy(lines)
      new[at.line + 1] = line:sub(1, from) .. item.insertText:gsub('\\r\\n', '\\n') .. line:sub(to + 1)
      wanted[table.concat(new, '\\n')] = true
    end
    return handler(err, answer, ...)
  end, buf)
end
vim.api.nvim_create_autocmd('User', { pattern = 'DlmFillAccept', callback = function(event)
  if not event.data.whole then parts = parts + 1; return end
  accepted = accepted + 1
  if not wanted[whole()] then bad[#bad + 1] = whole() end
end })
_G.races = function() return { bad, accepted, parts } end
"""
CODE = ["ret", "urn ", "first", "\n", "second", " + ", "def ", "(", ")", "x", " = ", "\n    ", ", ", ":", "'", "é"]
STARTS = ["<BS><BS>def mult", "    ret", "    return fi", "    return first +", "    second = first"]
KEYS = ["<Tab>", "<Tab>", "<Tab>", "<M-Right>", "<M-C-Right>", "<BS>", "<Left>", "<M-]>", "<C-]>", "<C-n>", "<C-e>"]


def pressed(choice: random.Random) -> str:
    """A burst of keys within which Neovim has no time to draw."""
    keys = ""
    for _ in range(choice.randint(1, 4)):
        if choice.random() < 0.6:
            text = choice.choice(CODE)
            keys += text.replace("\n", "<CR>").replace(" ", "<Space>")
        else:
            keys += choice.choice(KEYS)
    return keys


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_200_interleavings_corrupt_nothing(binary: str, source: Path, encoding: str, ends: str) -> None:
    source.write_bytes(source.read_bytes().replace(b"\n", ends.encode()))
    before = f"""vim.lsp.config('dlm-fill', {{ capabilities = {{ general = {{ positionEncodings = {{ '{encoding}' }} }} }} }})"""
    choice = random.Random(f"{encoding} {ends!r}")
    with editing(binary, source, before=before) as editor:
        editor.lua(WATCH)
        editor.type("Go")
        for round_number in range(50):
            keys = pressed(choice)
            editor.type(keys)
            # Some bursts meet an answer on its way, some a suggestion on the screen, some the burst before.
            if choice.random() < 0.5:
                editor.type(choice.choice(["<Tab>", "<M-Right>", "x<Tab>"]))
            if choice.random() < 0.4:
                wait_for_answer(editor)
            if round_number % 3 == 2:
                editor.type("<Esc>Go<CR>" + choice.choice(STARTS))
                editor.until(editor.idle, "the keys are typed")
                wait_for_answer(editor)
                editor.type(choice.choice(["<Tab>", "<M-Right><Tab>", "<M-C-Right>"]))
        wait_for_answer(editor)
        bad, accepted, parts = editor.lua("return races()")
        assert bad == []
        assert accepted + parts >= 5, "something was accepted"
        assert not any("\r" in line for line in editor.text())


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
