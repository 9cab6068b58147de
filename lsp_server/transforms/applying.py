"""From a change with holes to the edits of the file: the model fills what is open, and the result has to parse.

snapshot, change -> pipeline.run on the changed file -> the smallest edits of the file as it was
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lsp_server import pipeline
from lsp_server.code.checking.syntax_checker import SyntaxChecker
from lsp_server.code.syntax.parse import parse
from lsp_server.code.text.differences import edits_between
from lsp_server.code.text.edits import apply
from lsp_server.code.text.positions import line_around
from lsp_server.errors import NothingFilled
from lsp_server.transforms.refactoring import Answers, Change, Refactoring, Weigh
from lsp_server.types import Cells, Edit, Filled, Gap, Region, Snapshot
from lsp_server.workspace.exclusions import Exclusions
from lsp_server.workspace.other_files.gather import OtherFiles
from lsp_server.workspace.uris import Uri
from model.text import PlainText
from model.types import Cancelled, Filler, FillOptions, OnEvent


@dataclass(frozen=True, kw_only=True)
class RefactoringResult:
    """One way to refactor. `edits` are of the file as it was, `source` is the file with them made; `texts` fill the holes.

    `confidence` is the model's; None where it had nothing to fill.
    """

    edits: tuple[Edit, ...]
    source: bytes
    texts: tuple[str, ...] = ()
    confidence: float | None = None


@dataclass(frozen=True, kw_only=True)
class Refactored:
    """The best result first. `filled`: what the model said, if it was asked."""

    change: Change
    results: tuple[RefactoringResult, ...]
    filled: Filled | None = None

    @property
    def unsure(self) -> bool:
        """Whether the model gives the best result less than such a change needs to be made unseen."""
        confidence = self.results[0].confidence
        return confidence is not None and confidence < self.change.least_confidence

    @property
    def doubt(self) -> str:
        """What to tell the user of an unsure result."""
        return f"unsure: the model gives the likeliest text {self.results[0].confidence or 0.0:.0%} to be right"


def change_of(refactoring: Refactoring, snapshot: Snapshot, region: Region, *, answers: Answers) -> Change:
    """What the refactoring changes, found in a tree of the whole file. Raises Refused."""
    parsed = replace(snapshot, tree=parse(snapshot.source, snapshot.language))
    return refactoring.change(parsed, region, answers=answers)


def refactored(
    snapshot: Snapshot,
    change: Change,
    filler: Filler | None,
    options: FillOptions,
    *,
    cancelled: Cancelled,
    on_event: OnEvent | None = None,
    exclusions: Exclusions | None = None,
    other_files: OtherFiles | None = None,
    cells: Cells | None = None,
) -> Refactored:
    """The change with its holes filled, as edits of `snapshot`, or of the new file; a change without holes needs no filler.

    Where nothing fits, or what does is unsure, the wider change is tried, too, while there is time; the best of all is taken.

    Raises NothingFilled if nothing that fits came back, or the file would not parse any more: nothing is changed then.
    For the other arguments, and what else is raised, see `pipeline.run`.
    """
    limit_s = options.budget.max_time_s
    until = None if limit_s is None else time.monotonic() + limit_s
    best: Refactored | None = None
    while True:
        try:
            done = _refactored(
                snapshot, change, filler, options,
                cancelled=cancelled, on_event=on_event, exclusions=exclusions, other_files=other_files, cells=cells,
            )  # fmt: skip
            best = done if best is None or _is_better(done, best) else best
        except NothingFilled:
            if best is None and (change.wider is None or cancelled()):
                raise
        over = cancelled() or (until is not None and time.monotonic() >= until)
        if best is not None and (not best.unsure or change.wider is None or over):
            return best
        assert change.wider is not None
        change = change.wider


def _is_better(one: Refactored, other: Refactored) -> bool:
    """Whether the best of `one` is likelier than that of `other`."""
    return (one.results[0].confidence or 0.0) > (other.results[0].confidence or 0.0)


def _weighed(results: Sequence[RefactoringResult], confidences: Weigh) -> list[RefactoringResult]:
    """The results with other confidences, the likeliest first."""
    weights = confidences([one.texts for one in results], [one.confidence or 0.0 for one in results])
    weighed = [replace(one, confidence=weight) for one, weight in zip(results, weights, strict=True)]
    return sorted(weighed, key=lambda one: -(one.confidence or 0.0))


def _refactored(
    snapshot: Snapshot,
    change: Change,
    filler: Filler | None,
    options: FillOptions,
    *,
    cancelled: Cancelled,
    on_event: OnEvent | None,
    exclusions: Exclusions | None,
    other_files: OtherFiles | None,
    cells: Cells | None,
) -> Refactored:
    if change.new_file:
        uri = str(Uri.of(Path(change.new_file)))
        snapshot = replace(snapshot, uri=uri, version=None, source=b"", tree=parse(b"", snapshot.language))
    checker = SyntaxChecker(snapshot)
    if not change.gaps:
        return Refactored(change=change, results=(_checked(snapshot, change.source, checker),))
    assert filler is not None, "a change with holes needs a model"
    shown, gaps = _with_context(snapshot, change)
    options = replace(options, candidates=max(options.candidates, change.candidates))
    filled = pipeline.run(
        shown, gaps, filler, options,
        cancelled=cancelled, on_event=on_event, exclusions=exclusions, other_files=other_files, cells=cells,
    )  # fmt: skip
    results, objection = [], filled.reason
    for candidate in (*filled.fill.candidates, *filled.spare):
        try:
            result = filled_with(snapshot, change, candidate.texts, checker)
        except NothingFilled as broken:
            objection = objection or str(broken)
            continue
        results.append(replace(result, confidence=candidate.confidence))
    if (order := change.order) is not None:  # the sort is stable: the likelier of equals stays first
        results.sort(key=lambda result: order(result.texts))
    if change.confidences is not None:
        results = _weighed(results, change.confidences)
    if not results:
        raise NothingFilled(objection or "nothing that fits was found")
    return Refactored(change=change, results=tuple(_distinct(results)), filled=filled)


def filled_with(
    snapshot: Snapshot, change: Change, texts: tuple[str, ...], checker: SyntaxChecker | None = None
) -> RefactoringResult:
    """The change of `snapshot` with these texts in its holes. Raises NothingFilled if they will not do."""
    if found := _objection(change, texts):
        raise NothingFilled(found)
    edits = pipeline.edits_of(replace(snapshot, source=change.source), change.gaps, texts)
    source = apply(change.source, (*edits, *change.completion(texts)))
    return replace(_checked(snapshot, source, checker or SyntaxChecker(snapshot)), texts=texts)


def _distinct(results: list[RefactoringResult]) -> Iterator[RefactoringResult]:
    known: set[bytes] = set()
    for result in results:
        if result.source not in known:
            known.add(result.source)
            yield result


def _objection(change: Change, texts: tuple[str, ...]) -> str:
    """Why the texts will not do; holes that are tied have to say the same."""
    said: dict[str, str] = {}
    for gap, text in zip(change.gaps, texts, strict=True):
        if gap.hole.tie and said.setdefault(gap.hole.tie, text) != text:
            return "the model wrote different texts where one is meant: try another seed, or give a name"
    return change.objection(texts)


def _checked(snapshot: Snapshot, source: bytes, checker: SyntaxChecker) -> RefactoringResult:
    """The edits that make `source`. Raises NothingFilled if they bring a syntax error, or change nothing."""
    edits = edits_between(snapshot.source, source, version=snapshot.version)
    if not edits:
        raise NothingFilled("nothing to change: the file is as it would become")
    if not _sound(edits, checker):
        raise NothingFilled("nothing changed: the file would have a syntax error; this is a limit of the refactoring")
    return RefactoringResult(edits=edits, source=source)


def _sound(edits: Sequence[Edit], checker: SyntaxChecker) -> bool:
    """Whether the file parses with the edits, as far as it did before where they are."""
    if any(checker.broken_at(edit.region) for edit in edits):
        return True
    return not any(checker.python_errors(edits)) and checker.parses(edits) is not False


def _with_context(snapshot: Snapshot, change: Change) -> tuple[Snapshot, tuple[Gap, ...]]:
    """The changed file as the model sees it, and the gaps in it: with the lines of context that no user will see."""
    source, gaps = change.source, change.gaps
    if change.context:
        at = line_around(source, gaps[0].region.start if change.context_at is None else change.context_at).start
        lines = PlainText(change.context).rstrip("\n").encode("utf-8") + b"\n"
        source = source[:at] + lines + source[at:]
        gaps = tuple(_moved(gap, at, len(lines)) for gap in gaps)
    return replace(snapshot, source=source, tree=parse(source, snapshot.language)), gaps


def _moved(gap: Gap, at: int, by: int) -> Gap:
    region = gap.region
    return replace(gap, region=Region(region.start + by, region.end + by)) if region.start >= at else gap
