"""Lines are selected in many ways; the line ends at both ends of a selection are never what is filled."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from lsprotocol import types as lsp

from lsp_server import pipeline
from lsp_server.cli import fill as fill_module
from lsp_server.cli import main as cli
from lsp_server.code.languages.table import language_of
from lsp_server.code.syntax.parse import parse
from lsp_server.code.text.edits import apply
from lsp_server.transforms.fill import content_of, fill_regions
from lsp_server.types import Region, Snapshot
from model.types import FillOptions
from tests.fakes import FakeFiller
from tests.lsp_server.editor import URI, connected, span_of

SOURCE = "def total(prices, rate):\n    result = 0\n    for price in prices:\n        result += price * rate\n    return result\n"
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
LINE = st.sampled_from(["x = 1", "    y = 2  ", "\tif z:", "é = '😀'", "", "", "   ", "\x0c"])


def snapshot(text: str) -> Snapshot:
    source, language = text.encode(), language_of("a.py")
    return Snapshot(uri="file:///a.py", version=1, source=source, language=language, tree=parse(source, language))


def starts_of(lines: list[str], end: str) -> list[int]:
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len((line + end).encode()))
    return starts


@given(st.lists(LINE, min_size=1, max_size=12), ENDS, st.data())
def test_whole_lines_are_the_same_gap_however_they_are_selected(
    lines: list[str], end: str, data: st.DataObject
) -> None:
    taken, starts = snapshot("".join(line + end for line in lines)), starts_of(lines, end)
    first = data.draw(st.integers(0, len(lines) - 1))
    last = data.draw(st.integers(first, len(lines) - 1))
    assume(lines[first].strip() and lines[last].strip())
    whole = Region(starts[first], starts[last + 1] - len(end))
    top, bottom = first, last
    while top > 0 and not lines[top - 1].strip() and data.draw(st.booleans()):
        top -= 1
    while bottom + 1 < len(lines) and not lines[bottom + 1].strip() and data.draw(st.booleans()):
        bottom += 1
    above = starts[top] - len(end) if top and data.draw(st.booleans()) else starts[top]
    below = starts[bottom + 1] - data.draw(st.sampled_from([0, len(end)]))
    if below == starts[bottom + 1] and bottom + 1 < len(lines) and data.draw(st.booleans()):
        line = lines[bottom + 1]
        below += len(line) - len(line.lstrip())  # up to the next line's first word
    assert content_of(taken, Region(above, max(below, whole.end))) == whole
    (gap,) = fill_regions(taken, [Region(above, max(below, whole.end))])
    assert gap.region == whole
    filled = pipeline.run(taken, [gap], FakeFiller(["new = 1"]), FillOptions(), cancelled=lambda: False)
    kept = [*lines[:first], *lines[last + 1 :]]
    text = apply(taken.source, filled.edits).decode()
    assert [line for line in text.split(end)[:-1] if "new = 1" not in line] == kept


@given(st.lists(LINE, min_size=2, max_size=12), ENDS, st.data())
def test_several_selections_of_whole_lines_keep_what_is_between(
    lines: list[str], end: str, data: st.DataObject
) -> None:
    taken, starts = snapshot("".join(line + end for line in lines)), starts_of(lines, end)
    chosen = sorted(data.draw(st.sets(st.integers(0, len(lines) - 1), min_size=1, max_size=4)))
    gaps = fill_regions(taken, [Region(starts[n], starts[n + 1]) for n in chosen])
    assert [gap.region for gap in gaps] == [Region(starts[n], starts[n + 1] - len(end)) for n in chosen]


@pytest.mark.parametrize(
    ("text", "start", "end", "content"),
    [
        ("a\n\n\nb\n", 2, 4, (2, 3)),  # two blank lines alone: one line end stays
        ("a\n\nb\n", 2, 3, (2, 2)),
        ("a\n  \nb\n", 2, 5, (2, 4)),
        ("f(\n    1,\n    2,\n)\n", 2, 17, (3, 16)),  # what stands between brackets
        ("x = 1\ny = 2\n", 4, 6, (4, 5)),  # from within a line to the start of the next
        ("x = 1\n", 5, 6, (5, 5)),  # a line end alone is nothing to fill
        ("x = 1 \n", 4, 6, (4, 6)),  # spaces within a line are content
        ("x", 0, 1, (0, 1)),
        ("", 0, 0, (0, 0)),
    ],
)
def test_what_of_a_selection_is_content(text: str, start: int, end: int, content: tuple[int, int]) -> None:
    assert content_of(snapshot(text), Region(start, end)) == Region(*content)


@pytest.mark.asyncio
@pytest.mark.parametrize("selected", [(1, 0, 2, 0), (1, 0, 1, 14), (0, 24, 1, 14), (0, 24, 2, 4), (1, 4, 2, 0)])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
async def test_no_way_through_the_editor_glues_the_next_line(
    selected: tuple[int, int, int, int], line_end: str
) -> None:
    indent = " " * (4 if selected[1] != 4 else 0)
    async with connected(texts=[f"{indent}result = 1"], resolves=True) as editor:
        editor.open(SOURCE.replace("\n", line_end))
        made = await editor.fill(selected, version=1)
        assert (made["applied"], made["texts"]) == (True, [f"{indent}result = 1"])
        params = lsp.CodeActionParams(
            text_document=lsp.TextDocumentIdentifier(uri=URI),
            range=span_of(*selected),
            context=lsp.CodeActionContext(diagnostics=[]),
        )
        actions = await editor.request(lsp.TEXT_DOCUMENT_CODE_ACTION, params)
        resolved = [
            (await editor.request(lsp.CODE_ACTION_RESOLVE, action)).edit
            for action in actions
            if action.kind == lsp.CodeActionKind.RefactorRewrite
        ]
        ranges = [
            edit.range
            for made in (*(applied.edit for applied in editor.applied), *resolved)
            for change in made.document_changes
            for edit in change.edits
        ]
        assert len(ranges) >= 3
        assert {(found.start.line, found.end.line, found.end.character) for found in ranges} == {(1, 1, 14)}


@pytest.mark.parametrize("target", ["a.py:2", "a.py:2:1-3:1", "a.py:1:25-3:1", "a.py:2:1-3:5", "a.py:2:1-2:15"])
def test_no_target_of_the_command_line_glues_the_next_line(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill_module, "open_filler", lambda *_, **__: FakeFiller(["    result = 1"]))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text(SOURCE)
    assert cli.run([target, "--write"]) == 0
    assert (tmp_path / "a.py").read_text() == SOURCE.replace("result = 0", "result = 1")


def test_blank_lines_below_a_range_of_lines_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fill_module, "open_filler", lambda *_, **__: FakeFiller(["new = 1"]))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text("a = 1\n\n\nb = 2\n")
    assert cli.run(["a.py:1-3", "--write"]) == 0
    assert (tmp_path / "a.py").read_text() == "new = 1\n\n\nb = 2\n"
