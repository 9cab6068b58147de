"""`dlm-fill refactor suspicious FILE:A-B`: the words of some lines that the model finds improbable, as lines or JSON."""

from __future__ import annotations

import json
import time
from pathlib import Path

from lsp_server.cli.output import output, terminal
from lsp_server.cli.refactoring.run import NOTHING_FOUND, REFACTORED, RefactoringWish, TargetPlace, opened, place_of
from lsp_server.cli.targets import files
from lsp_server.cli.targets.ranges import counted_from_1
from lsp_server.code.text.positions import LineIndex
from lsp_server.errors import InputError
from lsp_server.transforms.suspicious.suspicions import NAME, Suspicion, check, chunks, suspicions_in
from lsp_server.workspace.exclusions import Exclusions
from model.types import Filler


def suspicious(wish: RefactoringWish) -> int:
    """Print what is suspicious at the target; the exit code: 1 if nothing is.

    Raises InputError and model.errors.ModelError for what cannot be done.
    """
    if wish.write:
        raise InputError("suspicious words are told, not changed: leave out --write, and look at each")
    place = place_of(wish.target)
    check(place.snapshot)
    if place.file.path is not None:
        Exclusions().check(Path(place.file.name).absolute())
    screen = terminal.screen(silent=wish.json)
    filler = opened(wish, screen)
    with screen.waiting("asking the model …"):
        found, whole = _found(place, filler, wish.options.budget.max_time_s)
    if wish.json:
        output.put(_as_json(place, found))
    else:
        for one in found:
            output.put(_line(place, one))
    if not whole:
        output.note(
            f"{files.shown(place.file.name)}: time ran out before all lines had been looked at: allow more time"
        )
    elif not found:
        output.note(f"{files.shown(place.file.name)}: nothing suspicious was found")
    return REFACTORED if found else NOTHING_FOUND


def _found(place: TargetPlace, filler: Filler, max_time_s: float | None) -> tuple[list[Suspicion], bool]:
    """(what was found, whether there was time for all of it)."""
    until = None if max_time_s is None else time.monotonic() + max_time_s

    def over() -> bool:
        return until is not None and time.monotonic() >= until

    found = list[Suspicion]()
    for chunk in chunks(place.snapshot, place.region, filler):
        told = suspicions_in(place.snapshot, chunk, filler, cancelled=over)
        if told is None:
            return found, False
        found += told
    start, end = place.region.start, max(place.region.end, place.region.start + 1)
    return [one for one in found if one.region.start < end and start < one.region.end], True


def _line(place: TargetPlace, one: Suspicion) -> str:
    start = counted_from_1(LineIndex(place.snapshot.source), one.region)["start"]
    return f"{files.shown(place.file.name)}:{start[0]}:{start[1]}: {one.text} -> {one.instead}  ({one.nats:.1f} nats)\n"


def _as_json(place: TargetPlace, found: list[Suspicion]) -> str:
    index = LineIndex(place.snapshot.source)
    entries = [
        {
            "range": counted_from_1(index, one.region),
            "text": one.text,
            "instead": one.instead,
            "nats": round(one.nats, 2),
            "probability": round(one.probability, 6),
        }
        for one in found
    ]
    report = {"refactoring": NAME, "file": place.file.name, "suspicions": entries}
    return json.dumps(report, ensure_ascii=False) + "\n"
