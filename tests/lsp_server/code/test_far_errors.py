"""Below something left open far above, a text is judged as fast as in the sound file, and by what is known near it."""

from __future__ import annotations

import argparse
import ast
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lsp_server.code.checking.accept import fits, whole
from lsp_server.code.checking.syntax_checker import SyntaxChecker
from lsp_server.code.languages.brackets import balance, code_before
from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax import parse as parsing
from tests.lsp_server.marked import marked

LINES = inspect.getsource(argparse).split("\n")
OPEN = ['"""Some words.', "'''", 'text = """', "total = sum(", "d = {", 'text = f"{total', "x = ["]
TEXTS = [f"value_{n} = call({n})" for n in range(40)] + [f"call({n}" for n in range(40)]
_MOST_BYTES_A_TEXT = 50_000
"""Of a file of 100,000: the lines around are read some times, by the grammar and by Python."""
_LINES_OF_CODE = [n for n, line in enumerate(LINES) if line.strip() and n > 400]


@given(row=st.sampled_from(_LINES_OF_CODE), opener=st.sampled_from(OPEN), above=st.integers(45, 380))
@settings(deadline=None, max_examples=25)
def test_a_text_costs_a_few_thousand_bytes(row: int, opener: str, above: int) -> None:
    indent = LINES[row][: len(LINES[row]) - len(LINES[row].lstrip())]
    at = row - above
    lines = [*LINES[:at], "        " + opener, *LINES[at:row], indent + "‸", *LINES[row + 1 :]]
    snapshot, gap = marked("\n".join(lines))
    assume(
        snapshot.tree is not None and snapshot.tree.root_node.has_error
    )  # no string of several lines holds the opener
    read: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        checker = SyntaxChecker(snapshot)
        fits(snapshot, (gap,), ("first",), checker=checker)  # finds out where to look
        patch.setattr(parsing, "parse", _counting(parsing.parse, read))
        for module in ("part", "scope"):
            patch.setattr(f"lsp_server.code.checking.{module}.parse", parsing.parse)
        patch.setattr("lsp_server.code.checking.part.verdict", _counting(parsing.verdict, read))
        patch.setattr(ast, "parse", _counting(ast.parse, read))
        for text in TEXTS:
            fits(snapshot, (gap,), (text,), checker=checker)
    assert sum(read) < len(TEXTS) * _MOST_BYTES_A_TEXT


def _counting(function: Callable[..., Any], read: list[int]) -> Callable[..., Any]:
    """The function, which notes how much of its first argument it was given."""

    def counted(first: Any, *args: Any, **kwargs: Any) -> Any:
        read.append(len(first if isinstance(first, bytes | str) else first.source))
        return function(first, *args, **kwargs)

    return counted


@pytest.mark.parametrize("opener", OPEN)
@pytest.mark.parametrize(
    "said",
    ["raise ArgumentError(action, msg)", "tup = action, option_string, explicit_arg", "nargs_pattern = '([-AO]*)'"],
)
def test_what_stood_there_is_not_denied_and_what_cannot_stand_there_is(opener: str, said: str) -> None:
    row = max(n for n, line in enumerate(LINES) if line.strip() == said)
    line = LINES[row]
    indent = len(line) - len(line.lstrip())
    at = row - 60
    lines = [*LINES[:at], "        " + opener, *LINES[at:row], line[:indent] + "‸", *LINES[row + 1 :]]
    snapshot, gap = marked("\n".join(lines))
    assert whole(snapshot, (gap,), (line[indent:],)) is not False
    assert whole(snapshot, (gap,), (line[indent:] + " (",)) is False
    assert not fits(snapshot, (gap,), (line[indent:] + ")",))


def test_a_text_owes_the_bracket_that_is_closed_below() -> None:
    far = "x = '''\n" + "\n\n".join(f"def f{n}(x):\n    '''Doc.'''\n    return x\n" for n in range(60))
    snapshot, gap = marked(far + "\ndef near(a):\n    '''Doc.'''\n    ‸\n        a, b)\n    return '''\n")
    assert fits(snapshot, (gap,), ("call(",))
    assert not fits(snapshot, (gap,), ("call()",))
    assert not fits(snapshot, (gap,), ("call[",))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("words (of)\n'''\nx = f(\n", "\nx = f(\n"),
        ("x = f(\n", "x = f(\n"),
        ("it's `words`\n'''\n\ny = [\n", "\n\ny = [\n"),
        ("'''Whole.'''\nx = {\n", "'''Whole.'''\nx = {\n"),
    ],
)
def test_code_stands_behind_the_last_quotes_of_a_text_that_began_in_a_string(text: str, code: str) -> None:
    assert code_before(text, by_name("python")) == code


def test_a_torn_string_is_found_where_it_opens() -> None:
    found = balance("a = 1\nb = '''x (", by_name("python"))
    assert (found.inside, found.inside_at, found.opened) == ("'''", 10, ())
    assert balance("a `b (c", by_name("python")).opened
    assert balance("a `b (c", by_name("javascript")).inside == "`"


@pytest.mark.parametrize(
    ("language", "text", "good", "bad"),
    [
        ("python", "def f[T: (int, str) = int](x: T) -> T:\n    ‸\n\n\ny = 1\n", "return x", "return (x"),
        ("css", ".a {\n  color: red;\n\n.b {\n  color: ‸\n}\n", "blue;", "blue; }}"),
        ("json", '{\n  "a": [1, 2,\n  "b": ‸,\n  "c": 3\n}\n', '{"d": 4}', '{"d": 4}}}}'),
        ("yaml", "a: [1,\nb:\n  c: ‸\nd: 1\n", "2", "[2"),
        ("javascript", "const a = [1,\n\nfunction f(b) {\n  return ‸;\n}\n", "b", "(b"),
    ],
)
def test_what_is_open_near_above_and_not_the_gaps_is_not_blamed_on_it(
    language: str, text: str, good: str, bad: str
) -> None:
    snapshot, gap = marked(text, language)
    assert whole(snapshot, (gap,), (good,)) is not False
    assert fits(snapshot, (gap,), (good,))
    assert not fits(snapshot, (gap,), (bad,))


@pytest.mark.parametrize(
    ("language", "text", "good", "bad"),
    [
        ("python", "total = sum(\n    prices,\n    ‸\n\n\nx = 1\n", "rates)", "rates"),
        ("python", "match x:\n    case {'a': ‸}:\n        pass\n", "1 | 2", "1, (2"),
        ("javascript", "f(a, [\n  b,\n  ‸\ng();\n", "c]);", "c"),
        ("c", "int f(int a)\n{\n\treturn g(a,\n\t\t‸\n}\n", "a);", "a;"),
        ("c", "/* Some words\n‸\nint f(int a);\n", "and more. */", "and more."),
    ],
)
def test_what_is_open_near_above_and_the_gaps_to_close_is_demanded_of_it(
    language: str, text: str, good: str, bad: str
) -> None:
    snapshot, gap = marked(text, language)
    assert fits(snapshot, (gap,), (good,))
    assert whole(snapshot, (gap,), (good,)) is True
    assert not fits(snapshot, (gap,), (bad,))


@pytest.mark.parametrize("prompt", [">>> ", "In [1]: ", "$ ", "irb(main):001:0> "])
def test_a_session_in_a_fence_is_read_as_no_language(prompt: str) -> None:
    snapshot, gap = marked(f"Some words.\n\n```python\n{prompt}total(‸)\n3\n```\n", "markdown")
    assert whole(snapshot, (gap,), ("1",)) is None
    assert fits(snapshot, (gap,), ("1",))


@pytest.mark.parametrize("name", ["script", "style"])
def test_what_an_unclosed_script_swallowed_is_read_as_no_language(name: str) -> None:
    prose = "<p>It is (so.</p>\n" * 300
    page = f"<html>\n<body>\n<{name}>\n{prose}<p>\n‸\n</p>\n<{name}>\na {{}}\n</{name}>\n"
    snapshot, gap = marked(page + "</body>\n</html>\n", "html")
    assert whole(snapshot, (gap,), ("It's a dog: that is all.",)) is None
    assert fits(snapshot, (gap,), ("That is all.",))
    closed, gap = marked(page.replace(f"<{name}>", f"<{name}></{name}>", 1) + "</body>\n</html>\n", "html")
    assert whole(closed, (gap,), ("It's a dog: that is all.",)) is True


_OPENING = [
    n
    for n, line in enumerate(LINES)
    if n > 400
    and line.count("(") == line.count(")") + 1
    and LINES[n + 1].count(")") == LINES[n + 1].count("(") + 1
    and not set("\"'#[{:") & set(line + LINES[n + 1])
]
"""Lines that open a bracket that the next one closes."""


@pytest.mark.parametrize("opener", OPEN)
@pytest.mark.parametrize("row", _OPENING)
def test_a_gap_that_took_out_a_bracket_is_not_filled_by_what_is_unsound_with_it(opener: str, row: int) -> None:
    line = LINES[row]
    indent = len(line) - len(line.lstrip())
    lines = [*LINES[: row - 60], "        " + opener, *LINES[row - 60 : row], line[:indent] + "‸", *LINES[row + 1 :]]
    snapshot, gap = marked("\n".join(lines))
    assert fits(snapshot, (gap,), (line[indent:],))
    for bad in (line[indent:] + ")", "pass", "x = ["):
        assert not fits(snapshot, (gap,), (bad,))
    assert not fits(snapshot, (gap,), ("for x in (",)), "the brackets pair, and no statement is sound"
