"""The golden pairs in fixtures/transforms: what each refactoring makes of a file, with its holes; or why it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import parse
from lsp_server.transforms.applying import change_of
from lsp_server.transforms.refactoring import Change, Refused
from lsp_server.transforms.registry import by_name as refactoring_named
from lsp_server.types import Region, Snapshot

ROOT = Path(__file__).parents[3] / "fixtures" / "transforms"
CASES = sorted(path.parent.relative_to(ROOT) for path in ROOT.glob("*/*/*/before.txt"))


def test_there_are_cases() -> None:
    assert len(CASES) >= 8


@pytest.mark.parametrize("case", CASES, ids=str)
def test_golden(case: Path) -> None:
    folder = ROOT / case
    name, language, _ = case.parts
    snapshot, region = opened((folder / "before.txt").read_text("utf-8"), language)
    answers = json.loads(text) if (text := said(folder / "answers.json")) else {}
    refactoring = refactoring_named(name)
    refusal = said(folder / "refused.txt")
    if refusal:
        with pytest.raises(Refused) as raised:
            change_of(refactoring, snapshot, region, answers=answers)
        assert str(raised.value) == refusal.strip()
        return
    assert refactoring.title(snapshot, region), "it is offered where it can be made"
    change = change_of(refactoring, snapshot, region, answers=answers)
    assert shown(change) == (folder / "after.txt").read_text("utf-8")


def opened(marked: str, language: str) -> tuple[Snapshot, Region]:
    edges = [match.start() for match in re.finditer("[«»‸]", marked)]
    source = re.sub("[«»‸]", "", marked).encode()
    start = len(marked[: edges[0]].encode())
    end = start + len(marked[edges[0] + 1 : edges[-1]].encode()) if len(edges) > 1 else start
    known = by_name(language)
    uri = f"file:///case{known.extensions[0]}"
    snapshot = Snapshot(uri=uri, version=1, source=source, language=known, tree=parse(source, known))
    return snapshot, Region(start, end)


def shown(change: Change) -> str:
    source = change.source
    for gap in reversed(change.gaps):
        start, end = gap.region.start, gap.region.end
        source = source[:start] + "⟦".encode() + source[start:end] + "⟧".encode() + source[end:]
    return source.decode()


def said(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""
