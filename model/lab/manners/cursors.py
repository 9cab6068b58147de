"""Cursors in code that the model has never seen, where something is missing and where nothing is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from model.lab.eval.cases import FILE_CHARACTERS, is_telling

CURSORS = ("rest missing", "line missing", "complete line", "new line")
NEEDLESS = CURSORS[2:]
WHOLE_LINES = ("line missing", "new line")


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """A cursor between `prefix` and `suffix`; `right`: what belongs there, "" for nothing."""

    kind: str
    prefix: str
    suffix: str
    right: str


def cursors(roots: Sequence[Path], *, each: int, seed: int) -> list[Cursor]:
    """`each` cursors of every kind, drawn over all Python files below the roots."""
    rng = random.Random(seed)
    texts = [p.read_text("utf-8", errors="ignore") for root in roots for p in sorted(root.rglob("*.py"))]
    texts = [t for t in texts if FILE_CHARACTERS[0] <= len(t) <= FILE_CHARACTERS[1] and "\r" not in t]
    if not texts:
        raise click.UsageError("no files: name a --source with Python files of 800 to 150,000 characters")
    return [_cursor(rng, texts, kind) for kind in CURSORS for _ in range(each)]


def _cursor(rng: random.Random, texts: Sequence[str], kind: str) -> Cursor:
    while True:
        lines = rng.choice(texts).split("\n")
        row = rng.randrange(len(lines) - 1)
        line = lines[row]
        if not is_telling(line):
            continue
        indent = len(line) - len(line.lstrip())
        above, below = "".join(f"{one}\n" for one in lines[:row]), "\n" + "\n".join(lines[row + 1 :])
        if kind == "rest missing":
            at = rng.randrange(indent + 1, len(line) - 1) if len(line) - indent > 3 else 0
            if not at or not line[at:].strip():
                continue
            return Cursor(kind=kind, prefix=above + line[:at], suffix=below, right=line[at:])
        if kind == "line missing":
            return Cursor(kind=kind, prefix=above + line[:indent], suffix=below, right=line[indent:])
        if kind == "complete line":
            return Cursor(kind=kind, prefix=above + line, suffix=below, right="")
        return Cursor(kind=kind, prefix=f"{above}{line}\n{line[:indent]}", suffix=below, right="")
