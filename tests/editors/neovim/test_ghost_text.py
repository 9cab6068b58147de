"""Ghost text in a real Neovim: seen on the screen, typed through, accepted whole and in parts, and never in the way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.editors.neovim.conftest import PYTHON
from tests.editors.neovim.neovim import Neovim, editing, neovim, scripted

KEYS = "Go    ret"


def waiting(editor: Neovim, keys: str = KEYS) -> str:
    """Type, and wait for ghost text; the rest of the line that it suggests."""
    editor.type(keys)
    editor.until(editor.ghost, f"ghost text after {keys}")
    return editor.ghost()[0]


def settled(editor: Neovim, *lines: str) -> None:
    """Wait until the buffer ends in these lines."""
    editor.until(lambda: editor.text()[-len(lines) :] == list(lines), f"the text ends in {lines}")


def test_ghost_text_is_drawn_at_the_cursor_and_tab_accepts_it(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        ghost = waiting(editor)
        assert ghost.startswith("urn ")
        assert editor.text()[-1] == "    ret", "the buffer is not touched"
        row, column = editor.screen.cursor
        assert editor.screen.lines()[row][column:] == ghost
        editor.type("<Tab>")
        settled(editor, "    ret" + ghost)
        editor.command("stopinsert | write")
        assert source.read_text() == PYTHON + "    ret" + ghost + "\n"


def test_one_undo_takes_the_accepted_text_back_and_leaves_what_was_typed(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        ghost = waiting(editor)
        editor.type("<Tab>")
        settled(editor, "    ret" + ghost)
        editor.type("<Esc>u")
        settled(editor, "    ret")
        editor.type("<C-r>")
        settled(editor, "    ret" + ghost)


def test_words_and_lines_are_accepted_one_by_one(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        ghost = waiting(editor)
        editor.type("<M-Right>")
        settled(editor, "    return")
        editor.until(lambda: editor.ghost() == [ghost.removeprefix("urn")], "the rest stays")
        editor.type("<M-C-Right>")
        settled(editor, "    ret" + ghost)


def test_what_is_typed_as_suggested_never_takes_the_suggestion_off_the_screen(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        ghost = waiting(editor)
        seen: list[list[str]] = []
        for typed in range(1, 5):
            editor.type(ghost[typed - 1].replace(" ", "<Space>"))

            def caught_up(typed: int = typed) -> bool:
                row, column = editor.screen.cursor
                seen.append(editor.ghost())
                return column == len("    ret") + typed and row == len(PYTHON.splitlines())

            editor.until(caught_up, f"{typed} keys are on the screen")
        assert all(seen), "no frame was without ghost text"
        assert editor.ghost()[0] == ghost[4:].rstrip()


def test_what_is_typed_otherwise_takes_it_away_and_tab_is_a_tab(binary: str, source: Path) -> None:
    with editing(binary, source, setup="{ automatic = false }") as editor:
        editor.type(KEYS)
        settled(editor, "    ret")
        editor.type("<M-Bslash>")
        editor.until(editor.ghost, "ghost text for who asks")
        editor.type("q")
        editor.until(lambda: editor.text()[-1] == "    retq" and not editor.ghost(), "no ghost text")
        editor.type("<Tab>x")
        settled(editor, "    retq\tx")


def test_other_suggestions_are_a_key_away(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        first = waiting(editor)
        editor.type("<M-]>")
        editor.until(lambda: editor.ghost() and editor.ghost()[0] != first, "another suggestion")
        assert editor.lua("return require('dlm-fill').statusline()").startswith("dlm 2/")
        editor.type("<M-[>")
        editor.until(lambda: editor.ghost() and editor.ghost()[0] == first, "the first again")


def test_it_is_dismissed_and_the_key_passed_on_without_it(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        editor.command("iabbrev teh the")
        waiting(editor)
        editor.type("<C-]>")
        editor.until(lambda: not editor.ghost(), "no ghost text")
        assert editor.text()[-1] == "    ret"
        editor.lua("require('dlm-fill').toggle(false)")
        editor.type("<Space>teh<C-]>")
        settled(editor, "    ret the")


def test_a_popup_menu_has_the_place_to_itself(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        editor.command("set completeopt=menuone,noinsert")
        waiting(editor, "Go    return fi")
        editor.type("<C-n>")
        editor.until(lambda: editor.rpc.funcs.pumvisible() and not editor.ghost(), "a menu and no ghost text")
        editor.type("<C-e>")
        editor.until(lambda: not editor.rpc.funcs.pumvisible() and editor.ghost(), "ghost text without the menu")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_stands_before_the_cursor_may_be_of_any_width(binary: str, source: Path, encoding: str) -> None:
    before = f"""vim.lsp.config('dlm-fill', {{ capabilities = {{ general = {{ positionEncodings = {{ '{encoding}' }} }} }} }})"""
    with editing(binary, source, before=before) as editor:
        assert editor.lua("return require('dlm-fill.client').client().offset_encoding") == encoding
        ghost = waiting(editor, "Go    word = '😀é漢'; ret")
        editor.type("<Tab>")
        settled(editor, "    word = '😀é漢'; ret" + ghost)


@pytest.mark.parametrize("keys", ["<Tab>", "<M-C-Right>", "<M-Right><M-Right><Tab>"], ids=["all", "line", "words"])
def test_who_accepts_emoji_goes_on_behind_them(binary: str, source: Path, keys: str) -> None:
    fill = "é😀 + '👩‍💻🎉'"
    with editing(binary, source, server=scripted(texts=[fill], steps=1)) as editor:
        editor.type("Go    word = '😀'; x = ")
        editor.until(lambda: editor.ghost() and editor.ghost()[0].startswith("é"), "ghost text")
        editor.type(f"{keys}[0]")
        settled(editor, f"    word = '😀'; x = {fill}[0]")


def test_a_file_with_cr_lf_gets_no_cr(binary: str, source: Path) -> None:
    source.write_bytes(PYTHON.replace("\n", "\r\n").encode() + b"    \r\n\r\n\r\ndef end():\r\n    pass\r\n")
    with editing(binary, source) as editor:
        assert editor.lua("return vim.bo.fileformat") == "dos"
        editor.type("10GA")  # the blank line; at the end of the one above nothing belongs
        editor.until(editor.ghost, "ghost text")
        editor.type("<Tab><Esc>")
        editor.command("write")
        written = source.read_bytes()
        assert b"\r\r" not in written
        assert written.count(b"\n") == written.count(b"\r\n")


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "cr lf"])
def test_several_lines_come_at_a_blank_line_whatever_its_line_end(binary: str, source: Path, end: str) -> None:
    def written(body: str) -> bytes:
        return f"{PYTHON}{body}\n\n\ndef end():\n    pass\n".replace("\n", end).encode()

    fill = "product = first * second\n    return product"
    source.write_bytes(written("    "))
    with editing(binary, source, server=scripted(texts=[fill], steps=1)) as editor:
        editor.type("10GA")
        shown = [line.strip() for line in fill.split("\n")]
        editor.until(lambda: [line.strip() for line in editor.ghost()] == shown, "ghost text of two lines")
        editor.type("<Tab><Esc>")
        editor.until(lambda: not editor.ghost(), "it was accepted")
        editor.command("write")
        assert source.read_bytes() == written("    " + fill)


def test_plug_mappings_pass_their_key_on(binary: str, source: Path) -> None:
    setup = "{ keymaps = false }"
    with editing(binary, source, setup=setup) as editor:
        editor.command("imap <C-y> <Plug>(dlm-fill-accept)")
        editor.command("imap <C-f> <Plug>(dlm-fill-accept)")
        ghost = waiting(editor)
        editor.type("<C-y>")
        settled(editor, "    ret" + ghost)
        editor.lua("require('dlm-fill').toggle(false)")
        editor.type("<CR>")
        editor.until(lambda: not editor.ghost(), "no ghost text")
        editor.type("<Esc>0Di<C-y>")  # the character above
        settled(editor, " ")


def test_a_key_does_what_it_did_before_where_nothing_is_suggested(binary: str, source: Path) -> None:
    before = "vim.keymap.set('i', '<Tab>', function() return '[' .. vim.fn.col('.') .. ']' end, { expr = true })"
    with editing(binary, source, before=before) as editor:
        ghost = waiting(editor)
        editor.type("<Tab>")
        settled(editor, "    ret" + ghost)
        editor.lua("require('dlm-fill').toggle(false)")
        editor.type("<CR>x<Tab>")
        editor.until(lambda: re.fullmatch(r" +x\[\d\]", editor.text()[-1]), "what Tab did before")


def test_it_can_be_switched_off_everywhere_and_by_buffer_and_file_type(binary: str, source: Path) -> None:
    with editing(binary, source, setup="{ filetypes = { text = false } }") as editor:
        editor.command("Dlm toggle")
        assert editor.lua("return require('dlm-fill').statusline()") == "dlm off"
        editor.command("Dlm toggle")
        editor.command("Dlm toggle buffer")
        assert editor.lua("return require('dlm-fill').statusline()") == "dlm off"
        editor.command("Dlm toggle buffer")
        waiting(editor)
        editor.type("<Esc>")
        editor.command(f"write | edit {source.with_suffix('.txt')} | set filetype=text")
        assert not editor.lua("return require('dlm-fill.client').client(vim.api.nvim_get_current_buf()) ~= nil")


def test_a_server_that_is_not_there_is_told_once_with_the_remedy(binary: str, source: Path) -> None:
    with neovim(binary, setup="{ cmd = { '/nowhere/dlm-fill', 'lsp' } }") as editor:
        editor.command(f"edit {source}")
        editor.until(lambda: ":checkhealth dlm-fill" in "\n".join(editor.screen.lines()), "a message")
        editor.command("checkhealth dlm-fill")
        assert any("/nowhere/dlm-fill" in line for line in editor.text())


def test_a_server_that_dies_comes_back(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        states: list[str] = []
        editor.lua("require('dlm-fill.client').client().rpc.terminate()")
        editor.lua(
            "vim.api.nvim_create_autocmd('User', { pattern = 'DlmFillStatus', callback = function(event)"
            " vim.rpcnotify(0, 'status', event.data.state) end })"
        )

        def told() -> bool:
            states[:] = [arguments[0] for name, arguments in editor.events if name == "status"]
            return "starting" in states and states[-1] == "ready"

        editor.until(told, "the server is started again")
        waiting(editor)
