"""Neovim's own client, without the plugin: fills arrive while one types, and its completion list takes whole lines.

The server's model is a fake one, so that what has to come is known.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.editors.neovim.neovim import ROOT, Neovim, bare

# `meanwhile` edits, which the server has not heard of, are made just before Neovim sees the server's edit:
# it finds its buffer newer, passes over the edit, and answers that it was applied.
START = """
local cmd, env = ...
_G.meanwhile = 0
local apply = vim.lsp.handlers['workspace/applyEdit']
local function handler(err, params, context, config)
  if _G.meanwhile > 0 then
    _G.meanwhile = _G.meanwhile - 1
    vim.api.nvim_buf_set_lines(0, 0, 0, true, { '# typed' })
    vim.api.nvim_buf_set_lines(0, -1, -1, true, { '# below' })
  end
  local answer = apply(err, params, context, config)
  vim.rpcnotify(0, 'answered', answer)
  return answer
end
vim.lsp.start({
  name = 'dlm_fill', cmd = cmd, cmd_env = env, root_dir = vim.fn.getcwd(),
  init_options = { completionList = true, minConfidence = 0 },
  handlers = {
    ['workspace/applyEdit'] = handler,
    ['window/showMessage'] = function(_, message) vim.rpcnotify(0, 'told', message.message) end,
    ['dlm/status'] = function(_, status) vim.rpcnotify(0, 'status', status.state) end,
  },
})
"""
FILL = """
local line, meanwhile = ...
local at = assert(vim.api.nvim_buf_get_lines(0, line, line + 1, true)[1]:find('_', 1, true))
_G.meanwhile = meanwhile
local client = vim.lsp.get_clients({ name = 'dlm_fill' })[1]
local buf = vim.api.nvim_get_current_buf()
client:exec_cmd({ title = 'fill', command = 'dlm.fill', arguments = { {
  uri = vim.uri_from_bufnr(buf), version = vim.lsp.util.buf_versions[buf],
  ranges = { { start = { line = line, character = at - 1 }, ['end'] = { line = line, character = at } } },
} } }, { bufnr = buf }, function(_, result) vim.rpcnotify(0, 'filled', result) end)
"""


@contextmanager
def connected(binary: str, path: Path, **fake: Any) -> Iterator[Neovim]:
    """Neovim that edits a file, its own client connected to the real server with a FakeFiller."""
    script = str(ROOT / "tests" / "lsp_server" / "fake_server.py")
    command = [sys.executable, script, json.dumps({"texts": ["filled"], "confirm_s": 60.0, **fake})]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(path.parent / "state")}
    with bare(binary, width=240) as editor:  # what Neovim prints of an edit that it passes over is one line there
        editor.command(f"edit {path}")
        editor.lua(START, command, environment)
        editor.until(lambda: ("status", ["ready"]) in editor.events, "the model is loaded")
        yield editor


def results(editor: Neovim, name: str) -> list[Any]:
    """What Neovim told of so far."""
    return [arguments[0] for event, arguments in editor.events if event == name]


def filled(editor: Neovim, count: int) -> None:
    """Wait for so many results."""
    editor.until(lambda: len(results(editor, "filled")) == count, "the fill's result")


def test_six_fills_arrive_while_one_types_elsewhere(binary: str, tmp_path: Path) -> None:
    path = tmp_path / "six.py"
    path.write_text("".join(f"v{n} = _\n" for n in range(6)))
    with connected(binary, path) as editor:
        # The first one finds a buffer that nobody has edited yet.
        for n in range(6):
            line = next(at for at, text in enumerate(editor.text()) if text == f"v{n} = _")
            editor.lua(FILL, line, (n + 1) % 4)  # passed over so many times
            filled(editor, n + 1)
            result = results(editor, "filled")[-1]
            assert (result["applied"], result["confirmed"]) == (True, True)
        assert all(answer["applied"] for answer in results(editor, "answered")), "Neovim says so each time"
        assert len(results(editor, "answered")) == 6 + 1 + 2 + 3 + 0 + 1 + 2
        assert [text for text in editor.text() if not text.startswith("#")] == [f"v{n} = filled" for n in range(6)]


def test_a_fill_that_never_arrives_is_said_not_to_have(binary: str, tmp_path: Path) -> None:
    path = tmp_path / "six.py"
    path.write_text("v = 0\nw = _\n")
    with connected(binary, path) as editor:
        editor.lua(FILL, 1, 9)
        editor.until(lambda: results(editor, "filled"), "the fill's result")
        (result,) = results(editor, "filled")
        assert result["applied"] is False
        assert "newer text came each time" in result["reason"]
        assert any("newer text came" in message for message in results(editor, "told"))
        assert [text for text in editor.text() if not text.startswith("#")] == ["v = 0", "w = _"]


@pytest.mark.parametrize(
    ("line", "text", "wanted"),
    [
        ("x = va", "lue + other(1)", "x = value + other(1)"),
        ("x =", " first, second", "x = first, second"),
        ("call(", "a, b=2)", "call(a, b=2)"),
        ("s = na", "me['$a'] + '\\\\n}' # ${1:x}", "s = name['$a'] + '\\\\n}' # ${1:x}"),
        ("é = né", "e + 'ü 😀' + 1", "é = née + 'ü 😀' + 1"),
    ],
)
@pytest.mark.parametrize("closer", ["", ")"])
def test_the_completion_list_takes_whole_lines(
    binary: str, tmp_path: Path, line: str, text: str, wanted: str, closer: str
) -> None:
    path = tmp_path / "list.py"
    path.write_text(f"first = 1\n{line}{closer if line.endswith('(') else ''}\n")
    with connected(binary, path, texts=[text], list_deadline_s=60.0) as editor:
        editor.command("set completeopt=menuone,noselect")
        editor.lua("vim.lsp.completion.enable(true, vim.lsp.get_clients()[1].id, 0, {})")
        editor.lua("vim.api.nvim_win_set_cursor(0, { 2, #vim.api.nvim_get_current_line() })")
        editor.type("A" if not line.endswith("(") or not closer else "A<Left>")
        editor.until(editor.idle, "the keys are typed")
        editor.lua("vim.lsp.completion.get()")
        editor.until(lambda: editor.rpc.funcs.pumvisible() == 1, "the list")
        editor.type("<C-n>")
        editor.until(lambda: editor.text()[1] == wanted, "the whole line while one looks through the list")
        editor.type("<C-y>")
        editor.until(lambda: editor.rpc.funcs.pumvisible() == 0, "it is accepted")
        editor.until(editor.idle, "the keys are typed")
        assert editor.text() == ["first = 1", wanted]
        editor.type("<Esc>u")
        editor.until(lambda: editor.text()[1] == line + (closer if line.endswith("(") else ""), "undo takes it back")


@pytest.mark.parametrize("ends", ["\r\n", "\n"], ids=["crlf", "lf"])
def test_a_fill_of_several_lines_keeps_the_line_ends(binary: str, tmp_path: Path, ends: str) -> None:
    path = tmp_path / "ends.py"
    path.write_bytes(f"if True:{ends}    _{ends}x = 1{ends}".encode())
    with connected(binary, path, texts=["first()\n    second(\n        3)"]) as editor:
        assert editor.lua("return vim.bo.fileformat") == ("dos" if ends == "\r\n" else "unix")
        editor.lua(FILL, 1, 1)
        filled(editor, 1)
        wanted = ["if True:", "    first()", "    second(", "        3)", "x = 1"]
        assert [line for line in editor.text() if not line.startswith("#")] == wanted
        assert not any("^M" in line for line in editor.screen.lines())
        editor.command("write")
        written = path.read_bytes()
        assert written.replace(ends.encode(), b"").count(b"\r") == written.replace(ends.encode(), b"").count(b"\n") == 0
