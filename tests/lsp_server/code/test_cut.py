"""What holds for every cut, whatever the file: golden files show the choices, these the rules."""

from __future__ import annotations

import inspect
import random
import textwrap as standard_module
from pathlib import Path

import pytest

from lsp_server.code.cut import cut
from lsp_server.code.languages.table import PLAIN, by_name
from lsp_server.code.syntax.parse import parse
from lsp_server.transforms.complete import complete
from lsp_server.types import Gap, Region, Snapshot
from model.types import Hole, Template
from tests.lsp_server.code.test_cut_golden import CASES, count_tokens, read, snapshot_of

REAL = Path(inspect.getfile(standard_module)).read_text()


def snapshot(text: str, name: str = "python") -> Snapshot:
    language = by_name(name)
    source = text.encode()
    return Snapshot(uri="", version=None, source=source, language=language, tree=parse(source, language))


def gap(start: int, end: int | None = None, **more: str) -> Gap:
    return Gap(region=Region(start, start if end is None else end), hole=Hole(), **more)


def tokens(template: Template) -> int:
    return sum(count_tokens(piece) for piece in template.pieces)


@pytest.mark.parametrize("name", ["python", "plain"])
def test_a_file_that_fits_is_kept_whole(name: str) -> None:
    template = cut(snapshot(REAL, name), [gap(100, 130), gap(5_000)], budget_tokens=100_000, count_tokens=count_tokens)
    assert template.joined((REAL[100:130], "")) == REAL


@pytest.mark.parametrize("seed", range(40))
def test_whole_lines_in_order_within_the_budget(seed: int) -> None:
    """Random gaps in a real file, whole or broken at random: the rules hold for any tree."""
    choice = random.Random(seed)
    text = REAL
    if seed % 2:
        at = choice.randrange(len(text))
        text = text[:at] + choice.choice(["(", '"""', "}", "\n        def ", "class"]) + text[at:]
    points = sorted(choice.sample(range(len(text)), 2 * choice.choice([1, 1, 2, 4])))
    gaps = [gap(a, b if b - a < 400 else a) for a, b in zip(points[::2], points[1::2], strict=True)]
    budget = choice.choice([150, 400, 1_000])
    template = cut(
        snapshot(text, "plain" if seed % 5 == 0 else "python"), gaps, budget_tokens=budget, count_tokens=count_tokens
    )
    assert tokens(template) <= budget
    assert tokens(template) > budget * 0.8
    ends = [0, *(g.region.end for g in gaps)]
    starts = [*(g.region.start for g in gaps), len(text)]
    for index, piece in enumerate(template.pieces):
        original = text[ends[index] : starts[index]]
        if "\n" not in original:
            assert piece == original
            continue
        lines, kept = original.splitlines(keepends=True), piece.splitlines(keepends=True)
        rest = iter(lines)
        assert all(line in rest for line in kept), "kept lines are whole, and in the order of the file"
        if index:
            assert kept[0] == lines[0], "the rest of the gap's line stays"
        if index < len(gaps) and not original.endswith("\n"):
            assert kept[-1] == lines[-1], "the beginning of the gap's line stays"


def test_lines_next_to_the_gap_come_first() -> None:
    lines = [f"line_{n} = {n}\n" for n in range(1_000)]
    text = "".join(lines)
    at = text.index("line_500 ")
    template = cut(snapshot(text), [gap(at)], budget_tokens=300, count_tokens=count_tokens)
    before, after = template.pieces
    assert text[:at].endswith(before)
    assert text[at:].startswith(after)
    assert 0.5 < count_tokens(before) / 300 < 0.7


def test_what_one_side_leaves_goes_to_the_other() -> None:
    text = "".join(f"line_{n} = {n}\n" for n in range(1_000))
    for at, side in ((0, 1), (len(text), 0)):
        template = cut(snapshot(text), [gap(at)], budget_tokens=300, count_tokens=count_tokens)
        assert template.pieces[1 - side] == ""
        assert count_tokens(template.pieces[side]) > 280


def test_the_literal_text_around_a_hole_is_in_its_pieces() -> None:
    template = cut(snapshot("a\nb\n"), [gap(2, before="<", after=">\n")], budget_tokens=100, count_tokens=count_tokens)
    assert template.pieces == ("a\n<", ">\nb\n")


def test_gaps_on_one_line_keep_what_stands_between() -> None:
    template = cut(snapshot("f(a, b)\n"), [gap(2, 3), gap(5, 6)], budget_tokens=100, count_tokens=count_tokens)
    assert template.pieces == ("f(", ", ", ")\n")


def test_touching_gaps_have_an_empty_piece_between() -> None:
    template = cut(snapshot("abc\n"), [gap(0, 1), gap(1, 2)], budget_tokens=100, count_tokens=count_tokens)
    assert template.pieces == ("", "", "c\n")


def test_an_empty_file_is_an_empty_context() -> None:
    assert cut(snapshot(""), [gap(0)], budget_tokens=10, count_tokens=count_tokens).pieces == ("", "")


@pytest.mark.parametrize("budget", [0, 1, 2, 10, 57])
def test_a_line_longer_than_the_budget_is_cut_between_tokens(budget: int) -> None:
    text = " + ".join(f"value_{n}" for n in range(20_000))
    at = text.index("value_10000")
    template = cut(snapshot(text), [gap(at, at + 11)], budget_tokens=budget, count_tokens=count_tokens)
    before, after = template.pieces
    assert tokens(template) <= budget
    assert text[:at].endswith(before)
    assert text[at + 11 :].startswith(after)
    if budget >= 10:
        assert before.lstrip().startswith(("value_", "+"))
        assert before
        assert after


def test_a_long_line_without_any_place_to_cut_is_cut_between_characters() -> None:
    text = "é" * 50_000
    source = text.encode()
    at = 40_000
    template = cut(
        Snapshot(uri="", version=None, source=source, language=PLAIN, tree=None),
        [gap(at)],
        budget_tokens=100,
        count_tokens=len,
    )
    assert template.pieces == ("é" * 60, "é" * 40)


def test_a_huge_line_beside_the_gap_is_dropped_not_cut() -> None:
    text = "a = 1\n" + "x = [" + "1, " * 50_000 + "]\nb = 2\nc = 3\n"
    at = text.index("c = 3")
    template = cut(snapshot(text), [gap(at)], budget_tokens=100, count_tokens=count_tokens)
    assert template.pieces[0].endswith("b = 2\n")
    assert "1, 1" not in template.pieces[0]


def test_old_mac_line_ends_are_lines_too() -> None:
    text = "".join(f"x{n} = {n}\r" for n in range(500))
    at = text.index("x250")
    template = cut(snapshot(text, "plain"), [gap(at)], budget_tokens=100, count_tokens=count_tokens)
    assert template.pieces[0].endswith("x248 = 248\nx249 = 249\n")
    assert "\r" not in "".join(template.pieces)


def test_a_megabyte_on_one_line_costs_no_full_count() -> None:
    counted = 0

    def count(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return count_tokens(text)

    text = "x = [" + "1, " * 400_000 + "]"
    cut(snapshot(text, "plain"), [gap(600_000)], budget_tokens=200, count_tokens=count)
    assert counted < 200_000


def test_only_lines_that_may_stay_are_counted() -> None:
    counted = 0

    def count(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return count_tokens(text)

    text = REAL * 40
    cut(snapshot(text), [gap(text.index("return", len(text) // 2))], budget_tokens=500, count_tokens=count)
    assert counted < 60_000 < len(text)


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_cursor_anywhere_in_any_language_is_cut(file: Path) -> None:
    """Every language, every line, half a line deleted: the usual state of a file that is being typed."""
    case = read(file)
    source = case.source.encode()
    for line_start in [0, *(i + 1 for i, byte in enumerate(source) if byte == 10)]:
        end = source.find(b"\n", line_start)
        line = source[line_start : end if end >= 0 else len(source)].decode()
        at = line_start + len(line[: len(line) // 2].encode())
        broken = source[:at] + source[line_start + len(line.encode()) :]
        template = cut(snapshot_of(case.path, broken), [gap(at)], budget_tokens=60, count_tokens=count_tokens)
        assert tokens(template) <= 60


def test_while_one_types_the_text_begins_and_ends_where_it_did() -> None:
    """A model reads anew what comes behind the first difference: so a letter more must not move the ends."""
    lines = (REAL * 3).split("\n")
    same = typed = below = 0
    for first in range(100, 1000, 225):
        before = None
        for line in range(first, first + 6):
            above, text, under = "\n".join(lines[:line]) + "\n", lines[line], "\n" + "\n".join(lines[first + 6 :])
            for column in range(0, len(text) + 1, 2):
                source = above + text[:column] + under
                at = gap(len(source) - len(under))
                template = cut(snapshot(source, "plain"), [at], budget_tokens=1000, count_tokens=count_tokens)
                assert tokens(template) <= 1000
                ends = template.pieces[0][:200], template.pieces[1][-200:]
                if before is not None:
                    typed, same = typed + bool(column), same + (column > 0 and ends == before)
                    below += column == 0 and ends == before
                before = ends
    assert same > 0.89 * typed > 100, "0.84 without blocks"
    assert below > 0.5 * 4 * 5, "nor does a new line, as a rule"


@pytest.mark.parametrize("typed", ["f(", "f(a[", 'f("', "f(x, {1: ["])
def test_what_an_editor_closes_by_itself_changes_nothing_that_a_model_reads(typed: str) -> None:
    """Else each bracket that one types would have all of the context read anew: models read the suffix first."""
    closed = "".join({"(": ")", "[": "]", '"': '"', "{": "}"}.get(c, "") for c in reversed(typed))
    above, below = "def f(x):\n    ", "\n    return x\n"
    templates = []
    for closers in ("", closed):
        source = snapshot(above + typed + closers + below)
        templates.append(
            cut(source, [complete(source, len(above + typed))], budget_tokens=500, count_tokens=count_tokens)
        )
    assert templates[0].pieces == templates[1].pieces
