"""A backend with hand-written predictions, and a tokenizer of one token per character."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.backend import CachedContext, Capabilities, Context, ModelSpec, Prediction
from model.canvas import Canvas

MASK, END, EXPAND, DELETE, FIRST = 0, 1, 2, 3, 16
TOP_K = 4
VOCAB = FIRST + 128
CAPABILITIES = {field.name for field in fields(Capabilities)}

Table = Mapping[int, float]
Script = Callable[[Canvas, int, int], Table]


def token(char: str) -> int:
    return FIRST + ord(char)


def ids_of(text: str) -> NDArray[np.int64]:
    return np.array([token(c) for c in text], dtype=np.int64)


class CharCodec:
    """One token per ASCII character; the end of an identifier is what a tokenizer would join."""

    vocab_size = VOCAB

    def encode(self, text: str, *, at_line_start: bool) -> NDArray[np.int64]:
        return ids_of(text)

    def decode(self, ids: NDArray[np.int64]) -> str:
        return "".join(self.token_bytes(int(i)).decode() for i in ids)

    def token_bytes(self, token: int) -> bytes:
        return chr(token - FIRST).encode() if token >= FIRST else b""

    def count(self, text: str) -> int:
        return len(text)

    def trailing_partial(self, text: str) -> str:
        found = re.search(r"[a-z_]+\Z", text)
        return found.group() if found else ""


def prediction(canvas: Canvas, script: Script, *, current: NDArray[np.float32] | None = None) -> Prediction:
    """`script(canvas, row, position)` gives {id: probability}; the rest goes to no token."""
    shape = canvas.ids.shape
    ids = np.zeros((*shape, TOP_K), dtype=np.int64)
    ids[:] = VOCAB - 1 - np.arange(TOP_K)
    probs = np.zeros((*shape, TOP_K), dtype=np.float32)
    entropy = np.zeros(shape, dtype=np.float32)
    for b, i in zip(*np.nonzero(canvas.used), strict=True):
        table = script(canvas, int(b), int(i))
        best = sorted(table.items(), key=lambda item: -item[1])[:TOP_K]
        for k, (token_id, p) in enumerate(best):
            ids[b, i, k], probs[b, i, k] = token_id, p
        entropy[b, i] = -sum(p * np.log(p) for p in table.values() if p > 0)
    zeros = np.zeros(shape, dtype=np.float32)
    return Prediction(ids=ids, probs=probs, entropy=entropy, current=zeros if current is None else current)


class Scripted:
    """Wants `targets[h]` in hole h, and the end of the hole behind it.

    `sure(hole, index)`: the probability it gives to what it wants at that place; the rest goes to "?". `unexpected`: that of
    any other token where it scores a text.
    Every forward pass is recorded: `denoised` and `scored` hold the canvases.
    """

    def __init__(
        self,
        targets: Sequence[str],
        *,
        sure: Callable[[int, int], float] = lambda hole, index: 0.95,
        unexpected: float = 1e-4,
        on_pass: Callable[[], None] = lambda: None,
        canvas_tokens: int = 128,
        end: int | None = END,
        **spec: Any,
    ) -> None:
        self.targets, self.sure, self.unexpected, self.on_pass = targets, sure, unexpected, on_pass
        able = {name: spec.pop(name) for name in CAPABILITIES & spec.keys()}
        self.spec = ModelSpec(
            mask_id=MASK,
            end_of_hole_id=end,
            vocab_size=VOCAB,
            context_tokens=2000,
            canvas_tokens=canvas_tokens,
            capabilities=Capabilities(**able),
            **spec,
        )
        self.contexts: list[Context] = []
        self.denoised: list[Canvas] = []
        self.scored: list[Canvas] = []

    def prefill(self, context: Context, *, reuse: CachedContext | None = None) -> Scripted:
        self.contexts.append(context)
        return self

    def table(self, canvas: Canvas, row: int, i: int) -> Table:
        hole = int(canvas.hole[row, i])
        index = i - int(np.flatnonzero(canvas.hole[row] == hole)[0])
        target = self.targets[hole]
        wanted = token(target[index]) if index < len(target) else END
        p = self.sure(hole, index)
        return {wanted: p, token("?"): 1 - p}

    def denoise(self, canvas: Canvas) -> Prediction:
        self.denoised.append(canvas)
        self.on_pass()
        return prediction(canvas, self.table)

    def score(self, canvas: Canvas, *, wanted: NDArray[np.bool_] | None = None) -> Prediction:
        assert self.spec.capabilities.scores
        self.scored.append(canvas)
        self.on_pass()
        current = np.zeros(canvas.ids.shape, dtype=np.float32)
        for b, i in zip(*np.nonzero(canvas.used), strict=True):
            table = self.table(canvas, int(b), int(i))
            current[b, i] = np.log(table.get(int(canvas.ids[b, i]), self.unexpected))
        return prediction(canvas, self.table, current=current)
