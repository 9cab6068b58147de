"""Holes cut from files that the model has never seen, by kind, with a fixed seed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

KINDS = ("line", "rest", "identifier", "argument", "lines")
_WORD = re.compile(r"[A-Za-z_]\w{3,}")
_ARGUMENT = re.compile(r"(?<=[(,] )?(?<=[(,])\s*([^(),\n]{2,40})(?=[,)])")
FILE_CHARACTERS = (800, 150_000)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file with a hole: `prefix + middle + suffix` is the file. `name` is stable over runs.

    `check` is code that fails, run behind the filled file, if the fill does not work; "" if there is none.
    To judge a fill of a case with a check is to run what the model wrote. path, root: the file that it was cut from,
    and the folder that is taken for its workspace; None if there are none. language: by its LSP name.
    """

    name: str
    kind: str
    prefix: str
    middle: str
    suffix: str
    check: str = ""
    path: Path | None = None
    root: Path | None = None
    language: str = "python"


def is_telling(line: str, *, comments: tuple[str, ...] = ("#",)) -> bool:
    """Not trivial: at least six characters besides blanks, some of them letters; `comments`: how comments begin."""
    stripped = "".join(line.split())
    return len(stripped) >= 6 and any(c.isalpha() for c in stripped) and not stripped.startswith(comments)


def _spans(text: str, starts: list[int], line: int, kind: str, rng: random.Random) -> tuple[int, int] | None:
    """Start and end offset of one hole of `kind` at a line; None if the line offers none."""
    start, end = starts[line], starts[line + 1] - 1
    words = list(_WORD.finditer(text, start, end))
    if kind == "line":
        return start, end
    if kind == "rest":
        indent = len(text[start:end]) - len(text[start:end].lstrip())
        cuts = [m.end() for m in re.finditer(r"\w+|[^\w\s]", text[start + indent : end])][:-1]
        return (start + indent + rng.choice(cuts), end) if cuts else None
    if kind == "identifier":
        word = rng.choice(words) if words else None
        return (word.start() + rng.randint(1, len(word.group()) - 2), end) if word else None
    if kind == "argument":
        found = [m.span(1) for m in _ARGUMENT.finditer(text, start, end)]
        return rng.choice(found) if found else None
    last = min(line + rng.randint(1, 4), len(starts) - 2)
    return start, starts[last + 1] - 1


def cut_cases(root: Path, *, per_kind: dict[str, int], seed: int) -> list[Case]:
    """`per_kind` holes of each kind, drawn over all Python files below `root`; fewer if there are none left."""
    rng = random.Random(seed)
    texts = [(p, p.read_text("utf-8", errors="ignore")) for p in sorted(root.rglob("*.py"))]
    files = [(p, t) for p, t in texts if FILE_CHARACTERS[0] <= len(t) <= FILE_CHARACTERS[1] and "\r" not in t]
    return [
        Case(
            name=f"{files[at][0].relative_to(root.parent)}:{line + 1}:{kind}",
            kind=kind,
            prefix=files[at][1][:start],
            middle=files[at][1][start:end],
            suffix=files[at][1][end:],
            path=files[at][0],
            root=root,
        )
        for at, line, kind, (start, end) in holes([text for _, text in files], per_kind=per_kind, rng=rng)
    ]


def holes(
    texts: Sequence[str], *, per_kind: dict[str, int], rng: random.Random, comments: tuple[str, ...] = ("#",)
) -> Iterator[tuple[int, int, str, tuple[int, int]]]:
    """(which text, which line from 0, kind, start and end offset) of each hole: so many of each kind, or fewer."""
    for kind, wanted in per_kind.items():
        taken: set[tuple[int, int]] = set()
        for _ in range(wanted * 20):
            if len(taken) == wanted or not texts:
                break
            at = rng.choice(range(len(texts)))
            text = texts[at]
            starts = [0, *(m.end() for m in re.finditer("\n", text))]
            line = rng.randrange(max(1, len(starts) - 1))
            if line + 1 >= len(starts) or (at, line) in taken:
                continue
            if not is_telling(text[starts[line] : starts[line + 1]], comments=comments):
                continue
            span = _spans(text, starts, line, kind, rng)
            if span is None or not text[span[0] : span[1]].strip():
                continue
            taken.add((at, line))
            yield at, line, kind, span


def cases_from(roots: Sequence[Path], *, total: int, kinds: Sequence[str], seed: int) -> list[Case]:
    """About `total` cases, the same number from every root and of every kind."""
    each = max(1, round(total / len(roots) / len(kinds)))
    return [c for root in roots for c in cut_cases(root, per_kind=dict.fromkeys(kinds, each), seed=seed)]
