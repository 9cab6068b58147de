"""The arms of the comparison see what they may, and what they are judged by is what they are trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from model.tokenizer import END_OF_HOLE_ID, MASK_ID, RESERVED_TOKENS, Tokenizer
from model.train.ab import cases, judge
from model.train.ab.arm import ARMS, Arm, HoleRows
from model.train.ab.canvas_windows import CanvasBatch
from model.train.ab.one_canvas import OneCanvas
from model.train.ab.race import RaceOptions, arm_of
from model.train.ab.two_streams import TwoStreams, plain_losses
from model.train.holes import TokenKinds
from model.train.loss import losses
from model.train.optimiser import Optimiser
from model.train.tokens import Tokens
from model.train.windows import Batch
from tests.model import toy

WINDOW = 96


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer(folder / "tokenizer.json")


@pytest.fixture(scope="module")
def held_out(folder: Path, tokenizer: Tokenizer) -> list[cases.Case]:
    return cases.draw(cases.texts_of(Tokens.load(folder, "held_out"), tokenizer), 40, tokenizer, seed=1)


@pytest.fixture(params=["d", "b", "a", "c", "a+copy", "c+copy"])
def arm(request: pytest.FixtureRequest, folder: Path) -> Arm:
    options = RaceOptions(folder=folder, corpora={}, cpu_s=1, width=32, layers=2, heads=2, feed_forward=48,
                          batch=2, window=WINDOW, canvas=96, seed=3)  # fmt: skip
    made = arm_of(ARMS[request.param], options, toy.VOCAB)
    with torch.no_grad():
        for parameter in made.network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return made


def rows(held_out: list[cases.Case], tokenizer: Tokenizer) -> HoleRows:
    return cases.rows_of(held_out[:8], tokenizer, window=WINDOW)


@torch.no_grad()
def masked_log_probs(arm: Arm, asked: HoleRows) -> Tensor:
    content = torch.full((len(asked.ids), 32), MASK_ID)
    return arm.log_probs(arm.prefill(asked), content)


def test_predictions_are_distributions(arm: Arm, held_out: list[cases.Case], tokenizer: Tokenizer) -> None:
    total = masked_log_probs(arm, rows(held_out, tokenizer)).exp().sum(-1)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=1e-3, atol=1e-3)


def test_a_masked_content_stays_unseen(arm: Arm, held_out: list[cases.Case], tokenizer: Tokenizer) -> None:
    asked = rows(held_out, tokenizer)
    ids = asked.ids.clone()
    for row, length in enumerate(asked.length.tolist()):
        inside = slice(asked.left, asked.left + length)
        ids[row, inside] = (ids[row, inside] + 7) % (toy.VOCAB - RESERVED_TOKENS) + RESERVED_TOKENS
    before, after = masked_log_probs(arm, asked), masked_log_probs(arm, replace(asked, ids=ids))
    for row, length in enumerate(asked.length.tolist()):
        torch.testing.assert_close(after[row, :length], before[row, :length], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("side", ["prefix", "suffix"])
def test_both_sides_matter(side: str, arm: Arm, held_out: list[cases.Case], tokenizer: Tokenizer) -> None:
    asked = rows(held_out, tokenizer)
    ids = asked.ids.clone()
    at = slice(5, 9) if side == "prefix" else slice(-12, -8)
    ids[:, at] = 300
    change = (masked_log_probs(arm, replace(asked, ids=ids)) - masked_log_probs(arm, asked))[:, :2].abs().amax((1, 2))
    assert (change > 1e-3).all()


def test_shown_content_matters_to_what_is_masked(arm: Arm, held_out: list[cases.Case], tokenizer: Tokenizer) -> None:
    asked = rows([c for c in held_out if len(cases.pieces(c, tokenizer)[1]) > 3], tokenizer)
    content = torch.full((len(asked.ids), 32), MASK_ID)
    shown = content.clone()
    shown[:, 1] = 300
    with torch.no_grad():
        context = arm.prefill(asked)
        change = (arm.log_probs(context, shown) - arm.log_probs(context, content))[:, 2].abs().amax(1)
    assert (change > 1e-3).all()


def test_the_end_of_hole_stands_right_after_the_content(
    arm: Arm, held_out: list[cases.Case], tokenizer: Tokenizer
) -> None:
    """What stands on the canvas past the length is not read."""
    asked = rows(held_out, tokenizer)
    content, other = torch.full((len(asked.ids), 32), MASK_ID), torch.full((len(asked.ids), 32), MASK_ID)
    for row, length in enumerate(asked.length.tolist()):
        other[row, length:] = 300
    with torch.no_grad():
        context = arm.prefill(asked)
        a, b = arm.log_probs(context, content), arm.log_probs(context, other)
    for row, length in enumerate(asked.length.tolist()):
        torch.testing.assert_close(a[row, :length], b[row, :length], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("alone", [True, False])
def test_training_lowers_the_loss(arm: Arm, folder: Path, tokenizer: Tokenizer, alone: bool) -> None:
    windows = arm.windows(Tokens.load(folder, "train"), TokenKinds(tokenizer), streams_alone=alone, seed=0)
    optimiser, losses = Optimiser(arm.network), []
    for _ in range(10):
        loss = arm.loss(windows[0])
        losses.append(float(loss.detach()))
        loss.backward()
        optimiser.step(1.0)
    assert losses[-1] < 0.95 * losses[0]


def test_the_loss_is_what_is_judged(arm: Arm, held_out: list[cases.Case], tokenizer: Tokenizer) -> None:
    """A hole of a training batch, put as a case of the judgement, costs the same nats."""
    asked = rows(held_out[:1], tokenizer)
    length = int(asked.length[0])
    masked = torch.full((1, 32), MASK_ID)
    target = asked.ids[:, asked.left : asked.left + length]
    with torch.no_grad():
        judged = arm.log_probs(arm.prefill(asked), masked)[0, :length].gather(1, target[0].unsqueeze(1)).mean()
        if isinstance(arm, OneCanvas):
            trained = arm.loss(canvas_batch(arm, asked, target))
        else:
            assert isinstance(arm, TwoStreams)
            loss = (losses if arm.copy else plain_losses)(arm.network, streams_batch(asked, target))
            trained = loss.denoise
    torch.testing.assert_close(trained, -judged, rtol=1e-3, atol=1e-3)


def canvas_batch(arm: OneCanvas, asked: HoleRows, target: Tensor) -> CanvasBatch:
    ids, visible = arm.canvas(asked, torch.full((1, 32), MASK_ID))
    assert int(ids[0, asked.left + target.shape[1]]) == END_OF_HOLE_ID
    row = asked.left + torch.arange(target.shape[1])[None]
    weight = torch.ones_like(row).float()
    return CanvasBatch(ids=ids, visible=visible, row=row, target=target, weight=weight, text_alone=False)


def streams_batch(asked: HoleRows, target: Tensor) -> Batch:
    """The hole as a closed slot, written as `CanvasWriter` does."""
    length = target.shape[1]
    canvas = torch.full((1, length + 2), MASK_ID)
    canvas[0, 0], canvas[0, -1] = asked.ids[0, asked.left - 1], END_OF_HOLE_ID
    weight = torch.zeros(1, length + 2)
    weight[0, :length] = 1
    same = torch.zeros_like(canvas)
    return Batch(
        ids=asked.ids,
        canvas=canvas,
        target=torch.cat([target, torch.tensor([[END_OF_HOLE_ID, 0]])], dim=1),
        weight=weight,
        left=same + asked.left,
        right=same + asked.left + length,
        position=asked.left - 1 + torch.arange(length + 2)[None],
        slot=same,
        causal=same,
    )


def test_masks_are_the_same_for_all_and_of_the_right_size(held_out: list[cases.Case], tokenizer: Tokenizer) -> None:
    asked = rows(held_out, tokenizer)
    for level in judge.LEVELS:
        masked = judge.masks(8, asked, level)
        share = masked.sum(1) / asked.length
        assert torch.equal(masked, judge.masks(8, asked, level))
        assert ((share >= level) & (masked.sum(1) < level * asked.length + 1)).all()
        assert not (masked & (torch.arange(32) >= asked.length.unsqueeze(1))).any()
