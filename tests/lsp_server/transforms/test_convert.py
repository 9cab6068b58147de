from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.transforms.applying import change_of
from lsp_server.transforms.convert.conversions import CONVERSIONS, Conversion
from lsp_server.transforms.convert.place import names
from lsp_server.transforms.refactoring import Refused
from lsp_server.types import Region
from tests.lsp_server.transforms.golden import check, folders, snapshot_of
from tests.lsp_server.transforms.stdlib import functions

KNOWN = {conversion.name: conversion for conversion in CONVERSIONS}


@pytest.mark.parametrize("folder", [f for name in KNOWN for f in folders(name)], ids=lambda path: path.parent.name)
def test_golden(folder: Path) -> None:
    check(KNOWN[folder.parent.name], folder)


def converted(name: str, text: str) -> str:
    snapshot, region = snapshot_of(text, "python")
    return change_of(KNOWN[name], snapshot, region, answers={}).source.decode()


def run(source: str, **given: object) -> object:
    space = dict(given)
    exec(source, space)
    return space["r"]


TEXT = st.text(alphabet="ab {}%!:'", max_size=6)


@given(TEXT, TEXT, st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2), st.integers())
@settings(max_examples=300, deadline=None)
def test_an_f_string_says_the_same(before: str, behind: str, a: object, b: int) -> None:
    literal = ast.unparse(ast.Constant(before.replace("%", "%%") + "%s" + behind.replace("%", "%%") + "%r"))
    source = f"r = {literal} % (a, b)\n"
    try:
        result = converted("to-f-string", source.replace("(a", "(a‸"))
    except Refused:
        return
    assert "%" not in result.split("=", 1)[1] or "%" in before + behind
    assert run(result, a=a, b=b) == run(source, a=a, b=b)


@given(
    st.lists(st.sampled_from(["{}", "{!r}", "{:>4}", "{{", "}}", "x", "%s", "{k}", "{k:<3}"]), max_size=5),
    st.integers(),
)
@settings(max_examples=300, deadline=None)
def test_format_says_the_same(pieces: list[str], a: int) -> None:
    count = sum(p in ("{}", "{!r}", "{:>4}") for p in pieces)
    arguments = ", ".join([*(f"a + {n}" for n in range(count)), "k=a"])
    source = f'r = "{"".join(pieces)}".format({arguments})\n'
    try:
        result = converted("to-f-string", source.replace("k=a", "k=a‸"))
    except Refused:
        return
    assert run(result, a=a) == run(source, a=a)


TESTS = st.sampled_from(["x == 1", "x == 2 or x == 'a'", "x in (3, 'b')", "x is None", "x == -1"])


@given(
    st.lists(TESTS, min_size=2, max_size=4),
    st.booleans(),
    st.sampled_from([1, 2, "a", 3, "b", None, -1, True, 1.0, "z"]),
)
@settings(max_examples=300, deadline=None)
def test_match_takes_the_same_branch(tests: list[str], otherwise: bool, x: object) -> None:
    lines = [f"{'elif' if n else 'if'} {test}:\n    r = {n}\n" for n, test in enumerate(tests)]
    source = "r = -1\n" + "".join(lines) + ("else:\n    r = 99\n" if otherwise else "")
    result = converted("to-match", source.replace("if ", "i‸f ", 1))
    assert "match x:" in result
    assert run(result, x=x) == run(source, x=x)


CONDITIONS = st.sampled_from(["", "x % 2", "x > 1 if x else True", "not x"])


@given(st.lists(st.integers(-3, 3)), CONDITIONS, st.sampled_from(["x", "x * 2", "x, 1", "[x]", "lambda: x"]))
@settings(max_examples=300, deadline=None)
def test_there_and_back_again_collects_the_same(xs: list[int], condition: str, element: str) -> None:
    if element == "lambda: x":
        element = "(lambda: x)()"
    inner = (
        f"        if {condition}:\n            r.append(({element}))\n"
        if condition
        else f"        r.append(({element}))\n"
    )
    source = f"def f(xs):\n    r = []\n    for x in xs:\n{inner}    return r\n"
    there = converted("to-comprehension", source.replace("for x", "for‸ x"))
    assert "append" not in there
    back = converted("to-loop", there.replace("for x", "for‸ x"))
    assert "append" in back
    results = [run(text + "r = f(xs)\n", xs=xs) for text in (source, there, back)]
    assert results[0] == results[1] == results[2]


@given(st.sampled_from(functions()), st.sampled_from(list(KNOWN.values())), st.data())
@settings(max_examples=300, deadline=None)
def test_real_code_stays_sound_and_mentions_the_same_names(
    source: str, conversion: Conversion, data: st.DataObject
) -> None:
    snapshot, _ = snapshot_of(source, "python")
    lines = [n for n, line in enumerate(source.split("\n")) if line.strip()]
    row = data.draw(st.sampled_from(lines))
    start = sum(len(line.encode()) + 1 for line in source.split("\n")[:row])
    region = Region(start + 4, start + 4)
    if conversion.title(snapshot, region) is None:
        return
    change = change_of(conversion, snapshot, region, answers={})
    before, after = ast.parse(source), ast.parse(change.source)
    extra = {"set", "list", "dict", "print", "logging", "log", "logger"}
    assert names(before) - extra == names(after) - extra
