"""What a filler is shown of a file: the text around the gaps that fits its context. It can be read before a fill is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from lsp_server.code.cut import cut
from lsp_server.documents.notebooks import with_cells
from lsp_server.types import Cells, Gap, Snapshot
from lsp_server.workspace.exclusions import Exclusions
from model.types import Cancelled, Filler, ReadsContext, Template

_DRAFT_SOURCE_CHARS = 100_000
"""Drafts are looked for in so much of the file on each side of the cut, so that a huge file costs no more."""


def window(
    snapshot: Snapshot, gaps: Sequence[Gap], filler: Filler, cells: Cells | None, *, share: int = 1
) -> tuple[Template, tuple[str, ...]]:
    """(what the filler sees, in a `share`-th of its context; the text around that is left out)."""
    budget_tokens = filler.info.context_tokens // share
    template = cut(snapshot, gaps, budget_tokens=budget_tokens, count_tokens=filler.count_tokens)
    left_out = _left_out(snapshot, gaps, template)
    if cells is None:
        return template, left_out
    template, beyond = with_cells(template, cells, budget_tokens=budget_tokens, count_tokens=filler.count_tokens)
    return template, (*left_out, *beyond)


def read_ahead(
    snapshot: Snapshot, gap: Gap, filler: Filler, *, stop: Cancelled, exclusions: Exclusions, cells: Cells | None = None
) -> bool:
    """Have the filler read what it will be shown for `gap`, until `stop` says so. True when nothing is left to read.

    Raises Excluded when no model may see the file.
    """
    if not filler.info.reads_ahead or not isinstance(filler, ReadsContext):
        return True
    exclusions.check(snapshot.uri)
    if cells is not None:
        exclusions.check(cells.notebook)
    if stop():
        return False
    template, _ = window(snapshot, (gap,), filler, cells)
    return filler.read_ahead(template, stop=stop)


def _left_out(snapshot: Snapshot, gaps: Sequence[Gap], template: Template) -> tuple[str, ...]:
    """The file's text around the gaps (never what stands in them) when the cut left some of it out.

    It costs no context: drafts are looked for in it.
    """
    pieces = snapshot.around([gap.region for gap in gaps])
    if sum(map(len, pieces)) <= sum(map(len, template.pieces)):
        return ()
    first, *between, last = pieces
    return (first[-_DRAFT_SOURCE_CHARS:], last[:_DRAFT_SOURCE_CHARS], *(p[-_DRAFT_SOURCE_CHARS:] for p in between))
