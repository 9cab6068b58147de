"""One hole of a file, filled as an editor or the command line would have it: for `dlm-fill eval --system served`."""

from __future__ import annotations

from dataclasses import replace

from lsp_server import pipeline
from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import parse
from lsp_server.code.text.positions import LineIndex
from lsp_server.suggestions.question import Question
from lsp_server.suggestions.suggestion import shown_to, suggestions_of
from lsp_server.transforms.complete import complete
from lsp_server.types import Gap, Region, Snapshot
from model.types import Fill, Filler, FillOptions, Hole

STRENGTH = 0.4  # as the code action has it


def serve(filler: Filler, prefix: str, suffix: str, hole: Hole, *, language: str = "python") -> Fill:
    """The fill of the hole between `prefix` and `suffix`: context cut by syntax, texts tidied, what parses first."""
    snapshot, at = _snapshot(prefix, "", suffix, language=language)
    gap = Gap(region=Region(at, at), hole=hole)
    return pipeline.run(snapshot, (gap,), filler, FillOptions(), cancelled=lambda: False).fill


def suggestion(filler: Filler, prefix: str, suffix: str) -> tuple[str, float, float] | None:
    """(text, confidence, how likely it is that nothing belongs there) of what who just types would be shown, were there
    no threshold; None where nothing is.
    """
    snapshot, at = _snapshot(prefix, "", suffix)
    gap = complete(snapshot, at)
    options = FillOptions(mend="searching", may_stay_empty=True)
    filled = pipeline.run(snapshot, (gap,), filler, options, cancelled=lambda: False)
    nothing = filled.fill.nothing or 0.0
    filled = replace(filled, fill=replace(filled.fill, nothing=None))
    question = Question(now=snapshot, index=LineIndex(snapshot.source), snapshot=snapshot, gap=gap)
    made, _ = suggestions_of(question, filled)
    shown = shown_to(made, automatic=True, most=1)
    return (shown[0].text, shown[0].confidence, nothing) if shown else None


def rewritten(filler: Filler, prefix: str, old: str, suffix: str) -> tuple[str, bool | None]:
    """(what stands there after "Rewrite what looks wrong", whether the file parses with it)."""
    snapshot, at = _snapshot(prefix, old, suffix)
    hole = Hole(old_text=old, max_lines=1, strength=STRENGTH)
    gap = Gap(region=Region(at, at + len(old.encode())), hole=hole)
    filled = pipeline.run(snapshot, (gap,), filler, FillOptions(), cancelled=lambda: False)
    if not filled.edits:
        return old, True
    best = filled.fill.candidates[0]
    return best.texts[0], best.parses


def _snapshot(prefix: str, old: str, suffix: str, *, language: str = "python") -> tuple[Snapshot, int]:
    source, at = (prefix + old + suffix).encode(), len(prefix.encode())
    known = by_name(language)
    tree = parse(source, known)
    return Snapshot(uri="held_out", version=None, source=source, language=known, tree=tree), at
