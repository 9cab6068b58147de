"""Examples: a prompt of suffix, prefix and hole, and canvases over its end and its middle, with noise.

A hole is cut from a document; the prompt is `<|fim_prefix|><|fim_suffix|>` suffix `<|fim_middle|>` prefix, and behind it
stand the hole and the end of text, padded. A canvas may begin at any token behind `<|fim_middle|>`: what follows there
is a hole as well, a long one whose end the canvas seldom reaches. So one context that was read serves many canvases,
and the left-to-right mode's own predictions of every canvas come with it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.lab.train.adapt.documents import CorpusDocuments

Ids = NDArray[np.int64]
FULLY_MASKED_SHARE = 0.25
"""This share of the canvases is all masks; of the others each masks a share of its own."""
FROM_LEFT_SHARE = 0.25
"""Of the other canvases this share is known from its beginning to some slot: where a fill stands that was verified so far."""
ENDING_SHARE = 0.5
"""At least this share of the canvases holds the end of its hole."""
SLACK_WEIGHT = 0.05
"""Weight in the loss of slots behind the end of a hole, which no fill shows."""
SUFFIX_CHARACTERS, PREFIX_CHARACTERS = 1200, 3000
LANGUAGE_SHARES: Mapping[str, float] = {
    "python": 0.40, "javascript": 0.09, "typescript": 0.09, "go": 0.07, "rust": 0.07, "c": 0.05, "cpp": 0.06, "java": 0.05,
    "csharp": 0.02, "ruby": 0.03, "php": 0.03, "shell": 0.01, "text": 0.03,
}  # fmt: skip


class Encoder(Protocol):
    """What is asked of a tokenizer."""

    def encode(self, text: str) -> Ids: ...


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes of a batch, which are always the same: contexts, tokens of each, canvases over each, rows of a canvas."""

    contexts: int = 2
    tokens: int = 448
    canvases: int = 20
    rows: int = 16


@dataclass(frozen=True, kw_only=True)
class Specials:
    """Ids of special tokens."""

    prefix: int
    suffix: int
    middle: int
    end: int

    @classmethod
    def of(cls, ids: Mapping[str, int]) -> Specials:
        """Those of a model's config. Raises KeyError where it lacks one."""
        return cls(prefix=ids["fim_prefix"], suffix=ids["fim_suffix"], middle=ids["fim_middle"], end=ids["endoftext"])


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """ids: int64 [B, T]. Of canvases: starts, lengths int64 [B, C]; inputs, targets int64 [B, C, L]; masked: bool
    [B, C, L], inputs that are masks; weights: float32 [B, C, L], of the targets, 0 where the target is known or padding.
    """

    ids: Tensor
    starts: Tensor
    lengths: Tensor
    inputs: Tensor
    masked: Tensor
    targets: Tensor
    weights: Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(**{name: tensor.to(device) for name, tensor in vars(self).items()})


class Examples:
    """Batches of a corpus without end, the same for the same seed; `batch(n)` is the n-th."""

    def __init__(
        self, documents: CorpusDocuments, encoder: Encoder, specials: Specials, shape: Shape, *, seed: int
    ) -> None:
        self._documents, self._encoder, self._specials, self.shape, self._seed = (
            documents,
            encoder,
            specials,
            shape,
            seed,
        )
        found = documents.by_language()
        self._languages = {name: found[name] for name in LANGUAGE_SHARES if name in found} or found
        self._shares = [LANGUAGE_SHARES.get(name, 1.0) for name in self._languages]

    def __iter__(self) -> Iterator[Batch]:
        n = 0
        while True:
            yield self.batch(n)
            n += 1

    def batch(self, n: int) -> Batch:
        rng = random.Random(f"{self._seed} {n}")
        rows = [self._example(rng) for _ in range(self.shape.contexts)]
        ids, starts, lengths, inputs, masked, targets, weights = map(np.stack, zip(*rows, strict=True))
        return Batch(
            ids=torch.from_numpy(ids),
            starts=torch.from_numpy(starts),
            lengths=torch.from_numpy(lengths),
            inputs=torch.from_numpy(inputs),
            masked=torch.from_numpy(masked),
            targets=torch.from_numpy(targets),
            weights=torch.from_numpy(weights),
        )

    def _example(self, rng: random.Random) -> tuple[NDArray[np.generic], ...]:
        sequence, first, end = self._sequence(rng)
        shape = self.shape
        starts = np.zeros(shape.canvases, np.int64)
        lengths = np.zeros(shape.canvases, np.int64)
        inputs, targets = (np.full((shape.canvases, shape.rows), self._specials.end, np.int64) for _ in range(2))
        masked = np.zeros((shape.canvases, shape.rows), bool)
        weights = np.zeros((shape.canvases, shape.rows), np.float32)
        for c in range(shape.canvases):
            length = shape.rows if rng.random() < 0.6 else rng.randint(min(4, shape.rows), shape.rows)
            reach = min(length - 1, end - first)
            start = end - rng.randint(0, reach) if rng.random() < ENDING_SHARE else rng.randint(first, end)
            known = min(length, end - start + 1)  # slots up to the end of the hole
            slots = sequence[start : start + known]
            targets[c, :known] = slots
            noise = _noise(rng, length, known)
            starts[c], lengths[c] = start - 1, length
            inputs[c, 0], inputs[c, 1:length] = sequence[start - 1], targets[c, : length - 1]
            masked[c, 1:length] = noise[:-1]
            weights[c, :length] = np.where(noise, np.where(np.arange(length) < known, 1.0, SLACK_WEIGHT), 0.0)
        return sequence, starts, lengths, inputs, masked, targets, weights

    def _sequence(self, rng: random.Random) -> tuple[Ids, int, int]:
        """A prompt with its hole, int64 [T]; the first place behind `<|fim_middle|>` and one token, and that of the hole's end."""
        s, tokens = self._specials, self.shape.tokens
        while True:
            (name,) = rng.choices(list(self._languages), self._shares)
            text = self._documents.text(int(rng.choice(self._languages[name])))
            cut = _cut(rng, text)
            if cut is None:
                continue
            before, after = text[max(0, cut - PREFIX_CHARACTERS) : cut], text[cut : cut + SUFFIX_CHARACTERS]
            suffix = self._encoder.encode(after)[: rng.randint(0, tokens // 3)]
            room = tokens - len(suffix) - 4
            prefix = self._encoder.encode(before)[-room:]
            if len(prefix) < min(16, room // 2):
                continue
            sequence = np.full(tokens, s.end, np.int64)
            head = [s.prefix, s.suffix, *suffix, s.middle]
            sequence[: len(head)] = head
            end = len(head) + len(prefix)
            sequence[len(head) : end] = prefix
            return sequence, len(head) + 1, end


def _cut(rng: random.Random, text: str) -> int | None:
    """Where the hole ends: the end of a line, behind it, or within a line before a bracket, a comma or a word."""
    for _ in range(8):
        at = rng.randrange(len(text))
        kind = rng.random()
        if kind < 0.75:
            at = text.find("\n", at)
            if at > 0:
                return at if kind < 0.5 else at + 1
        else:
            stops = [n for n in (text.find(c, at) for c in ")],: ;}\"'") if n > 0]
            if stops and min(stops) < at + 80:
                return min(stops)
    return None


def _noise(rng: random.Random, length: int, known: int) -> NDArray[np.bool_]:
    """Which slots are masks, at least one of them before the hole's end or at it; what lies behind it is always masked."""
    noise = np.ones(length, bool)
    kind = rng.random()
    if kind >= FULLY_MASKED_SHARE:
        if kind < FULLY_MASKED_SHARE + (1 - FULLY_MASKED_SHARE) * FROM_LEFT_SHARE:
            noise[: rng.randint(0, known - 1)] = False
        else:
            share = rng.random()
            noise[:known] = [rng.random() < share for _ in range(known)]
            noise[rng.randrange(known)] = True
    return noise
