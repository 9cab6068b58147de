"""Languages without a grammar: closers that stand below are not said again, whatever stands in strings and comments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.code.checking.accept import fits, whole
from lsp_server.code.languages.brackets import balance
from lsp_server.code.languages.table import LANGUAGES, by_name
from lsp_server.postprocess.tidy import tidied
from tests.lsp_server.marked import marked

BODIES = {
    "kotlin": 'class A {\n    fun m(a: Int) { // a )\n        if (a > "}".length) {\n            ‸\n        }\n    }\n}\n',
    "dart": "Widget build() {\n  return Row(\n    children: [\n      // a ] here\n      ‸\n    ],\n  );\n}\n",
    "groovy": "def f(a) {\n    a.each {\n        ‸\n    }\n}\n",
    "sql": "CREATE TABLE a (\n  id INT, -- it's )\n  ‸\n);\n",
    "terraform": 'resource "a" "b" {\n  c = {\n    # }\n    ‸\n  }\n}\n',
    "scss": ".a {\n  .b {\n    ‸\n  }\n}\n",
    "zig": "fn f(a: u8) u8 {\n    if (a > '{') {\n        ‸\n    }\n    return a;\n}\n",
    "plain": "{\n  a: [\n    ‸\n  ]\n}\n",
}


@pytest.mark.parametrize("language", BODIES)
@given(data=st.data())
def test_a_closer_that_stands_below_is_not_said_again(language: str, data: st.DataObject) -> None:
    text = BODIES[language]
    snapshot, gap = marked(text, language)
    closers = [b.char for b in balance(text[text.index("‸") + 1 :], by_name(language)).closed]
    own = data.draw(st.sampled_from(["x", "f(a, [b])", "f(a)\n  g(b)"]))
    count = data.draw(st.integers(1, len(closers)))
    again = own + "".join(f"\n  {closer}" for closer in closers[:count])
    assert tidied(snapshot, gap, again)[0] == own
    assert tidied(snapshot, gap, own)[0] == own


@pytest.mark.parametrize("language", BODIES)
def test_what_does_not_pair_is_mended_and_nobody_claims_that_it_parses(language: str) -> None:
    snapshot, gap = marked(BODIES[language], language)
    assert fits(snapshot, (gap,), ("f(a)",))
    assert not fits(snapshot, (gap,), ("f(a",))
    assert whole(snapshot, (gap,), ("f(a)",)) is None


def test_a_closer_that_is_missing_may_be_said() -> None:
    snapshot, gap = marked("class A {\n    fun m() {\n        f()\n    ‸\n}\n", "kotlin")
    assert tidied(snapshot, gap, "}")[0] == "}"
    snapshot, gap = marked("fun m() {\n    f(a,\n        ‸\n}\n", "kotlin")
    assert tidied(snapshot, gap, "b)")[0] == "b)"
    assert tidied(snapshot, gap, "b)\n}")[0] == "b)"


@given(
    st.lists(
        st.sampled_from(["(", ")", "[", "]", "{", "}", "a", "\n", " ", "//(\n", '"["', "/*{*/", "'('"]), max_size=30
    )
)
def test_balance_agrees_with_a_stack(parts: list[str]) -> None:
    opened: list[str] = []
    closed = 0
    pairs = {")": "(", "]": "[", "}": "{"}
    for part in parts:
        if part in pairs.values():
            opened.append(part)
        elif part in pairs and opened and opened[-1] == pairs[part]:
            opened.pop()
        elif part in pairs:
            closed += 1
    text = "".join(parts)
    found = balance(text, by_name("kotlin"))
    if "///" not in text.replace("//(", "") and "'(''('" not in text and '""' not in text:
        assert [b.char for b in found.opened] == opened
        assert len(found.closed) == closed


def test_no_language_makes_the_scan_fail() -> None:
    for language in LANGUAGES:
        assert balance("f(a, \"(\") // ' (\n# ( '\n", language).opened is not None
