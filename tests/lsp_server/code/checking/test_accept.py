"""What of a fill is to blame for a syntax error, in files that the gap tore."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lsp_server.code.checking import part
from lsp_server.code.checking.accept import fits, offending, whole
from lsp_server.code.checking.syntax_checker import SyntaxChecker
from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import parse
from lsp_server.code.syntax.python_syntax import Beginnings
from lsp_server.code.text.edits import edit_of
from model.types import Span
from tests.lsp_server.marked import marked

LONG = "".join(f"def far_{n}(x):\n    '''Add.\n\n    Some.\n    '''\n    return x + {n}\n\n\n" for n in range(700))
"""More than is read again as a whole; a torn string turns its strings and its code round."""


def blamed(text: str, fill: str) -> tuple[Span, ...] | None:
    snapshot, gap = marked(text)
    return offending(snapshot, (gap,), (fill,), tidied=(fill,))


DOCSTRING = "class A:\n    '''Doc.\n\n    {mark}\n\n    def f(self):\n        return 1\n\n\n"


@pytest.mark.parametrize("far", ["", LONG])
@pytest.mark.parametrize(
    ("torn", "good", "bad"),
    [
        (DOCSTRING, "More.\n    '''", "More."),
        (DOCSTRING, "'''", "'''\n        return 2"),
        (
            "def g(x):\n    try:\n{mark}\n    return x\n\n\n",
            "        x += 1\n    finally:\n        pass",
            "        x += 1",
        ),
        ("def g(x):\n    if x:\n{mark}\n    return x\n\n\n", "        x += 1", "        for y in x:"),
        ("A = [\n    1,\n{mark}\n    3: 4,\n}\n\n\n", "]\nB = {", "    2,"),
    ],
)
def test_what_does_not_parse_is_blamed_wherever_the_gap_tore_the_file(far: str, torn: str, good: str, bad: str) -> None:
    text = far + torn.replace("{mark}", "‸") + far.replace("far", "behind")
    assert blamed(text, good) is None
    spans = blamed(text, bad)
    assert spans
    assert all(0 <= span.start <= span.end <= len(bad) for span in spans)


def test_what_looks_like_a_statement_in_a_string_is_no_bound() -> None:
    text = (
        LONG + "TEXT = '''\nclass Inside:\n    pass\n'''\n\n\nVALUE = f(‸)\n\n\nMORE = '''\ndef inside(\n'''\n" + LONG
    )
    assert blamed(text, "1, 2") is None
    assert blamed(text, "1, (2") is not None


def test_whether_the_whole_parses_is_told_of_the_tidied_texts() -> None:
    snapshot, gap = marked("def f(x):\n    return ‸\n")
    assert whole(snapshot, (gap,), ("x",)) is True
    assert whole(snapshot, (gap,), ("(x",)) is False


def test_what_filters_leave_nothing_of_is_not_accepted_though_the_file_parses_without() -> None:
    snapshot, gap = marked("x = 1\n‸\ny = 2\n")
    assert offending(snapshot, (gap,), ("x = 1",), tidied=("",)) == (Span(hole=0, start=0, end=5),)
    assert offending(snapshot, (gap,), ("x = 1",), tidied=("x = 1",)) is None


@pytest.mark.parametrize("text", ["x", "(x", "x\n        for y in x:"])
def test_what_is_asked_again_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    read: list[object] = []

    def noting(ask: Callable[..., object]) -> Callable[..., object]:
        def asked(*given: object) -> object:
            read.append(given)
            return ask(*given)

        return asked

    for name in ("verdict", "syntax_error"):
        monkeypatch.setattr(part, name, noting(getattr(part, name)))
    snapshot, gap = marked("def f(x):\n    return ‸\n")
    checker = SyntaxChecker(snapshot)
    sound = fits(snapshot, (gap,), (text,), checker=checker)
    assert whole(snapshot, (gap,), (text,), checker=checker) is sound is (text == "x")
    assert checker.parses([edit_of(snapshot, gap, text)]) is not None
    known = len(read)
    assert known
    for _ in range(2):
        assert fits(snapshot, (gap,), (text,), checker=checker) is sound
        assert whole(snapshot, (gap,), (text,), checker=checker) is sound
        assert checker.parses([edit_of(snapshot, gap, text)]) is not None
    assert len(read) == known
    assert len(read) == len({repr(given) for given in read})


def test_what_is_blamed_for_something_does_not_fit() -> None:
    for text in ("x", "(x", "x +", "", "x = 1"):
        snapshot, gap = marked("def f(x):\n    return ‸\n")
        blamed_for = offending(snapshot, (gap,), (text,), tidied=(text,))
        assert fits(snapshot, (gap,), (text,)) is (blamed_for is None)


def test_bounds_are_looked_into_once() -> None:
    source = b"def f():\n    return 1\n\n\nx = '''\ndef g():\n'''\n"
    torn = Beginnings(source, None)
    assert torn.first(0)
    assert torn.last(len(source))
    assert torn.first(source.index(b"x ="))
    assert not torn.first(source.index(b"def g"))
    assert not torn.last(source.index(b"def g"))
    sound = Beginnings(source, parse(source, by_name("python")))
    assert sound.first(source.index(b"x ="))
    assert not sound.first(source.index(b"def g"))
