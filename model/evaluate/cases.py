"""Holes cut from Python files that the model has never seen, by kind, with a fixed seed."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
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
    and the folder that is taken for its workspace; None if there are none.
    """

    name: str
    kind: str
    prefix: str
    middle: str
    suffix: str
    check: str = ""
    path: Path | None = None
    root: Path | None = None


def is_telling(line: str) -> bool:
    """Not trivial: at least six characters besides blanks, some of them letters."""
    stripped = "".join(line.split())
    return len(stripped) >= 6 and any(c.isalpha() for c in stripped) and not stripped.startswith("#")


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
    cases = []
    for kind, wanted in per_kind.items():
        taken: set[tuple[Path, int]] = set()
        for _ in range(wanted * 20):
            if len(taken) == wanted or not files:
                break
            path, text = rng.choice(files)
            starts = [0, *(m.end() for m in re.finditer("\n", text))]
            line = rng.randrange(max(1, len(starts) - 1))
            if (
                line + 1 >= len(starts)
                or (path, line) in taken
                or not is_telling(text[starts[line] : starts[line + 1]])
            ):
                continue
            span = _spans(text, starts, line, kind, rng)
            if span is None or not text[span[0] : span[1]].strip():
                continue
            taken.add((path, line))
            name = f"{path.relative_to(root.parent)}:{line + 1}:{kind}"
            cases.append(
                Case(
                    name=name,
                    kind=kind,
                    prefix=text[: span[0]],
                    middle=text[span[0] : span[1]],
                    suffix=text[span[1] :],
                    path=path,
                    root=root,
                )
            )
    return cases


def cases_from(roots: Sequence[Path], *, total: int, kinds: Sequence[str], seed: int) -> list[Case]:
    """About `total` cases, the same number from every root and of every kind."""
    each = max(1, round(total / len(roots) / len(kinds)))
    return [c for root in roots for c in cut_cases(root, per_kind=dict.fromkeys(kinds, each), seed=seed)]
