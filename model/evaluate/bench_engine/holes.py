"""Holes of about so many tokens, whole lines cut from held-out files, with so much context around them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from model.evaluate.cases import Case, is_telling

SHORTEST = 0.85
"""Of the wanted length: the lines of a file seldom add up to exactly so many tokens."""
LONGEST_FILE_CHARACTERS = 150_000
BEFORE = 0.6
"""Share of the context that stands before the hole."""
Count = Callable[[str], int]


def holes_of(
    roots: Sequence[Path], *, tokens: int, context_tokens: int, count: int, token_count: Count, seed: int
) -> list[Case]:
    """`count` cases (fewer if there are none left), of which `prefix` and `suffix` are the context alone."""
    rng = random.Random(f"{seed}/{tokens}")
    files = [p for root in roots for p in sorted(root.rglob("*.py")) if p.stat().st_size <= LONGEST_FILE_CHARACTERS]
    cases: dict[str, Case] = {}
    for _ in range(count * 60):
        if len(cases) == count or not files:
            break
        path = rng.choice(files)
        lines = path.read_text("utf-8", errors="ignore").splitlines(keepends=True)
        case = _case(path, lines, rng.randrange(max(1, len(lines))), tokens, context_tokens, token_count)
        if case is not None:
            cases.setdefault(case.name, case)
    return list(cases.values())


def _case(path: Path, lines: list[str], start: int, tokens: int, context_tokens: int, count: Count) -> Case | None:
    end, size = start, 0
    while end < len(lines) and size < tokens:
        size += count(lines[end])
        end += 1
    middle = "".join(lines[start:end]).removesuffix("\n")
    if not SHORTEST * tokens <= count(middle) <= tokens or not is_telling(lines[start]):
        return None
    before = last_lines(lines[:start], round(BEFORE * context_tokens), count)
    after = first_lines(lines[end:], context_tokens - sum(map(count, before)), count)
    if sum(map(count, [*before, *after])) < SHORTEST * context_tokens:
        return None
    prefix, suffix = "".join(before), "\n" + "".join(after)
    return Case(name=f"{path.name}:{start + 1}-{end}", kind="lines", prefix=prefix, middle=middle, suffix=suffix)


def last_lines(lines: Sequence[str], tokens: int, count: Count) -> list[str]:
    """The last lines that take at most `tokens` tokens together."""
    return first_lines(lines[::-1], tokens, count)[::-1]


def first_lines(lines: Sequence[str], tokens: int, count: Count) -> list[str]:
    """The first lines that take at most `tokens` tokens together."""
    size = 0
    for n, line in enumerate(lines):
        size += count(line)
        if size > tokens:
            return list(lines[:n])
    return list(lines)
