"""`:Dlm …` in a real Neovim: the gap shows what becomes of it, and the buffer changes when the user says so."""

from __future__ import annotations

from pathlib import Path

from tests.editors.neovim.conftest import PYTHON
from tests.editors.neovim.neovim import Neovim, editing, scripted

FRAMES = (
    "vim.api.nvim_create_autocmd('User', { pattern = 'DlmFillPreview', callback = function(event)"
    " vim.rpcnotify(0, 'frame', event.data.ready) end })"
)
WITH_HOLES = """\
def area(width, height):
    size = ___
    return size


def volume(width, height, depth):
    size = ___
    return size * ___
"""


def proposal(editor: Neovim) -> list[str]:
    """Wait for what is proposed; its rows on the screen."""
    editor.until(lambda: "accepts" in "".join(editor.screen.text_in("DlmFillHint")), "a proposal")
    return editor.screen.text_in("DlmFillNew")


def told(editor: Neovim, message: str) -> None:
    """Wait for a message at the foot of the screen."""
    editor.until(lambda: any(message in line for line in editor.screen.lines()[-3:]), message)


def test_masks_turn_into_code_and_tab_accepts_it_in_one_step_of_undo(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        editor.lua(FRAMES)
        editor.command("6")
        editor.command("Dlm fill")
        new = proposal(editor)
        frames = [arguments[0] for name, arguments in editor.events if name == "frame"]
        assert frames.count(False) >= 2, "denoising was seen"
        assert frames[-1] is True
        assert editor.text() == PYTHON.splitlines(), "the buffer is not touched"
        editor.type("<Tab>")
        wanted = PYTHON.splitlines()
        wanted[5] = new[0].rstrip()
        editor.until(lambda: editor.text() == wanted, "the fill stands there")
        at = [6, len(wanted[5]) - 1]
        editor.until(lambda: list(editor.rpc.current.window.cursor) == at, "the cursor is at its end")
        editor.type("u")
        editor.until(lambda: editor.text() == PYTHON.splitlines(), "one undo takes it back")


def test_escape_rejects_it_and_the_keys_are_as_before(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        editor.command("nnoremap <buffer> <Tab> :let g:pressed = 1<CR>")
        editor.command("6 | Dlm fill")
        proposal(editor)
        editor.type("<Esc>")
        editor.until(lambda: not editor.screen.text_in("DlmFillNew"), "nothing is proposed")
        assert editor.text() == PYTHON.splitlines()
        editor.type("<Tab>")
        editor.until(lambda: editor.lua("return vim.g.pressed") == 1, "Tab is the user's again")


def test_several_gaps_are_filled_jointly_and_undone_together(binary: str, source: Path) -> None:
    fills = ["    return second + first", "def minus(first, second):\n    return -second + first"]
    with editing(binary, source, server=scripted(texts=fills)) as editor:
        editor.command("1 | Dlm! fill 2 5-6")
        wanted = PYTHON.splitlines()
        wanted[1] = fills[0]
        wanted[4:6] = fills[1].split("\n")
        editor.until(lambda: editor.text() == wanted, "both are filled")
        at = [6, len(wanted[5]) - 1]
        editor.until(lambda: list(editor.rpc.current.window.cursor) == at, "the cursor is at the last one's end")
        editor.type("u")
        editor.until(lambda: editor.text() == PYTHON.splitlines(), "one undo takes both back")
        editor.type("<C-r>")
        editor.until(lambda: editor.text() == wanted, "one redo brings both back")


def test_placeholders_of_a_function_are_filled(binary: str, source: Path) -> None:
    source.write_text(WITH_HOLES)
    with editing(binary, source, server=scripted(texts=["width * height", "depth"])) as editor:
        editor.command("7")
        editor.command("Dlm placeholders")
        assert proposal(editor) == ["width * height", "depth"]
        assert editor.text() == WITH_HOLES.splitlines(), "the buffer is not touched"
        editor.command("Dlm accept")
        wanted = WITH_HOLES.splitlines()
        wanted[6:8] = ["    size = width * height", "    return size * depth"]
        editor.until(lambda: editor.text() == wanted, "both are filled, those of other functions stay")
        at = [8, len(wanted[7]) - 1]
        editor.until(lambda: list(editor.rpc.current.window.cursor) == at, "the cursor is at the last one's end")
        editor.type("u")
        editor.until(lambda: editor.text() == WITH_HOLES.splitlines(), "one undo takes them back")


def test_what_is_edited_elsewhere_moves_a_proposal_along(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        editor.command("6 | Dlm fill")
        new = proposal(editor)
        editor.rpc.current.buffer[0:0] = ["# one", "# two"]
        editor.command("Dlm accept")
        wanted = ["# one", "# two", *PYTHON.splitlines()]
        wanted[7] = new[0].rstrip()
        editor.until(lambda: editor.text() == wanted, "the fill stands two lines lower")


def test_an_edit_of_the_gap_drops_the_proposal_and_says_so(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        editor.command("6 | Dlm fill")
        proposal(editor)
        editor.type("x")
        told(editor, "edited there meanwhile")
        assert not editor.screen.text_in("DlmFillNew")


def test_a_fill_is_rejected_while_it_runs(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        editor.type(":6<CR>:Dlm fill<CR><Esc>")
        editor.until(lambda: not editor.lua("return require('dlm-fill.proposal').open()"), "nothing is open")
        assert editor.text() == PYTHON.splitlines()


def test_other_candidates_take_the_place_of_a_fill(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        editor.command("6 | Dlm! fill")
        editor.until(lambda: editor.text() != PYTHON.splitlines() or "dlm" not in editor.state(), "it is filled")
        editor.until(lambda: not editor.lua("return require('dlm-fill.proposal').open()"), "it is accepted")
        first = editor.text()
        editor.command("Dlm next")
        told(editor, "candidate 2 of")
        assert editor.text() != first
        editor.command("Dlm previous")
        told(editor, "candidate 1 of")
        assert editor.text() == first


def test_a_selection_of_characters_is_filled_alone(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        editor.type("6G0wwve:Dlm fill<CR>")  # `first` of `return first - second`
        new = proposal(editor)
        editor.type("<Tab>")
        wanted = PYTHON.splitlines()
        wanted[5] = f"    return {new[0]} - second"
        editor.until(lambda: editor.text() == wanted, "the rest of the line stays")


def test_what_is_asked_wrongly_is_told_in_one_line(binary: str, source: Path) -> None:
    wrong = {
        "Dlm frobnicate": "no :Dlm frobnicate; known are accept, doctor",
        "Dlm fill 99": '"99" is no range of lines',
        "Dlm rewrite 7": "the strength is a number above 0",
        "Dlm accept": "nothing to accept",
        "Dlm placeholders": "no placeholder",
    }
    with editing(binary, source) as editor:
        for line, message in wrong.items():
            editor.command(line)
            told(editor, message)
            assert not editor.rpc.api.get_mode()["blocking"]


def test_subcommands_are_completed(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        assert editor.rpc.funcs.getcompletion("Dlm r", "cmdline") == ["refactor", "reject", "restart", "rewrite"]
        assert editor.rpc.funcs.getcompletion("Dlm toggle ", "cmdline") == ["buffer"]


def test_the_server_is_restarted(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        before = editor.lua("return require('dlm-fill.client').client().id")
        editor.command("Dlm restart")
        editor.until(
            lambda: editor.state() == "ready" and editor.lua("return require('dlm-fill.client').client().id") != before,
            "another server is ready",
        )


def test_an_excluded_file_says_why(binary: str, source: Path) -> None:
    (source.parent / ".dlmignore").write_text("shop.py\n")
    (source.parent / ".git").mkdir()
    with editing(binary, source.with_name("other.py")) as editor:
        editor.command(f"edit {source}")
        editor.type("o")
        editor.until(lambda: editor.state() == "inactive", "the server leaves it alone")
        editor.type("<Esc>")
        editor.command("Dlm status")
        told(editor, "excluded by")


def test_health_is_checked(binary: str, source: Path) -> None:
    with editing(binary, source) as editor:
        editor.command("checkhealth dlm-fill")
        report = "\n".join(editor.text())
        assert "ERROR" not in report
        assert "builtin on cpu" in report
