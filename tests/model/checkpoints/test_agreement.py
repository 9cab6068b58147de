"""The cache and canvas of serving say what the losses of training say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.canvas import Canvas
from model.checkpoints.builtin import BuiltinPrefilled
from model.denoiser import Context, Prefilled
from model.networks.cache import read_context
from model.networks.two_streams import Network
from model.tokenizer import END_OF_HOLE_ID, GAP_ID, MASK_ID, RESERVED_TOKENS, Tokenizer
from model.train.holes import TokenKinds
from model.train.loss import canvas_nats
from model.train.tokens import Tokens
from model.train.windows import Batch, Shape, Windows

Ids = NDArray[np.int64]
LogProbs = Callable[[Ids], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One slot of a batch as a request: the text around its holes, and their canvas."""

    row: int
    predicted: Ids
    context: Context
    canvas: Canvas
    causal: bool


def log_probs(net: Network, batch: Batch) -> LogProbs:
    """Log-probability of targets [B, C] on the training path, the model's own tokens left out of the sum."""
    streams = net.streams(batch.ids, batch.ids)
    keys = net.pointer_keys(streams.ahead.states, batch.ids, ahead=True)

    def of(target: torch.Tensor) -> torch.Tensor:
        return -canvas_nats(net, replace(batch, target=target), streams, keys)

    own = [of(torch.full_like(batch.target, r)).exp() for r in range(RESERVED_TOKENS) if r != END_OF_HOLE_ID]
    allowed = torch.log1p(-torch.stack(own).sum(0))
    return lambda targets: (of(torch.from_numpy(targets)) - allowed).numpy()


def slots(batch: Batch) -> list[Slot]:
    found = []
    for row in range(len(batch.ids)):
        arrays = {name: getattr(batch, name)[row].numpy() for name in vars(batch)}
        for slot in range(int(arrays["slot"].max()) + 1):
            at = np.flatnonzero(arrays["slot"] == slot)
            holes = np.split(at, np.flatnonzero(np.diff(arrays["left"][at])) + 1)
            left, right = ([int(arrays[side][h[0]]) for h in holes] for side in ("left", "right"))
            ends = [0, *right]
            pieces = tuple(arrays["ids"][a:b] for a, b in zip(ends, [*left, len(arrays["ids"])], strict=True))
            if any((piece == GAP_ID).any() for piece in pieces):
                continue  # the gap of a joint set that this slot is not: no request has one
            ids = np.concatenate([arrays["canvas"][h[1:]] for h in holes])[None]
            known = (ids != MASK_ID) | bool(arrays["causal"][at[0]])
            canvas = Canvas(
                ids=ids,
                open=~known,
                hole=np.repeat(np.arange(len(holes)), [len(h) - 1 for h in holes])[None],
                confidence=known.astype(np.float32),
                mask_id=MASK_ID,
            )
            context = Context(pieces=pieces, starts_with=(b"",) * len(holes))
            predicted = np.concatenate([h[:-1] for h in holes])
            found.append(
                Slot(row=row, predicted=predicted, context=context, canvas=canvas, causal=bool(arrays["causal"][at[0]]))
            )
    return found


def batches(folder: Path, tok: Tokenizer, *, joint: float) -> list[Batch]:
    shape = Shape(batch=2, window=120, canvas=200)
    windows = Windows(Tokens.load(folder, "train"), TokenKinds(tok), shape, seed=3, joint=joint)
    return [windows[n] for n in range(3)]


def prefilled(net: Network, tok: Tokenizer, slot: Slot) -> Prefilled:
    return BuiltinPrefilled(net, tok, slot.context, read_context(net, slot.context, None))


@torch.inference_mode()
def test_scores_agree(net: Network, tok: Tokenizer, folder: Path) -> None:
    checked = 0
    for batch in batches(folder, tok, joint=0.0):
        trained = log_probs(net, batch)(batch.target.numpy())
        for slot in slots(batch):
            if slot.causal:
                checked += 1
                current = prefilled(net, tok, slot).score(slot.canvas).current[0]
                np.testing.assert_allclose(current, trained[slot.row, slot.predicted], atol=2e-3)
    assert checked > 5


@pytest.mark.parametrize("joint", [0.0, 1.0])
@torch.inference_mode()
def test_denoising_agrees(net: Network, tok: Tokenizer, folder: Path, joint: float) -> None:
    checked = 0
    for batch in batches(folder, tok, joint=joint):
        trained = log_probs(net, batch)
        for slot in slots(batch):
            if slot.causal or (joint and len(slot.context.pieces) < 3):
                continue
            said, masked = prefilled(net, tok, slot).denoise(slot.canvas), slot.canvas.open[0]
            for rank in (0, 3):
                targets = batch.target.numpy().copy()
                targets[slot.row, slot.predicted] = said.ids[0, :, rank]
                expected = trained(targets)[slot.row, slot.predicted]
                np.testing.assert_allclose(np.log(said.probs[0, masked, rank]), expected[masked], atol=2e-3)
                checked += 1
    assert checked > 3
