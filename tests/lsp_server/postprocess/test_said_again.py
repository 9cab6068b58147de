"""What a fill must not say: the placeholder that it replaces, what its scope defines already, lines a little below."""

from __future__ import annotations

import random
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.code.text.undone import is_placeholder
from lsp_server.postprocess.tidy import tidied
from tests.lsp_server.marked import marked

PLACEHOLDERS = ["...", "pass", "___", "raise NotImplementedError", "raise NotImplementedError()", "return ...",
                'raise NotImplementedError("later")', "todo!()", 'throw new Error("Not implemented");']  # fmt: skip


@given(
    old=st.sampled_from(PLACEHOLDERS),
    new=st.sampled_from(PLACEHOLDERS),
    comment=st.sampled_from(["", "  # TODO", "  // later"]),
)
def test_no_candidate_is_a_placeholder_where_one_was(old: str, new: str, comment: str) -> None:
    snapshot, gap = marked(f"def f(x):\n    «{old}»\n\n\ny = 2\n")
    assert tidied(snapshot, gap, new + comment) == ("", "is a placeholder again")
    assert tidied(snapshot, gap, f'"""Say it."""\n    {new}')[0] == ""


def test_a_placeholder_that_was_not_there_and_a_body_around_one_may_be_said() -> None:
    assert tidied(*marked("class E(Exception):\n    ‸\n"), "pass")[0] == "pass"
    assert tidied(*marked("def f(x):\n    «...»\n"), "return x")[0] == "return x"
    assert tidied(*marked("def f(x):\n    «pass»\n"), "try:\n        g(x)\n    except E:\n        pass")[0].endswith(
        "pass"
    )
    assert not is_placeholder("return 1")
    assert not is_placeholder("")


SCOPES = [
    ("python", "def {}(a):\n    return a\n", "def {}(b):\n    return -b"),
    ("python", "class {}:\n    x = 1\n", "class {}:\n    y = 2"),
    ("javascript", "function {}(a) {\n  return a;\n}\n", "function {}(b) {\n  return -b;\n}"),
    ("go", "func {}(a int) int {\n\treturn a\n}\n", "func {}(b int) int {\n\treturn -b\n}"),
    ("rust", "fn {}(a: u8) -> u8 {\n    a\n}\n", "fn {}(b: u8) -> u8 {\n    b + 1\n}"),
    ("ruby", "def {}(a)\n  a\nend\n", "def {}(b)\n  -b\nend"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "standing", "made"), SCOPES)
@pytest.mark.parametrize("above", [True, False])
def test_what_the_scope_defines_is_not_defined_anew(language: str, standing: str, made: str, above: bool) -> None:
    known, other = standing.replace("{}", "known", 1), standing.replace("{}", "other", 1)
    again, fresh = made.replace("{}", "known", 1), made.replace("{}", "fresh", 1)
    text = f"{known}\n{other}\n‸\n" if above else f"{other}\n‸\n\n{known}\n"
    snapshot, gap = marked(text, language)
    assert tidied(snapshot, gap, again)[0] == ""
    assert tidied(snapshot, gap, fresh)[0] == fresh
    assert tidied(snapshot, gap, f"{fresh}\n\n{again}")[0] == fresh


CLASS = """class A:
    def a(self):
        return 1

    @property
    def b(self):
        return 2

    ‸


class B:
    def c(self):
        pass
"""


@pytest.mark.parametrize(
    ("fill", "left"),
    [
        ("def a(self):\n        return 3", ""),
        ("@staticmethod\n    def a(x):\n        return 3", ""),
        ("def c(self):\n        return 3", None),
        ("@b.setter\n    def b(self, value):\n        self.x = value", None),
        ("@overload\n    def a(self, x): ...", None),
        ("def d(self):\n        def a():\n            return 1\n        return a", None),
        ("d = 1\n\n    def a(self):\n        return 3", "d = 1"),
    ],
)
def test_scopes_accessors_and_overloads(fill: str, left: str | None) -> None:
    assert tidied(*marked(CLASS), fill)[0] == (fill if left is None else left)


def test_conditional_definitions_are_of_another_scope() -> None:
    snapshot, gap = marked("try:\n    from x import f\nexcept ImportError:\n    ‸\n\n\ndef g(): ...\n")
    assert tidied(snapshot, gap, "def f():\n        return 1")[0] == "def f():\n        return 1"
    snapshot, gap = marked("if A:\n    def f():\n        return 1\nelse:\n    ‸\n")
    assert tidied(snapshot, gap, "def f():\n        return 2")[0] == "def f():\n        return 2"


BELOW = "def f(x):\n    ‸\n    second = x + 1\n    third = second * 2\n    return total(third)\n"


@pytest.mark.parametrize(
    ("fill", "left"),
    [
        ("third = second * 2", ""),
        ("return total(third)", ""),
        ("first = g(x)\n    third = second * 2", "first = g(x)"),
        ("first = g(x)\n    third = second * 2\n    return total(third)", "first = g(x)"),
        ("first = g(x)", "first = g(x)"),
        ("x = 1\n    third = second * 3", "x = 1\n    third = second * 3"),
    ],
)
def test_lines_two_or_three_below_are_not_said_again(fill: str, left: str) -> None:
    assert tidied(*marked(BELOW), fill)[0] == left


def test_true_lines_survive() -> None:
    """In other people's code, at most two of 600 true lines are taken for ones said again."""
    rng = random.Random(4)
    files = [f for f in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")) if 500 < f.stat().st_size < 40_000]
    lost = 0
    for _ in range(600):
        lines = rng.choice(files).read_text("utf-8").split("\n")
        row = rng.randrange(len(lines))
        if not lines[row].strip():
            continue
        indent = len(lines[row]) - len(lines[row].lstrip())
        text = "\n".join([*lines[:row], lines[row][:indent] + "‸", *lines[row + 1 :]])
        if text.count("‸") == 1 and "«" not in text:
            snapshot, gap = marked(text)
            lost += tidied(snapshot, gap, lines[row][indent:].rstrip())[0] == ""
    assert lost <= 2


def test_a_placeholder_that_is_left_after_all_else_was_cut_is_one_again() -> None:
    snapshot, gap = marked("class A:\n    def a(self):\n«        ...»\n\n    def b(self):\n        return 1\n")
    assert tidied(snapshot, gap, "        ...\n\n    def b(self):\n        return 2")[0] == ""


def test_the_line_that_comes_next_is_not_said_though_it_stands_above_too() -> None:
    text = "def f(x):\n    return result\n\n\ndef g(x):\n    ‸\n    return result\n"
    assert tidied(*marked(text), "result = x\n    return result")[0] == "result = x"
    rows = "ROWS = [\n    row(1),\n    row(1),\n    ‸\n    row(1),\n]\n"
    assert tidied(*marked(rows), "row(2),\n    row(1),")[0] == "row(2),\n    row(1),"


def test_a_placeholder_does_not_become_the_body_of_the_next_function() -> None:
    text = "class A:\n    def a(self):\n        «...»\n\n    def b(self):\n        return self.x\n"
    assert tidied(*marked(text), "return self.x") == ("", "repeats the lines below")
    assert tidied(*marked(text.replace("«...»", "‸")), "return self.x")[0] == "return self.x"
