"""TuneExamples of writing into holes: a prompt of suffix, prefix and hole, and rows that write parts of it from left to right.

The prompt is the built-in model's own (`model.backends.builtin.prompt`), and behind it stands the hole, tokenised together
with what stands before it: so a hole begins with a whole token, as token healing makes it. Several holes that end at the
same place share the prompt, hence the reading of it: a whole line, the rest of that line, the last lines. What room is left
goes to other pieces of the prefix, which are holes as well, long ones whose end is not reached.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.lab.train.adapt.examples import Specials

Ids = NDArray[np.int64]
PREFIX_CHARACTERS, SUFFIX_CHARACTERS = 4000, 1500
ARGUMENT_SHARE = 0.2
"""This share of the prompts ends with an argument of a call, the others at the end of a line."""
LONGEST_HOLE, PIECE = 96, 48
"""Tokens of a hole at most, and of a piece of the prefix."""
_WORD = re.compile(r"\w+|[^\w\s]")
_ARGUMENT = re.compile(r"(?<=[(,])[ ]*([^(),\n]{2,40})(?=[,)])")
_MOST_LINES = 6


class TuneEncoder(Protocol):
    """What is asked of a tokenizer."""

    def encode(self, text: str) -> Ids: ...

    def token_bytes(self, token: int) -> bytes: ...


@dataclass(frozen=True, kw_only=True)
class TuneShape:
    """Sizes of a batch, which are always the same: tokens of the prompt with its hole, and rows that write."""

    tokens: int = 640
    rows: int = 448


@dataclass(frozen=True, kw_only=True, eq=False)
class TuneBatch:
    """One prompt and its rows. ids: int64 [1, T]. inputs, targets, holes, starts, positions: int64 [1, R], see
    `AdaptedDecoder.written`. counted, ended: bool [R], rows that are no padding, and those of holes whose end is there.
    """

    ids: Tensor
    inputs: Tensor
    targets: Tensor
    holes: Tensor
    starts: Tensor
    positions: Tensor
    counted: Tensor
    ended: Tensor

    def to(self, device: torch.device) -> TuneBatch:
        return TuneBatch(**{name: tensor.to(device) for name, tensor in vars(self).items()})


class TuneExamples:
    """Batches of some texts without end, the same for the same seed; `batch(n)` is the n-th. Texts count by their length."""

    def __init__(
        self, texts: Sequence[str], encoder: TuneEncoder, specials: Specials, shape: TuneShape, *, seed: int
    ) -> None:
        self._texts, self._encoder, self._specials, self._shape, self._seed = texts, encoder, specials, shape, seed
        self._until = list(accumulate(map(len, texts)))

    def batch(self, n: int) -> TuneBatch:
        rng = random.Random(f"{self._seed} {n}")
        while True:
            (text,) = rng.choices(self._texts, cum_weights=self._until)
            starts, end = _cut(rng, text)
            sequence, first, places = self._sequence(text, starts, end)
            if len(places) > 1:
                return self._rows(rng, sequence, first, places)

    def _sequence(self, text: str, starts: Sequence[int], end: int) -> tuple[Ids, int, list[int]]:
        """The prompt with its hole, int64 [≤ T]; where its prefix begins; where the holes begin, the end of all last."""
        s, tokens = self._specials, self._shape.tokens
        begin = max(0, end - PREFIX_CHARACTERS)
        suffix = self._encoder.encode(text[end : end + SUFFIX_CHARACTERS])
        written = self._encoder.encode(text[begin:end])
        after = min(len(suffix), max(tokens // 3, tokens - len(written) - 4))
        head = [s.prefix, s.suffix, *suffix[:after].tolist(), s.middle]
        kept = written[-(tokens - len(head) - 1) :]
        left_off = len(written) - len(kept)
        ends = np.cumsum([len(self._encoder.token_bytes(int(token))) for token in written])
        # The token that holds a hole's first character is the hole's: before it the prompt has whole tokens.
        at = [int(np.searchsorted(ends, len(text[begin:start].encode()), side="right")) for start in starts]
        places = sorted({len(head) + token - left_off for token in at if token > left_off})
        sequence = np.array([*head, *kept, s.end], dtype=np.int64)
        return sequence, len(head), [place for place in places if place < len(sequence) - 1] + [len(sequence) - 1]

    def _rows(self, rng: random.Random, sequence: Ids, first: int, places: list[int]) -> TuneBatch:
        rows, end = self._shape.rows, places[-1]
        spans, room = list[tuple[int, int]](), rows
        for start in rng.sample(places[:-1], len(places) - 1):
            length = end + 1 - start
            if length <= min(LONGEST_HOLE, room):
                spans.append((start, end + 1))
                room -= length
        pieces = [(start, min(start + PIECE, end)) for start in range(first + 1, end, PIECE)]
        rng.shuffle(pieces)
        made = {name: np.full(rows, self._specials.end, np.int64) for name in ("inputs", "targets")}
        made |= {name: np.zeros(rows, np.int64) for name in ("starts", "positions")}
        holes, ended, at = np.full(rows, -1, np.int64), np.zeros(rows, bool), 0
        for hole, (start, stop) in enumerate([*spans, *pieces]):
            count = min(stop - start, rows - at)
            here = slice(at, at + count)
            made["inputs"][here] = sequence[start - 1 : start - 1 + count]
            made["targets"][here] = sequence[start : start + count]
            made["starts"][here] = start - 1
            made["positions"][here] = np.arange(start - 1, start - 1 + count)
            holes[here], ended[here] = hole, hole < len(spans)
            at += count
        ids = np.full((1, self._shape.tokens), self._specials.end, np.int64)
        ids[0, : len(sequence)] = sequence
        of_rows = {name: torch.from_numpy(part[None]) for name, part in {**made, "holes": holes}.items()}
        counted = torch.from_numpy(holes >= 0)
        return TuneBatch(ids=torch.from_numpy(ids), counted=counted, ended=torch.from_numpy(ended), **of_rows)


def _cut(rng: random.Random, text: str) -> tuple[list[int], int]:
    """Where holes begin that users leave, and where all of them end, in characters."""
    begin = text.rfind("\n", 0, rng.randrange(len(text))) + 1
    end = text.find("\n", begin)
    end = len(text) if end < 0 else end
    arguments = [m.span(1) for m in _ARGUMENT.finditer(text, begin, end)]
    if arguments and rng.random() < ARGUMENT_SHARE:
        start, end = rng.choice(arguments)
        return [start], end
    inside = [m.start() for m in _WORD.finditer(text, begin, end)]
    lines = begin
    for _ in range(rng.randint(1, _MOST_LINES - 1)):
        lines = text.rfind("\n", 0, max(0, lines - 1)) + 1
    return [lines, begin, *rng.sample(inside, min(2, len(inside)))], end
