"""Golden pairs of refactorings: see fixtures/transforms/README.md."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import parse
from lsp_server.transforms.refactoring import Change, Refactoring, Refused
from lsp_server.types import Region, Snapshot

ROOT = Path(__file__).parents[3] / "fixtures" / "transforms"
RENEW = "RENEW_GOLDEN"
"""Where this variable is set, `after` is written anew, for somebody to read in the diff."""


def snapshot_of(text: str, language: str) -> tuple[Snapshot, Region]:
    """The text without its marks, and the place that they name."""
    source = text.encode()
    start = min((at for mark in ("‸", "«") if (at := source.find(mark.encode())) >= 0), default=0)
    source = source.replace("‸".encode(), b"").replace("«".encode(), b"")
    end = source.find("»".encode())
    source = source.replace("»".encode(), b"")
    known = by_name(language)
    snapshot = Snapshot(uri="file:///a", version=1, source=source, language=known, tree=parse(source, known))
    return snapshot, Region(start, max(start, end))


def shown(change: Change) -> str:
    """The change as `after` has it."""
    source = change.source
    for gap in reversed(change.gaps):
        start, end = gap.region.start, gap.region.end
        source = source[:start] + "⟦".encode() + source[start:end] + "⟧".encode() + source[end:]
    context = "".join(f"¦ {line}\n" for line in change.context.splitlines())
    return context + source.decode()


def made(refactoring: Refactoring, text: str, language: str, answers: Mapping[str, str]) -> str:
    """What becomes of a case."""
    snapshot, region = snapshot_of(text, language)
    try:
        change = refactoring.change(snapshot, region, answers=answers)
    except Refused as refusal:
        assert refactoring.title(snapshot, region) is None, "it is offered, and refused"
        return f"! {refusal}\n"
    assert refactoring.title(snapshot, region), "it is not offered, and works"
    tree = parse(change.source, snapshot.language)
    assert tree is not None
    assert not tree.root_node.has_error, "the mechanical part does not parse"
    return shown(change)


def cases(path: Path) -> Iterator[tuple[str, str]]:
    """(title, text) of each case."""
    for part in path.read_text("utf-8").split("=== ")[1:]:
        title, _, text = part.partition("\n")
        yield title, text


def folders(name: str) -> list[Path]:
    return sorted(folder for folder in (ROOT / name).iterdir() if folder.is_dir())


def check(refactoring: Refactoring, folder: Path, answers: Mapping[str, str] | None = None) -> None:
    """Assert that every case of the folder comes out as its `after` says."""
    found = {title: made(refactoring, text, folder.name, answers or {}) for title, text in cases(folder / "before")}
    if os.environ.get(RENEW):
        (folder / "after").write_text("".join(f"=== {t}\n{text}" for t, text in found.items()), "utf-8")
    assert found == dict(cases(folder / "after"))
