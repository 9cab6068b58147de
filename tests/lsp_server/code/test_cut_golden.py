"""Golden cuts: `fixtures/cut/*.txt` in marked text (see the README there)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from lsp_server.code.cut import cut
from lsp_server.code.languages.table import language_of
from lsp_server.code.syntax.parse import parse
from lsp_server.types import Gap, Region, Snapshot
from model.types import Hole

FIXTURES = Path(__file__).parents[3] / "fixtures" / "cut"
CASES = sorted(FIXTURES.glob("*.txt"))
_MARK = re.compile("«(.*?)»", re.DOTALL)
_TOKEN = re.compile(r"\n[ \t]*|\w+|[^\w\s]|[ \t]+|\s")


def count_tokens(text: str) -> int:
    return len(_TOKEN.findall(text))


@dataclass(frozen=True)
class Case:
    path: str
    budget: int
    source: str
    regions: tuple[Region, ...]
    head: str
    expected: str


def read(file: Path) -> Case:
    text = file.read_bytes().decode("utf-8")
    head, rest = text.split("==== source\n")
    marked, expected = rest.split("==== cut\n")
    options = dict(line.split(": ", 1) for line in head.splitlines())
    if options.get("final newline") == "no":
        marked = marked.removesuffix("\n")
    if options.get("line ends") == "crlf":
        marked = marked.replace("\n", "\r\n")
    source, regions = "", []
    for place, part in enumerate(_MARK.split(marked)):
        start = len(source.encode())
        source += part
        if place % 2:
            regions.append(Region(start, len(source.encode())))
    return Case(options["path"], int(options["budget"]), source, tuple(regions), f"{head}==== source\n", expected)


def snapshot_of(path: str, source: bytes) -> Snapshot:
    language = language_of(path)
    return Snapshot(uri=path, version=None, source=source, language=language, tree=parse(source, language))


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_the_cut_is_the_golden_one(file: Path) -> None:
    case = read(file)
    snapshot = snapshot_of(case.path, case.source.encode())
    gaps = [Gap(region=region, hole=Hole(old_text=snapshot.text(region))) for region in case.regions]
    template = cut(snapshot, gaps, budget_tokens=case.budget, count_tokens=count_tokens)
    kept = template.joined(("‸",) * len(gaps))
    if os.environ.get("UPDATE_GOLDEN"):
        marked = file.read_bytes().decode().split("==== cut\n")[0]
        file.write_bytes(f"{marked}==== cut\n{kept}".encode())
    else:
        assert kept == case.expected
    assert sum(count_tokens(piece) for piece in template.pieces) <= case.budget
    assert "\r" not in kept
    assert all("\r" not in hole.old_text for hole in template.holes)


def test_enough_languages_are_covered() -> None:
    names = {language_of(read(file).path).name for file in CASES}
    assert len(names) >= 20
