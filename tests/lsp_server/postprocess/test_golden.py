"""Every filter against its golden cases, and every case such that the filter does something or is seen to do nothing."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lsp_server import pipeline
from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import parse
from lsp_server.code.text.edits import edit_of
from lsp_server.code.text.positions import LineIndex
from lsp_server.postprocess.around import Around
from lsp_server.postprocess.blank_end import without_blank_end
from lsp_server.postprocess.closers import without_unmatched_end
from lsp_server.postprocess.indentation import based_at_the_gap, with_the_files_indent, without_doubled_indent
from lsp_server.postprocess.line_rest import without_line_rest
from lsp_server.postprocess.lines_above import without_lines_above
from lsp_server.postprocess.lines_below import without_lines_below
from lsp_server.postprocess.repetition import unless_it_goes_round, without_repeated_lines
from lsp_server.postprocess.syntax import breaks_syntax
from lsp_server.postprocess.trivial import is_trivial
from lsp_server.suggestions.question import Question
from lsp_server.suggestions.suggestion import shown_to, suggestions_of
from lsp_server.transforms.complete import complete
from lsp_server.types import Gap, Snapshot
from model.types import FillOptions
from tests.fakes import FakeFiller

FOLDER = Path(__file__).parents[3] / "fixtures" / "filters"


def indentation(text: str, around: Around) -> str:
    return based_at_the_gap(with_the_files_indent(without_doubled_indent(text, around), around), around)


FITTING: dict[str, Callable[[str, Around], str]] = {
    "line_rest": without_line_rest,
    "lines_below": without_lines_below,
    "lines_above": without_lines_above,
    "closers": without_unmatched_end,
    "indentation": indentation,
    "repetition": lambda text, around: without_repeated_lines(unless_it_goes_round(text, around), around),
    "blank_end": without_blank_end,
}
JUDGING: dict[str, Callable[[str, Around], bool]] = {"trivial": is_trivial, "syntax": breaks_syntax}
EDITING = ("auto_closer", "line_ends")


def cases(*stems: str) -> list[Any]:
    found = []
    for stem in stems:
        own = tomllib.loads((FOLDER / f"{stem}.toml").read_text("utf-8"))["case"]
        assert len(own) >= 4, f"{stem}: a filter has at least four cases"
        assert len({case["language"] for case in own}) >= 2, f"{stem}: cases come from several languages"
        found += [pytest.param(stem, case, id=f"{stem}: {case['name']}") for case in own]
    return found


def opened(case: dict[str, Any]) -> tuple[Snapshot, Gap]:
    """The document without its marks, and the hole at the mark that counts (`mark`, from 1)."""
    pieces = case["document"].split("‸")
    mark = case.get("mark", 1)
    source = "".join(pieces).encode()
    language = by_name(case["language"])
    snapshot = Snapshot(uri="", version=1, source=source, language=language, tree=parse(source, language))
    return snapshot, complete(snapshot, len("".join(pieces[:mark]).encode()))


@pytest.mark.parametrize(("stem", "case"), cases(*FITTING))
def test_a_filter_makes_of_an_output_what_it_should(stem: str, case: dict[str, Any]) -> None:
    text = FITTING[stem](case["output"], Around(*opened(case)))
    assert text.strip() == "" if case.get("drop") else text == case["text"]


@pytest.mark.parametrize(("stem", "case"), cases(*JUDGING))
def test_an_output_is_shown_or_not(stem: str, case: dict[str, Any]) -> None:
    assert JUDGING[stem](case["output"], Around(*opened(case))) is bool(case.get("drop"))


@pytest.mark.parametrize(("stem", "case"), cases(*EDITING))
def test_an_edit_inserts_and_replaces_what_it_should(stem: str, case: dict[str, Any]) -> None:
    snapshot, gap = opened(case)
    edit = edit_of(snapshot, gap, case["output"])
    assert (edit.new_text, snapshot.text(edit.region)) == (case["insert"], case["replaces"])
    assert edit.region.start == gap.region.start


@pytest.mark.parametrize(("stem", "case"), cases("whole"))
def test_all_together_suggest_or_drop_with_a_reason(stem: str, case: dict[str, Any]) -> None:
    snapshot, gap = opened(case)
    question = Question(now=snapshot, index=LineIndex(snapshot.source), snapshot=snapshot, gap=gap)
    filled = pipeline.run(snapshot, (gap,), FakeFiller([case["output"]]), FillOptions(), cancelled=lambda: False)
    made, dropped = suggestions_of(question, filled)
    shown = shown_to(made, automatic=True, most=1)
    if "drop" in case:
        assert (shown, [*dropped, *("does not parse" for s in made if s.breaks)]) == ((), [case["drop"]])
    else:
        (suggestion,) = shown
        replaced = snapshot.source[gap.region.start : gap.region.start + suggestion.replaces].decode()
        assert (suggestion.text, replaced) == (case["insert"], case["replaces"])


def test_every_file_of_cases_is_read() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == {*FITTING, *JUDGING, *EDITING, "whole"}
