"""`dlm-fill eval refactor --model NAME --transform suspicious`: damaged words that are found, and sound ones that are told."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsp_server.bench.filled.cases import File, Function, drawn, files, snapshot_of
from lsp_server.bench.filled.damage import Damage, damage
from lsp_server.bench.filled.times import CaseTimes
from lsp_server.transforms.suspicious.suspicions import NAME, Suspicion, chunks, suspicions_in
from lsp_server.types import Region
from model.types import Filler

MOST_LINES = 40
"""Functions of more lines are left out."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What was told of a function before and after one of its words was damaged."""

    damage: Damage
    lines: int
    sound: tuple[Suspicion, ...]
    damaged: tuple[Suspicion, ...]

    @property
    def hit(self) -> Suspicion | None:
        """The suspicion that touches the damaged word."""
        return next(
            (s for s in self.damaged if s.region.start < self.damage.end and self.damage.start < s.region.end), None
        )

    @property
    def exactly(self) -> bool:
        """Whether the damaged word's alternative makes the file what it was."""
        hit = self.hit
        if hit is None:
            return False
        data = self.damage.source.encode()
        after = data[: hit.region.start] + hit.instead.encode() + data[hit.region.end :]
        place = self.damage
        return after == data[: place.start] + place.right.encode() + data[place.end :]


def measured(
    filler: Filler,
    roots: Sequence[Path],
    *,
    cases: int,
    seed: int,
    max_time_s: float | None,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Recall by kind of damage, precision, and how much is told of sound code; times of a function in milliseconds."""
    rng, looked, times = random.Random(seed), list[Looked](), CaseTimes()
    for file, function in drawn(files(roots, rng), rng):
        if len(looked) == cases:
            break
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        done = damage(file, function, rng) if lines <= MOST_LINES else None
        if done is None:
            continue
        with times.measured():
            sound = _told(file, file.text, function, filler, max_time_s)
        one = Looked(
            damage=done, lines=lines, sound=sound, damaged=_told(file, done.source, function, filler, max_time_s)
        )
        looked.append(one)
        hit = one.hit
        told = {
            "case": f"{file.path.name}:{function.name}", "kind": done.kind, "right": done.right, "damaged": done.text,
            "found": hit.instead if hit else None, "nats": round(hit.nats, 1) if hit else None, "exactly": one.exactly,
            "others": [_brief(s) for s in one.damaged if s is not hit], "sound": [_brief(s) for s in sound], "ms": round(times.ms[-1]),
        }  # fmt: skip
        say(f"{NAME} {len(looked)}/{cases} {json.dumps(told)}")
    return figures(looked, times)


def _brief(one: Suspicion) -> tuple[str, str, float]:
    return one.text, one.instead, round(one.nats, 1)


def figures(looked: Sequence[Looked], times: CaseTimes) -> dict[str, Any]:
    """The report. precision: of all that is told of functions with one damaged word, the share that is that word."""
    hits, told = sum(one.hit is not None for one in looked), sum(len(one.damaged) for one in looked)
    lines, falsely = sum(one.lines for one in looked), sum(len(one.sound) for one in looked)
    kinds = Counter(one.damage.kind for one in looked)
    found = Counter(one.damage.kind for one in looked if one.hit is not None)
    return {
        "transform": NAME,
        "cases": len(looked),
        "recall": round(hits / len(looked), 3) if looked else None,
        "exactly": round(sum(one.exactly for one in looked) / len(looked), 3) if looked else None,
        "precision": round(hits / told, 3) if told else None,
        "told of sound code": falsely,
        "sound lines": lines,
        "per 100 sound lines": round(100 * falsely / lines, 2) if lines else None,
        "recall by kind": {kind: f"{found[kind]}/{of}" for kind, of in sorted(kinds.items())},
        **times.figures(),
    }


def _told(
    file: File, source: str, function: Function, filler: Filler, max_time_s: float | None
) -> tuple[Suspicion, ...]:
    """What is told of the function; nothing more of it when time is up."""
    snapshot = snapshot_of(source, file.path)
    until = None if max_time_s is None else time.monotonic() + max_time_s
    region = Region(file.offset(function.lineno, 0), file.offset(function.end_lineno or function.lineno, 0))
    found = list[Suspicion]()
    for chunk in chunks(snapshot, region, filler):
        told = suspicions_in(snapshot, chunk, filler, cancelled=lambda: until is not None and time.monotonic() >= until)
        found += told or ()
    return tuple(found)
