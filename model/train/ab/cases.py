"""Held-out holes of the comparison: whole lines and spans between any two characters, as text, the same for all arms."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from model.errors import BadRequest
from model.tokenizer import END_ID, START_ID, Tokenizer
from model.train.ab.arm import HoleRows
from model.train.tokens import Tokens

CONTENT_TOKENS = 31
"""The longest content judged; an end of hole closes the canvas of 32."""
DRAWN_TOKENS = 28
"""A little less under the tokenizer that the holes are drawn with: they must fit under the others too."""
_BEFORE, _AFTER, _LONGEST = 2000, 1500, 100


@dataclass(frozen=True, kw_only=True)
class Case:
    """A hole: characters before, in and after it. `kind`: line or span."""

    before: str
    content: str
    after: str
    kind: str


def texts_of(tokens: Tokens, tokenizer: Tokenizer) -> list[str]:
    """The files of a tokenised corpus."""
    inner = ((int(a), int(b)) for a, b in zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True))
    return [tokenizer.decode(tokens.ids[a:b].astype(np.int64)) for a, b in inner]


def draw(texts: Sequence[str], count: int, tokenizer: Tokenizer, *, seed: int) -> list[Case]:
    """`count` cases, half lines and half spans, files drawn by length; each fits the canvas with room to spare.

    Raises BadRequest if the texts have not so many holes.
    """
    rng = random.Random(seed)
    weights = [len(text) for text in texts]
    cases: list[Case] = []
    for _ in range(200 * count):
        text = rng.choices(texts, weights)[0] if texts else ""
        case = _drawn(text, ("line", "span")[len(cases) % 2], rng) if text else None
        if case is not None and len(pieces(case, tokenizer)[1]) <= DRAWN_TOKENS:
            cases.append(case)
        if len(cases) == count:
            return cases
    raise BadRequest(f"the held-out texts yield {len(cases)} holes, not {count}: ask for fewer --cases")


def _drawn(text: str, kind: str, rng: random.Random) -> Case | None:
    at = rng.randrange(len(text))
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    if start == 0 or end < 0:
        return None
    if kind == "span":
        start = at
        end = min(end, start + 1 + int(rng.expovariate(1 / 12)))
    content = text[start:end]
    if not content.strip() or len(content) > _LONGEST:
        return None
    first = max(0, start - _BEFORE)
    if first:
        first = text.find("\n", first, start) + 1 or first
    return Case(before=text[first:start], content=content, after=text[end : end + _AFTER], kind=kind)


def pieces(case: Case, tokenizer: Tokenizer) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids of what stands before, in and after the hole, tokenised apart as the engine does."""
    before = tokenizer.encode(case.before, at_line_start=True)
    content = tokenizer.encode(case.content, at_line_start=case.before.endswith("\n"))
    return before, content, tokenizer.encode(case.after, at_line_start=case.content.endswith("\n"))


def rows_of(cases: Sequence[Case], tokenizer: Tokenizer, *, window: int) -> HoleRows:
    """The holes at five eighths of windows of `window` tokens; short texts are filled up as in training."""
    left = window * 5 // 8
    rows, lengths = [], []
    for case in cases:
        before, content, after = pieces(case, tokenizer)
        row = np.full(window, END_ID, dtype=np.int64)
        row[:left] = START_ID
        row[left - min(left, len(before)) : left] = before[-left:]
        rest = np.concatenate([content, after])[: window - left]
        row[left : left + len(rest)] = rest
        rows.append(row)
        lengths.append(len(content))
    return HoleRows(ids=torch.from_numpy(np.stack(rows)), length=torch.tensor(lengths), left=left)


def save(cases: Sequence[Case], path: Path) -> None:
    """One line of JSON each."""
    path.write_text("".join(json.dumps(asdict(case)) + "\n" for case in cases), "utf-8")


def load(path: Path) -> list[Case]:
    """What `save` wrote."""
    return [Case(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]
