"""What the built-in model predicts over a context."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.canvas import Canvas
from model.checkpoints.builtin import BuiltinDenoiser
from model.denoiser import Context, Prefilled
from model.networks.two_streams import Network
from model.tokenizer import END_OF_HOLE_ID, MASK_ID, RESERVED_TOKENS, Tokenizer
from tests.model import toy


def context(tok: Tokenizer, *pieces: str, starts_with: tuple[bytes, ...] | None = None) -> Context:
    ids = tuple(tok.encode(piece, at_line_start=True) for piece in pieces)
    return Context(pieces=ids, starts_with=starts_with or (b"",) * (len(pieces) - 1))


@pytest.fixture(scope="module")
def prefilled(net: Network, tok: Tokenizer) -> Prefilled:
    return BuiltinDenoiser(net, tok).prefill(context(tok, "def f(value):\n", "\n    x = 1\n", "\nreturn x\n"))


def drawn(prefilled: Prefilled, *, seed: int, sizes: tuple[int, int] = (7, 5), decided: float = 0.5) -> Canvas:
    rng = np.random.default_rng(seed)
    canvas = Canvas.masked(sizes, mask_id=MASK_ID)
    known = rng.random(canvas.ids.shape) < decided
    ids = rng.integers(RESERVED_TOKENS, toy.VOCAB, canvas.ids.shape)
    return replace(canvas, ids=np.where(known, ids, MASK_ID), open=~known, confidence=known.astype(np.float32))


def test_rows_of_a_batch_do_not_see_each_other(prefilled: Prefilled) -> None:
    rows = [drawn(prefilled, seed=n, sizes=size) for n, size in enumerate([(7, 5), (3, 12), (1, 1)])]
    for predict in (prefilled.denoise, prefilled.score):
        together = predict(Canvas.stack(rows))
        for n, row in enumerate(rows):
            alone, width = predict(row), row.ids.shape[1]
            np.testing.assert_allclose(together.probs[n, :width], alone.probs[0], atol=1e-4)
            np.testing.assert_allclose(together.entropy[n, :width], alone.entropy[0], atol=1e-3)
            np.testing.assert_allclose(together.current[n, :width], alone.current[0], atol=1e-3)


def test_score_is_causal(prefilled: Prefilled) -> None:
    canvas = drawn(prefilled, seed=5, decided=1.0)
    before = prefilled.score(canvas)
    for at in range(canvas.ids.shape[1]):
        ids = canvas.ids.copy()
        ids[0, at] = RESERVED_TOKENS + (ids[0, at] - RESERVED_TOKENS + 1) % (toy.VOCAB - RESERVED_TOKENS)
        after = prefilled.score(replace(canvas, ids=ids))
        np.testing.assert_allclose(after.current[0, :at], before.current[0, :at], atol=1e-4)
        assert abs(after.current[0, at] - before.current[0, at]) > 0


def test_denoising_sees_all_decided_positions_of_all_holes(prefilled: Prefilled) -> None:
    canvas = drawn(prefilled, seed=6)
    before = prefilled.denoise(canvas)
    for at in np.flatnonzero(~canvas.open[0]):
        ids = canvas.ids.copy()
        ids[0, at] = RESERVED_TOKENS + (ids[0, at] - RESERVED_TOKENS + 7) % (toy.VOCAB - RESERVED_TOKENS)
        after = prefilled.denoise(replace(canvas, ids=ids))
        assert (np.abs(after.entropy - before.entropy)[canvas.open] > 0).all()


def test_a_prediction_is_a_distribution_best_first(prefilled: Prefilled) -> None:
    canvas = drawn(prefilled, seed=7)
    said = prefilled.denoise(canvas)
    probs, ids = said.probs[canvas.open], said.ids[canvas.open]
    assert (np.diff(probs, axis=1) <= 0).all()
    assert (probs.sum(1) <= 1 + 1e-5).all()
    assert ((ids == END_OF_HOLE_ID) | (ids >= RESERVED_TOKENS)).all(), "masks and gaps are never proposed"
    assert (said.entropy[canvas.open] > 0).all()
    assert (said.probs[~canvas.open] == 0).all()


def test_text_that_says_mask_stays_text(prefilled: Prefilled) -> None:
    """Open is what `open` says, never what an id says."""
    canvas = drawn(prefilled, seed=8, decided=0.0)
    as_text = replace(canvas, ids=np.full_like(canvas.ids, 77))
    np.testing.assert_allclose(prefilled.denoise(as_text).probs, prefilled.denoise(canvas).probs, atol=1e-6)


def test_a_healed_hole_begins_with_the_bytes_that_were_taken_back(net: Network, tok: Tokenizer) -> None:
    there = context(tok, "def f(value):\n    x =", "\n", "\n", starts_with=(b" va", b""))
    canvas = Canvas.masked((4, 4), mask_id=MASK_ID, rows=2)
    said = BuiltinDenoiser(net, tok).prefill(there).denoise(canvas)
    allowed = set(tok.tokens_starting_with(b" va").tolist())
    for row in range(2):
        top = [int(i) for i, p in zip(said.ids[row, 0], said.probs[row, 0], strict=True) if p > 0]
        assert set(top) <= allowed
        assert top
        assert not set(said.ids[row, 1].tolist()) <= allowed, "only the first token"
        assert not set(said.ids[row, 4].tolist()) <= allowed, "only that hole"


def test_a_reused_context_predicts_the_same(net: Network, tok: Tokenizer) -> None:
    denoiser = BuiltinDenoiser(net, tok)
    first, second = context(tok, "x = 1\ny =", "\nz\n"), context(tok, "x = 1\ny = 2\n", "\nz\n")
    canvas = Canvas.masked((6,), mask_id=MASK_ID)
    reused = denoiser.prefill(second, reuse=denoiser.prefill(first)).denoise(canvas)
    np.testing.assert_allclose(reused.probs, denoiser.prefill(second).denoise(canvas).probs, atol=1e-5)
