from __future__ import annotations

import ast
import io
import tokenize
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lsp_server.errors import NothingFilled
from lsp_server.transforms.applying import Refactored, refactored
from lsp_server.transforms.refactoring import Change
from lsp_server.transforms.writing.repair import Repair
from lsp_server.types import Region
from model.types import Budget, Fill, FillOptions, FillRequest
from tests.fakes import FakeFiller
from tests.lsp_server.transforms.golden import check, folders, snapshot_of
from tests.lsp_server.transforms.stdlib import functions


@pytest.mark.parametrize("folder", folders("repair"), ids=lambda path: path.name)
def test_golden(folder: Path) -> None:
    check(Repair(), folder)


def levels(change: Change | None) -> list[str]:
    """What is opened, from small to large."""
    found = []
    while change is not None:
        (gap,) = change.gaps
        found.append(change.source[gap.region.start : gap.region.end].decode())
        change = change.wider
    return found


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        (
            "def f(xs):\n    for x im xs‸:\n        print(x)\n",
            "python",
            ["im", "x im xs", "for x im xs:", "for x im xs:\n        print(x)",],
        ),
        ("const a = = 1‸;\n", "typescript", ["=", "a = =", "const a = = 1;"]),
        ("func f() {\n\treturn 1 +‸\n}\n", "go", None),
    ],
)  # fmt: skip
def test_more_and_more_is_opened(text: str, language: str, expected: list[str] | None) -> None:
    snapshot, region = snapshot_of(text, language)
    assert Repair().title(snapshot, region)
    opened = levels(Repair().change(snapshot, region, answers={}))
    if expected is not None:
        assert opened == expected
    assert all(small in large for small, large in pairwise(opened))


@pytest.mark.parametrize("broken", ["    returnreturn a‸\n", "    return a,,‸ 1\n", "    if a::‸\n        x()\n"])
def test_what_stands_twice_by_a_slip_is_mended_without_a_model(broken: str) -> None:
    text = f"def f(a, x):\n{broken}"
    mended = text.replace("‸", "").replace("returnreturn", "return").replace(",,", ",").replace("a::", "a:")
    snapshot, region = snapshot_of(text, "python")
    change = Repair().change(snapshot, region, answers={})
    assert change.gaps == ()
    done = refactored(snapshot, change, None, FillOptions(), cancelled=lambda: False)
    assert done.results[0].source == mended.encode()
    assert not done.unsure


@pytest.mark.parametrize(
    "broken",
    [
        "def f(a, , b):‸\n    pass\n",  # a name may be missing
        "x = [a] for a in b]‸\n",  # nothing stands twice
        "x = fg(a))(]‸\n",  # without the double it has an error still
        "x = ff(a)) + b))‸\n",  # several would do as well, or none
    ],
)
def test_what_is_no_slip_of_that_kind_is_left_to_the_model(broken: str) -> None:
    snapshot, region = snapshot_of(broken, "python")
    assert Repair().change(snapshot, region, answers={}).gaps


def test_where_a_sign_stands_twice_the_whole_line_is_opened_at_once() -> None:
    """Either it is too much, or something is missing: in the hole of one token the model can say neither."""
    snapshot, region = snapshot_of("x = self..f(a)‸\n", "python")
    assert levels(Repair().change(snapshot, region, answers={}))[0] == "x = self..f(a)"
    snapshot, region = snapshot_of("def f(a)):‸\n    return a\n", "python")
    change = Repair().change(snapshot, region, answers={})
    assert levels(change)[0] == "def f(a)):"
    snapshot, region = snapshot_of("x = dictzip(a, b))‸\n", "python")
    change = Repair().change(snapshot, region, answers={})
    assert levels(change)[0] == "x = dictzip(a, b))"
    done = refactored(snapshot, change, FakeFiller(["x = dict(zip(a, b))"]), FillOptions(), cancelled=lambda: False)
    assert done.results[0].source == b"x = dict(zip(a, b))\n"


def test_a_repair_makes_no_comment_of_code() -> None:
    snapshot, region = snapshot_of("x = f(a, b‸\ny = 1\n", "python")
    change = Repair().change(snapshot, region, answers={})
    assert "make a comment" in change.objection(("b)  # f(a, b",))
    assert "make a comment" not in change.objection(("b)",))


def test_a_wider_hole_is_filled_where_the_smallest_does_not_do() -> None:
    snapshot, region = snapshot_of("def f(xs):\n    for x im xs‸:\n        print(x)\n", "python")
    change = Repair().change(snapshot, region, answers={})
    filler = FakeFiller(["for x in xs:"])
    done = refactored(snapshot, change, filler, FillOptions(), cancelled=lambda: False)
    assert done.results[0].source == b"def f(xs):\n    for x in xs:\n        print(x)\n"
    assert "# fix: invalid syntax" in filler.requests[-1].template.pieces[0]
    assert "# was: for x im xs:" in filler.requests[-1].template.pieces[0]
    assert len(filler.requests) == 3
    with pytest.raises(NothingFilled, match="nothing"):
        refactored(snapshot, change, FakeFiller(["for x un xs:"]), FillOptions(), cancelled=lambda: False)


def test_of_several_repairs_the_one_that_changes_least_comes_first() -> None:
    snapshot, region = snapshot_of("def f(xs):\n    return len(xs‸ xs)\n", "python")
    change = Repair().change(snapshot, region, answers={})
    filler = FakeFiller(["1"], others=[["xs, xs"], ["xs"]])
    done = refactored(snapshot, change, filler, FillOptions(), cancelled=lambda: False)
    assert done.results[0].source == b"def f(xs):\n    return len(xs, xs)\n"


def test_the_likeliest_repair_comes_first_where_another_changes_little_less() -> None:
    snapshot, region = snapshot_of("def f(ones):\n    ones  1‸\n    return ones\n", "python")
    change = Repair().change(snapshot, region, answers={})
    assert change.confidences is not None
    assigned, plus, far = change.confidences([("= 1",), ("+= 1",), ("= ones.append(1)",)], [0.03, 0.32, 0.5])
    assert plus > 0.5 > assigned > far
    (alone,) = change.confidences([("= ones.append(1)",)], [0.5])
    assert alone < 0.1, "another one is likelier, whatever it is"


def test_where_a_sign_is_missing_between_blanks_one_of_them_goes() -> None:
    snapshot, region = snapshot_of("def f(ones):\n    ones  1‸\n    return ones\n", "python")
    change = Repair().change(snapshot, region, answers={})
    assert levels(change)[:2] == [" 1", "ones  1"]
    done = refactored(snapshot, change, FakeFiller(["+= 1"]), FillOptions(), cancelled=lambda: False)
    assert done.results[0].source == b"def f(ones):\n    ones += 1\n    return ones\n"


def test_an_unsure_repair_gives_way_to_a_likelier_one_of_more_and_is_unsure_else() -> None:
    snapshot, region = snapshot_of("def f(xs):\n    return len(xs‸ xs)\n", "python")
    change = Repair().change(snapshot, region, answers={})
    narrow = "xs, xs"

    def repaired(*levels: tuple[str, float], max_time_s: float | None = None) -> Refactored:
        given, options = iter(levels), FillOptions(budget=Budget(max_time_s=max_time_s))

        class OneForEachLevel(FakeFiller):
            def fill(self, request: FillRequest, **more: Any) -> Fill:
                text, self.confidence = next(given)
                self.texts = [text]
                return super().fill(request, **more)

        return refactored(snapshot, change, OneForEachLevel([]), options, cancelled=lambda: False)

    assert levels(change)[:2] == ["xs xs", "(xs xs"]
    assert not repaired((narrow, 0.5)).unsure
    far, further = "xs, ys, xs", "return len(xs, ys, zs, xs)"
    wider = repaired((far, 0.1), ("(xs, xs", 0.6))
    assert not wider.unsure
    assert wider.results[0].texts == ("(xs, xs",)
    nothing = repaired((far, 0.1), ("(xs xs", 0.01), (further, 0.02), (further, 0.03))
    assert nothing.unsure
    assert nothing.results[0].texts == (far,), "the likeliest of all"
    assert repaired((far, 0.1), max_time_s=1e-9).results[0].texts == (far,), "there is no time for more"


def test_what_has_another_error_is_no_repair() -> None:
    snapshot, region = snapshot_of("def f(a) -> dictstr, int]:‸\n    return (a\n", "python")
    change = Repair().change(snapshot, region, answers={})
    assert "as many errors" in change.objection(("",)), "dictstr, int is no type without brackets"


def test_what_another_tool_says_opens_its_place() -> None:
    snapshot, region = snapshot_of("def f(names):\n    return «nams»[0]\n", "python")
    change = Repair().change(snapshot, region, answers={"message": 'Undefined name\n "nams"'})
    assert levels(change)[:3] == ["nams", "return nams[", "return nams[0]"]
    filler = FakeFiller(["nams"], others=[["names"]])
    done = refactored(snapshot, change, filler, FillOptions(), cancelled=lambda: False)
    assert done.results[0].source == b"def f(names):\n    return names[0]\n"
    assert '# fix: Undefined name "nams"' in filler.requests[0].template.pieces[0]


@given(st.sampled_from(functions()), st.data())
@settings(max_examples=300, deadline=None)
def test_the_error_that_a_missing_token_makes_is_found_and_the_token_mends_it(source: str, data: st.DataObject) -> None:
    """One token of a sound function is taken out; the line as it was makes a repair that is taken."""
    tokens = [
        t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type in (tokenize.OP, tokenize.NAME)
    ]
    token = data.draw(st.sampled_from(tokens))
    lines = source.split("\n")
    row, line = token.start[0] - 1, lines[token.start[0] - 1]
    lines[row] = line[: token.start[1]] + line[token.end[1] :]
    broken = "\n".join(lines)
    try:
        ast.parse(broken)
    except SyntaxError as error:
        assume(error.lineno == row + 1 and lines[row].strip())
    else:
        assume(False)
    assume(
        len(line) - len(line.lstrip()) == len(lines[row]) - len(lines[row].lstrip())
    )  # else the indentation is wrong
    start = sum(len(at.encode()) + 1 for at in lines[:row])
    snapshot, _ = snapshot_of(broken, "python")
    assert Repair().title(snapshot, Region(start, start))
    change: Change | None = Repair().change(snapshot, Region(start, start), answers={})
    while change is not None:
        (gap,) = change.gaps
        if change.source[gap.region.start : gap.region.end] == lines[row].strip().encode():
            assert change.objection((line.strip(),)) == ""
            assert change.objection((lines[row].strip(),)) != ""
            return
        change = change.wider
    pytest.fail("the line is never opened")
