"""The judgement: cross-entropy of held-out contents under the same masks for all arms, and exact match."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.tokenizer import MASK_ID, RESERVED_TOKENS, Tokenizer
from model.train.ab.arm import Arm, HoleRows
from model.train.ab.cases import CONTENT_TOKENS, Case, pieces, rows_of

LEVELS = (0.25, 0.75)
"""Shares of the content that are masked; the mean over them bounds the content's likelihood (its ELBO)."""
BATCH = 16
THRESHOLD = 0.9


@dataclass(frozen=True, kw_only=True)
class Nats:
    """Of each case: tokens and characters, and -log p of all its tokens as masked (mean over levels) and fully masked."""

    tokens: np.ndarray
    characters: np.ndarray
    noised: np.ndarray
    blank: np.ndarray

    def summary(self, chosen: np.ndarray) -> dict[str, float]:
        """Nats per token and bits per character over the `chosen` cases (bool)."""
        tokens, characters = float(self.tokens[chosen].sum()), float(self.characters[chosen].sum())
        result = {}
        for name in ("noised", "blank"):
            nats = float(getattr(self, name)[chosen].sum())
            result[f"{name}_nats"] = round(nats / tokens, 4)
            result[f"{name}_bits"] = round(nats / math.log(2) / characters, 4)
        return result


def _batches(cases: Sequence[Case], tokenizer: Tokenizer, window: int) -> Iterator[tuple[int, HoleRows]]:
    for start in range(0, len(cases), BATCH):
        part = list(cases[start : start + BATCH])
        yield start, rows_of(part + part[-1:] * (BATCH - len(part)), tokenizer, window=window)  # one shape for all


def _content(rows: HoleRows) -> Tensor:
    """Int64 [B, CONTENT_TOKENS + 1]: the true content, and what follows it."""
    return rows.ids[:, rows.left : rows.left + CONTENT_TOKENS + 1]


def masks(first: int, rows: HoleRows, level: float) -> Tensor:
    """Bool [B, CONTENT_TOKENS + 1]: of each hole the share `level` of its tokens, at least one; a function of the case's number."""
    masked = torch.zeros(len(rows.ids), CONTENT_TOKENS + 1, dtype=torch.bool)
    for n, length in enumerate(rows.length.tolist()):
        order = np.random.default_rng([20_000 + first + n, int(1000 * level)]).permutation(length)
        masked[n, torch.from_numpy(order[: math.ceil(level * length)])] = True
    return masked


@torch.no_grad()
def nats(arm: Arm, cases: Sequence[Case], tokenizer: Tokenizer, *, window: int,
         levels: Sequence[float] = LEVELS) -> Nats:  # fmt: skip
    """See `Nats`. Each level's mean over the masked tokens stands for all tokens of the content."""
    sums = {level: np.zeros(len(cases)) for level in (*levels, 1.0)}
    tokens = np.zeros(len(cases))
    for start, rows in _batches(cases, tokenizer, window):
        here = slice(start, min(start + BATCH, len(cases)))
        count = here.stop - start
        tokens[here] = rows.length[:count]
        with torch.autocast("cpu", torch.bfloat16):
            context = arm.prefill(rows)
            for level, found in sums.items():
                masked = masks(start, rows, level)
                log_probs = arm.log_probs(context, torch.where(masked, MASK_ID, _content(rows)))
                right = log_probs.gather(2, _content(rows).unsqueeze(2)).squeeze(2)
                mean = -(right * masked).sum(1) / masked.sum(1)
                found[here] = (mean * rows.length)[:count].double()
    return Nats(
        tokens=tokens,
        characters=np.asarray([len(case.content) for case in cases]),
        noised=np.mean([sums[level] for level in levels], axis=0),
        blank=sums[1.0],
    )


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """Of each case: whether the fill is the content, and the forward passes it took."""

    exact: np.ndarray
    passes: np.ndarray


@torch.no_grad()
def decode(arm: Arm, cases: Sequence[Case], tokenizer: Tokenizer, *, window: int) -> Decoded:
    """Greedy fills of the right length: each pass commits what is surer than `THRESHOLD`, and the surest at least."""
    order = sorted(range(len(cases)), key=lambda n: len(pieces(cases[n], tokenizer)[1]))  # like lengths end together
    exact, passes = np.zeros(len(cases), dtype=bool), np.zeros(len(cases), dtype=np.int64)
    for start, rows in _batches([cases[n] for n in order], tokenizer, window):
        canvas, taken = _filled(arm, rows)
        for row, case in enumerate(order[start : start + BATCH]):
            ids = canvas[row, : int(rows.length[row])].numpy()
            exact[case] = tokenizer.decode(ids) == cases[case].content
            passes[case] = taken[row]
    return Decoded(exact=exact, passes=passes)


def _filled(arm: Arm, rows: HoleRows) -> tuple[Tensor, Tensor]:
    """(canvas int64 [B, C], forward passes int64 [B])."""
    true = _content(rows)
    undecided = torch.arange(true.shape[1]) < rows.length.unsqueeze(1)
    canvas, passes = torch.where(undecided, MASK_ID, true), torch.zeros(len(true), dtype=torch.long)
    with torch.autocast("cpu", torch.bfloat16):
        context = arm.prefill(rows)
        while bool(undecided.any()):
            log_probs = arm.log_probs(context, canvas)
            log_probs[..., :RESERVED_TOKENS] = -math.inf
            best, token = log_probs.max(-1)
            best = best.masked_fill(~undecided, -math.inf)
            surest = torch.nn.functional.one_hot(best.argmax(1), true.shape[1]).bool()
            commit = ((best > math.log(THRESHOLD)) | surest) & undecided
            passes += undecided.any(1)
            canvas = torch.where(commit, token, canvas)
            undecided &= ~commit
    return canvas, passes
