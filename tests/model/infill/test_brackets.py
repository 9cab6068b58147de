from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.infill.brackets import own_text, shut_by, unmatched


@pytest.mark.parametrize(
    ("before", "after", "shut"),
    [
        ("f(a, ", ")\n", ")"),
        ("f(", ", b)\n", ", b)"),
        ("f(", ", g(x), h[0]) + (1)\n", ", g(x), h[0])"),
        ("f(", " )", " )"),
        ("rows[", "][0]", "]"),
        ("int main() {\n  run(", ");\n", ")"),
        ("class A:\n    def f(self):\n        g(", ")\n", ")"),
        # nothing on the line closes what is open
        ("f(", "\n)", ""),
        ("f(", "", ""),
        ("x = ", "\n", ""),
        # brackets do not pair without the hole, which may close one
        ("f(g(", ")\n", ""),
        ("f([", ")\n", ""),
        ("x = ", ")\n", ""),
        # quotes
        ("f(')', ", ")\n", ")"),
        ("f(", ", ')')\n", ", ')')"),
    ],
)
def test_what_shuts_the_brackets_around_a_hole(before: str, after: str, shut: str) -> None:
    assert shut_by(before, after) == shut


@pytest.mark.parametrize(
    ("text", "behind", "own"),
    [
        ("a", ")", "a"),
        ("a)", ")", "a"),
        ("g(a)", ")", "g(a)"),
        ("g(a))\nmore(", ")", "g(a)"),
        ("a) + (b", ")", "a"),
        ("a, b)", ", b)", "a"),
        ("a ,b)", ", b)", "a"),
        ("a, b", ", b)", "a, b"),
        ("a, c)", ", b)", None),
        ("a]", ")", None),
        ("')'", ")", "')'"),
        (")", ")", ""),
    ],
)
def test_a_text_ends_before_it_says_again_what_stands_behind(text: str, behind: str, own: str | None) -> None:
    assert own_text(text, behind) == own


@given(st.text("ab,()[] ", max_size=12), st.text("ab, ", max_size=4))
def test_what_is_kept_closes_nothing_around_it(text: str, rest: str) -> None:
    own = own_text(text, rest + ")")
    assert own is None or (not unmatched(own)[0] and text.startswith(own))
