"""Renaming: what it refuses, one case per reason; names that are in the way; what the model proposes."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from lsp_server.errors import NothingFilled
from lsp_server.transforms.applying import change_of, refactored
from lsp_server.transforms.refactoring import Refused
from lsp_server.transforms.rename.rename import Rename
from model.types import FillOptions
from tests.fakes import FakeFiller
from tests.lsp_server.transforms.test_golden import opened

REFUSED = [
    ("‸x = 1\n", "other files can import x; rename it with --in-this-file"),
    ("print(‸x)\n", "x is not defined in this file"),
    ("from m import *\nprint(‸x)\n", "x may come from an `import *`"),
    ("‸__all__ = []\n", "meaning of its own"),
    ("def f():\n    import a.b\n    return ‸a\n", "a dotted import binds a"),
    ("def f(a, /):\n    return f'{‸a=}'\n", "line 2 prints the name a by {a=}"),
    ("def f():\n    ‸a = 1\n    return locals()\n", "line 3 looks names up by their text (locals())"),
    ("_x = 1\n\ndef f():\n    return globals()[‸_x]\n", "line 4 looks names up"),
    ("‸_x = 1\n__all__ = ['_x']\n", "_x stands in a string in line 2"),
    ('def ‸_f():\n    """\n    >>> _f()\n    """\n', "stands in a string in line 2"),
    ("class ‸_C:\n    def f(self) -> '_C': ...\n", "stands in a string in line 2"),
    ("def g(o):\n    return o.‸x\n", "whose .x this is cannot be told"),
    ("print(1, ‸end='')\n", "end names an argument of a call"),
    ("class A:\n    def f(self):\n        return self.‸x\n", "other files can use .x"),
    ("class A(B):\n    def f(self):\n        return self.‸_x\n", "_x may be an attribute of B, too"),
    ("class A:\n    def f(self, o):\n        return self.‸_x + o._x\n", "whose ._x line 3 means"),
    ("class A:\n    __slots__ = ('_x',)\n    def f(self):\n        return self.‸_x\n", "stands in a string in line 2"),
    ("@d\nclass A:\n    ‸_x: int = 1\n", "a decorator of the class may read its attributes"),
    ("class A:\n    from m import ‸_x\n", "_x is imported into the class"),
    (
        "def f(o):\n    match o:\n        case A(_x=1):\n            pass\nclass A:\n    ‸_x = 1\n",
        "a pattern of a `case`",
    ),
    ("@d\ndef _f(‸a):\n    return a\n", "the decorator @d may read the names"),
    ("def test_f(‸a):\n    return a\n", "pytest finds what to pass to test_f"),
    ("def f(‸a):\n    return a\n", "other files may call f with a=…"),
    ("def _f(‸a):\n    return a\n\ng = _f\n", "_f is handed on"),
    ("def _f(‸a):\n    return a\n\ndef _f(a):\n    return a\n", "_f is defined more than once"),
    ("def _f(‸a):\n    return a\n\n_f(**{'a': 1})\n", "line 4 passes arguments by **"),
    ("class A:\n    def _f(self, ‸a): ...\ndef g(o):\n    o._f(a=1)\n", "whose ._f line 4 calls with a=… cannot"),
    ("x = ‸1\n", "there is no name; put the cursor on one"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_each_reason_to_refuse(text: str, reason: str) -> None:
    snapshot, region = opened(text, "python")
    with pytest.raises(Refused) as raised:
        change_of(Rename(), snapshot, region, answers={"name": "fresh"})
    assert reason in str(raised.value)
    assert str(raised.value).startswith("not renamed: ")


REFUSED_IN_JAVASCRIPT = [
    ("‸a = 1;\n", "a is not defined in this file"),
    ("import 'x';\nwith (o) { let ‸a = 1; }\n", "a `with` statement"),
    ("function f() { let ‸a; eval('a'); }\n", "line 1 looks names up by their text (eval)"),
    ("import { ‸Box } from 'b';\nconst v = <Box />;\n", "uses Box as a tag"),
    ("export const ‸a = 1;\n", "other files can import a"),
    ("export class ‸A {}\n", "other files can import A"),
    ("let ‸a = 1;\n", "other scripts of the page can see a"),
    ("import 'x';\nif (1) { function ‸f() {} }\n", "f is a function in a block"),
    ("function f() { let ‸arguments = 1; }\n", "a meaning of its own"),
]
REFUSED_IN_TYPESCRIPT = [
    ("import 'x';\nenum E { A, B = ‸A }\n", "a member of an enum"),
    ("import 'x';\nclass C { constructor(private ‸a: string) {} }\n", "a property of the class"),
]


@pytest.mark.parametrize(
    ("text", "reason", "language"),
    [
        *((text, reason, "javascript") for text, reason in REFUSED_IN_JAVASCRIPT),
        *((text, reason, "typescript") for text, reason in REFUSED_IN_TYPESCRIPT),
    ],
)
def test_each_reason_to_refuse_in_javascript(text: str, reason: str, language: str) -> None:
    snapshot, region = opened(text, language)
    with pytest.raises(Refused) as raised:
        change_of(Rename(), snapshot, region, answers={"name": "fresh"})
    assert reason in str(raised.value)


def test_languages_without_scope_analysis_are_refused() -> None:
    snapshot, region = opened("‸x = 1\n", "ruby")
    assert Rename().title(snapshot, region) is None
    with pytest.raises(Refused, match="ruby is not analysed"):
        change_of(Rename(), snapshot, region, answers={"name": "y"})


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("b", "another b is in the way"),
        ("len", "another len is in the way"),
        ("c", "another c is in the way"),
        ("a", "a is its name already"),
        ("for", "for is a keyword"),
        ("1a", "is no name"),
        ("a-b", "is no name"),
        ("", "the new name is empty"),
    ],
)
def test_names_that_will_not_do(new: str, reason: str) -> None:
    text = "def f(b, /):\n    ‸a = len(b)\n\n    def g():\n        c = 1\n        return a + c\n\n    return g\n"
    snapshot, region = opened(text, "python")
    with pytest.raises(Refused, match=reason):
        change_of(Rename(), snapshot, region, answers={"name": new})
    assert change_of(Rename(), snapshot, region, answers={"name": "ä"}).source.decode().count("ä") == 2


def test_the_model_proposes_names_and_none_that_is_in_the_way() -> None:
    snapshot, region = opened("def f(by, /):\n    ‸a = by + 1\n    return a\n", "python")
    change = change_of(Rename(), snapshot, region, answers={})
    filler = FakeFiller(["by"], others=[["total"], ["return"], ["a"], ["count"]])
    done = refactored(snapshot, change, filler, FillOptions(), cancelled=lambda: False)
    assert [result.texts[0] for result in done.results] == ["total", "count"]
    assert done.results[0].source == b"def f(by, /):\n    total = by + 1\n    return total\n"
    assert all(a.region.end <= b.region.start for a, b in pairwise(done.results[0].edits))
    ties = [hole.tie for hole in filler.requests[0].template.holes]
    assert len(set(ties)) == 1
    with pytest.raises(NothingFilled, match="no name found"):
        refactored(snapshot, change, FakeFiller(["by"]), FillOptions(), cancelled=lambda: False)


def test_the_model_is_asked_for_names_that_say_something_and_for_more_than_are_shown() -> None:
    snapshot, region = opened("def f(by, /):\n    ‸a = by + 1\n    return a\n", "python")
    change = change_of(Rename(), snapshot, region, answers={})
    pattern = re.compile(change.gaps[0].hole.must_match)
    assert [name for name in ("total", "v2", "_id", "x", "_", "__", "2x") if pattern.fullmatch(name)] == [
        "total",
        "v2",
        "_id",
    ]
    taken = ["by", "x", "return", "a"]
    filler = FakeFiller(["by"], others=[[name] for name in [*taken[1:], "total", "count", "size"]])
    done = refactored(snapshot, change, filler, FillOptions(candidates=5), cancelled=lambda: False)
    assert [result.texts[0] for result in done.results] == ["total", "count", "size"]


def test_it_is_offered_on_names_alone() -> None:
    for text, offered in [("‸x = 1\n", True), ("x = ‸'x'\n", False), ("«x = 1»\n", False), ("x‸ = 1\n", True)]:
        snapshot, region = opened(text, "python")
        assert (Rename().title(snapshot, region) is not None) is offered
