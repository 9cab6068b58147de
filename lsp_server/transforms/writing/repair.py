"""Repair: what a diagnostic points at, or a syntax error, is opened again, more and more of it until the error is gone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from functools import partial

from lsp_server.code.syntax.faults import count_faults, doubles, fault_on, openings
from lsp_server.code.syntax.parse import parse
from lsp_server.code.text.positions import line_around
from lsp_server.transforms.refactoring import READ_FOR_A_TITLE_BYTES, Answers, Blank, Change, Refused, rewritten
from lsp_server.types import Region, Snapshot
from model.types import Hole

MESSAGE = "message"
"""The answer that holds what a diagnostic says; without it a syntax error is looked for."""
NATS_EACH, UNWRITTEN_CHARACTERS = 0.8, 6
"""A slip of one character more is so much less likely; so many make what the model did not write, on the whole."""
LEAST_CONFIDENCE, LEAST_OF_A_MESSAGE = 0.75, 0.1
"""Of the repair of a syntax error, and of what the model gives one that another tool asked for: no slip, as a rule."""
_SLIPS = (",", ":")
"""Where one stands twice without a blank, nothing is missing in between; a dot or a bracket may miss something."""
_LONGEST_MESSAGE = 160
_CANDIDATES = 6
_LEAST_UNWRITTEN = 0.01


class Repair:
    """See `Refactoring`. The answers: `message`, what another tool says of the region."""

    name = "repair"
    kind = "quickfix"

    def title(self, snapshot: Snapshot, region: Region) -> str | None:
        """What the menu says on a line with a syntax error."""
        if len(snapshot.source) > READ_FOR_A_TITLE_BYTES:
            return None
        fault = fault_on(snapshot, region)
        return f"Repair: {fault.message}" if fault is not None else None

    def change(self, snapshot: Snapshot, region: Region, *, answers: Answers) -> Change:
        """A hole over the token, and wider ones for when that does not do. Raises Refused."""
        message = " ".join(answers.get(MESSAGE, "").split())[:_LONGEST_MESSAGE]
        fault = fault_on(snapshot, region)
        if not message and fault is None:
            raise Refused(
                "no syntax error on these lines: put the cursor on the line with the error, or send what a diagnostic"
                " says (--message TEXT) with its range"
            )
        place, twice, slip = region, None, fault is not None and not message
        if fault is not None and slip:
            place, message = fault.region, fault.message
            twice = _twice_by_a_slip(snapshot, place)
            if twice is not None and (snapshot.text(twice) in _SLIPS or str(snapshot.text(twice)).isidentifier()):
                return rewritten(snapshot, [(twice, [""])], summary=f"repair: {message}")
        change: Change | None = None
        opens = list(openings(snapshot.source, place))
        if twice is not None:  # a sign too much, or something is missing beside it: the whole line tells
            line = snapshot.text(line_around(snapshot.source, place.start)).strip()
            opens = [opened for opened in opens if line in snapshot.text(opened)]
        for opened in reversed(opens):
            change = _opened(snapshot, opened, message, slip=slip, wider=change)
        if change is None:
            raise Refused("nothing stands there: send the range of the diagnostic")
        return change


def _twice_by_a_slip(snapshot: Snapshot, place: Region) -> Region | None:
    """What stands twice by a slip on the line of an error, if without it the file has none, and no other slip explains it.

    A model that fills the hole in its place never says that nothing belongs there.
    """
    found = dict[bytes, Region]()
    for twice in doubles(snapshot.source, place):
        source = snapshot.source[: twice.start] + snapshot.source[twice.end :]
        if source not in found and not count_faults(source, snapshot):
            found[source] = twice
    return next(iter(found.values())) if len(found) == 1 else None


def _opened(snapshot: Snapshot, opened: Region, message: str, *, slip: bool, wider: Change | None) -> Change:
    old = str(snapshot.text(opened))
    line = line_around(snapshot.source, opened.start)
    whole_line = not snapshot.source[line.start : opened.start].strip() and opened.end >= len(
        snapshot.source[: line.end].rstrip()
    )
    hole = Hole(max_lines=old.count("\n") + (2 if whole_line else 1))
    change = rewritten(snapshot, [(opened, [Blank(placeholder=old, hole=hole)])], summary=f"repair: {message}")
    comment = snapshot.language.line_comment or "//"
    indent = snapshot.source[line.start : line.end].decode("utf-8", "replace")
    indent = indent[: len(indent) - len(indent.lstrip())]
    said = [f"{comment} fix: {message}"]
    if whole_line:  # the model sees what is to be mended: within a line it would only say it again
        said += [f"{comment} was: {text.strip()}" for text in old.split("\n")]
    change = replace(
        change,
        context="".join(f"{indent}{text}\n" for text in said),
        context_at=opened.start,
        objection=_objection(snapshot, change, old),
        candidates=_CANDIDATES,
        wider=wider,
    )
    if slip:
        return replace(change, confidences=partial(_confidences, old), least_confidence=LEAST_CONFIDENCE)
    return replace(change, order=lambda texts: _changed(old, texts[0]), least_confidence=LEAST_OF_A_MESSAGE)


def _confidences(old: str, texts: Sequence[tuple[str, ...]], confidences: Sequence[float]) -> list[float]:
    """How likely each repair is, by Bayes' rule: what the model gives it, times how likely a slip of so many characters is.

    What the model gives none of them belongs to texts that it did not write: further away, as a rule.
    """
    weights = [
        confidence * math.exp(-NATS_EACH * _changed(old, text))
        for (text, *_), confidence in zip(texts, confidences, strict=True)
    ]
    unwritten = max(1 - sum(confidences), _LEAST_UNWRITTEN) * math.exp(-NATS_EACH * UNWRITTEN_CHARACTERS)
    return [weight / (sum(weights) + unwritten) for weight in weights]


def _changed(old: str, new: str) -> int:
    """How many characters are put in or taken out."""
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return sum((b - a) + (d - c) for kind, a, b, c, d in steps if kind != "equal")


def _objection(snapshot: Snapshot, change: Change, old: str) -> Callable[[tuple[str, ...]], str]:
    (gap,) = change.gaps
    before = count_faults(snapshot.source, snapshot)

    def objection(texts: tuple[str, ...]) -> str:
        if texts[0].strip() == old.strip():
            return "nothing repaired: the model would leave what stands there"
        if (comment := snapshot.language.line_comment) and texts[0].count(comment) > old.count(comment):
            return "nothing repaired: the model would make a comment of what stands there"
        source = change.source[: gap.region.start] + texts[0].encode() + change.source[gap.region.end :]
        after = count_faults(source, snapshot)
        if after and (after >= before or _still_broken(snapshot, source, gap.region.start, len(texts[0].encode()))):
            return "nothing repaired: with every text that was found the file has as many errors; correct it by hand"
        return ""

    return objection


def _still_broken(snapshot: Snapshot, source: bytes, start: int, length: int) -> bool:
    """Whether the lines of the hole have an error in the repaired `source`: then it is another one, and none is gone."""
    repaired = replace(snapshot, source=source, tree=parse(source, snapshot.language))
    return fault_on(repaired, Region(start, start + length)) is not None
