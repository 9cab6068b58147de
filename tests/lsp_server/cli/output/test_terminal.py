from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest
from rich.console import Console

from lsp_server.cli.output.terminal import Picture
from lsp_server.code.languages.table import language_of
from lsp_server.transforms.fill import fill_regions
from lsp_server.types import Region, Snapshot
from model.types import DraftToken, FillEvent

SOURCE = "def f(x):\n\treturn GAP + 1\n"


def picture(source: str = SOURCE, *, height: int = 30) -> Picture:
    taken = Snapshot(uri="", version=None, source=source.encode(), language=language_of("a.py"), tree=None)
    start = source.index("GAP")
    gaps = fill_regions(taken, [Region(len(source[:start].encode()), len(source[: start + 3].encode()))])
    return Picture.of(taken, gaps, "src/a.py", height=height)


def event(*tokens: tuple[str, float, bool]) -> FillEvent:
    hole = tuple(DraftToken(text=text, confidence=sure, open=is_open) for text, sure, is_open in tokens)
    return FillEvent(step=3, holes=(hole,))


def test_the_gap_stands_in_its_place() -> None:
    shown = picture().at(event(("total", 0.9, False), ("(", 0.6, True), ("xy", 0.1, True))).plain
    header, *code = shown.split("\n")
    assert header.split() == ["a.py", "step", "3", "1/3", "tokens"]
    assert "\n".join(code).rstrip() == "def f(x):\n    return total(░░ + 1"
    assert "GAP" not in shown


def styles(text: object, word: str) -> str:
    console = Console(force_terminal=True, color_system="truecolor", width=80)
    with console.capture() as capture:
        console.print(text)
    line = next(line for line in capture.get().split("\n") if word in line)
    return line[: line.index(word)].rsplit("\x1b[", 1)[1].split("m")[0]


def test_uncertain_tokens_are_dimmer() -> None:
    shown = picture().at(event(("sure", 0.95, False), (" unsure", 0.5, False), (" guess", 0.5, True)))
    dim = {word: "2" in styles(shown, word).split(";") for word in ("sure", "unsure", "guess")}
    assert dim == {"sure": False, "unsure": True, "guess": True}


def test_only_the_lines_near_the_gap_are_shown() -> None:
    source = "".join(f"a{n}\n" for n in range(99)) + "GAP\n" + "".join(f"b{n}\n" for n in range(99))
    shown = picture(source).at(event(("x", 0.9, False))).plain
    assert "a98\nx\nb0" in shown
    assert len(shown.split("\n")) <= 13


def test_it_never_outgrows_the_terminal() -> None:
    shown = picture(height=5).at(event(("x\n" * 40, 0.9, False)))
    assert len(shown.plain.split("\n")) <= 5


def test_nothing_in_the_file_can_move_the_cursor() -> None:
    shown = picture("\x1b[2J\r\x07 GAP \x85\n").at(event(("\x1b[3A\r", 0.9, False))).plain
    assert all(c == "\n" or c.isprintable() for c in shown)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    ("term", "extra", "drawn"), [("xterm-256color", "", True), ("dumb", "", False), ("xterm", "--json", False)]
)
def test_on_a_terminal_the_masks_are_drawn_and_wiped(tmp_path: Path, term: str, extra: str, drawn: bool) -> None:
    """The real command in a pseudo-terminal; only the model is scripted."""
    import pty

    (tmp_path / "a.py").write_text("def area(a, b):\n    ...\n")
    script = textwrap.dedent(f"""
        import sys
        from lsp_server.cli import fill
        from lsp_server.cli import main as cli
        from tests.fakes import FakeFiller
        fill.open_filler = lambda name, **_: FakeFiller(["    return a * b"], step_s=0.01)
        sys.argv = ["dlm-fill", {str(tmp_path / "a.py")!r} + ":2", *{extra!r}.split()]
        cli.main()
    """)
    child, terminal = pty.fork()
    if not child:
        os.chdir(Path(__file__).parents[4])
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        os.execve(
            sys.executable, [sys.executable, "-c", script], environment | {"TERM": term, "COLUMNS": "80", "LINES": "24"}
        )
    output = b""
    try:
        while piece := os.read(terminal, 4096):
            output += piece
    except OSError:  # how Linux says that the other end is closed
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert ("░" in output.decode()) is drawn
    assert b"return a * b" in output
    assert (b"\x1b[32m+    return a * b" in output) is drawn
