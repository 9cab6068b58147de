"""Published checkpoints driven by the engine: orders, exactness, what a stale cache does, blocks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.backend import Context
from model.backends.published import load_checkpoint
from model.backends.published.bidirectional import SequenceBackend
from model.backends.published.networks.decoder import Decoder
from model.backends.published.opening import LoadedModel
from model.canvas import Canvas, Decision
from model.errors import BadRequest
from tests.model.backends.published.driven import committed
from tests.model.backends.published.golden import FAMILIES, MASK, ROOT, golden

Ids = NDArray[np.int64]


def split(ids: Ids) -> tuple[Context, Canvas, Ids]:
    """A text [L] with masks as what stands around its holes, their canvas, and where the canvas's positions stand."""
    masked = ids == MASK
    edges = np.flatnonzero(np.diff(np.concatenate([[False], masked, [False]]).astype(int)))
    starts, ends = edges[::2], edges[1::2]
    pieces = [ids[a:b] for a, b in zip([0, *ends], [*starts, len(ids)], strict=True)]
    context = Context(pieces=tuple(pieces), starts_with=(b"",) * len(starts))
    return context, Canvas.masked((ends - starts).tolist(), mask_id=MASK), np.flatnonzero(masked)


def whole(loaded: LoadedModel) -> SequenceBackend:
    """The network seeing everything, also where it is used block by block: that is what the golden texts show."""
    spec = replace(loaded.spec, block_tokens=None, end_of_hole_id=None)
    return SequenceBackend(loaded.network, spec)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_engine_commits_in_the_order_of_the_reference(family: str) -> None:
    backend = whole(load_checkpoint(ROOT / family, "cpu", "float32"))
    for text in golden(family):
        context, canvas, at = split(text.ids[0].numpy())
        order = committed(backend.prefill(context), canvas, backend.spec)
        assert [[int(at[i]), token] for i, token in order] == text.order


def recomputed(loaded: LoadedModel, context: Context, canvas: Canvas, *, shift_start: int = 0) -> NDArray[np.float32]:
    """float32 [L, V]: probabilities at the canvas's positions from the whole text, the mask left out."""
    shown = np.where(canvas.open[0], MASK, canvas.ids[0])
    parts: list[Ids] = []
    at: list[int] = []
    end = 0
    for h, piece in enumerate(context.pieces):
        parts.append(piece)
        end += len(piece)
        if h < len(context.pieces) - 1:
            here = np.flatnonzero(canvas.hole[0] == h)
            parts.append(shown[here])
            at.extend(range(end, end + len(here)))
            end += len(here)
    logits = loaded.full_logits(np.concatenate(parts)[None])[0, at]
    logits[:, MASK] = -torch.inf
    made: NDArray[np.float32] = logits.softmax(-1).numpy()
    return made


def drawn(canvas: Canvas, seed: int, *, decided: float) -> Canvas:
    """Some positions of the canvas decided, at random."""
    rng = np.random.default_rng(seed)
    commit = canvas.used & (rng.random(canvas.ids.shape) < decided)
    ids = rng.integers(0, 200, canvas.ids.shape)
    return canvas.apply(Decision.committing(commit, ids, np.ones(canvas.ids.shape, dtype=np.float32)))


@pytest.mark.parametrize("family", ["llada", "dream", "llada2"])
def test_exact_mode_is_a_full_recompute(family: str) -> None:
    loaded = load_checkpoint(ROOT / family, "cpu", "float32")
    context, canvas, _ = split(golden(family)[1].ids[0].numpy())
    cached = whole(loaded).prefill(context)
    for seed in range(3):
        now = drawn(canvas, seed, decided=0.4)
        said, expected = cached.denoise(now), recomputed(loaded, context, now)
        for i in np.flatnonzero(now.open[0]):
            np.testing.assert_allclose(said.probs[0, i], expected[i, said.ids[0, i]], atol=1e-5)
            assert expected[i].argmax() == said.ids[0, i, 0]
            nats = -(expected[i] * np.log(np.maximum(expected[i], 1e-30))).sum()
            np.testing.assert_allclose(said.entropy[0, i], nats, atol=1e-3)
        assert (said.probs[~now.open] == 0).all()


@pytest.mark.parametrize("family", ["llada", "dream"])
def test_rows_of_any_length_share_a_pass(family: str) -> None:
    loaded = load_checkpoint(ROOT / family, "cpu", "float32")
    context, _, _ = split(golden(family)[1].ids[0].numpy())
    holes = len(context.starts_with)
    rows = [drawn(Canvas.masked([n] * holes, mask_id=MASK), n, decided=0.3) for n in (2, 5, 3)]
    for refresh in (1, 4):
        cached = SequenceBackend(loaded.network, loaded.spec, refresh=refresh).prefill(context)
        for _ in range(2):
            together = cached.denoise(Canvas.stack([*rows, rows[0]]))
            for n, row in enumerate([*rows, rows[0]]):
                alone = SequenceBackend(loaded.network, loaded.spec).prefill(context).denoise(row)
                width = row.ids.shape[1]
                np.testing.assert_allclose(together.probs[n, :width], alone.probs[0], atol=1e-5)


def test_a_hole_that_begins_the_text(tmp_path: Path) -> None:
    """A shifted network predicts its first position from that position itself, as Dream's code does."""
    loaded = load_checkpoint(ROOT / "dream", "cpu", "float32")
    nothing = np.empty(0, dtype=np.int64)
    context = Context(pieces=(nothing, np.arange(5, dtype=np.int64)), starts_with=(b"",))
    canvas = Canvas.masked((3,), mask_id=MASK)
    expected = recomputed(loaded, context, canvas)
    for refresh in (1, 3):
        cached = SequenceBackend(loaded.network, loaded.spec, refresh=refresh).prefill(context)
        for _ in range(2):
            said = cached.denoise(canvas)
            np.testing.assert_allclose(said.probs[0, :, 0], expected.max(axis=1), atol=1e-5)


@pytest.mark.parametrize("family", ["llada", "dream", "a2d_qwen3"])
def test_a_dual_cache_is_exact_until_something_changes_and_after_a_refresh(family: str) -> None:
    loaded = load_checkpoint(ROOT / family, "cpu", "float32")
    context, canvas, _ = split(golden(family)[1].ids[0].numpy())
    cached = SequenceBackend(loaded.network, loaded.spec, refresh=3).prefill(context)
    exact = SequenceBackend(loaded.network, loaded.spec).prefill(context)
    later = drawn(canvas, 1, decided=0.5)
    for now, equal in ((canvas, True), (canvas, True), (later, False), (later, True), (later, True)):
        error = np.abs(cached.denoise(now).probs - exact.denoise(now).probs).max()
        assert (error < 1e-5) == equal, "the third pass reads a stale context, the fourth is a full one"
        assert error < 0.2


def test_a_dual_cache_computes_the_canvas_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[int] = []
    states = Decoder.states

    def counted(self: Decoder, ids: torch.Tensor, **options: Any) -> torch.Tensor:
        computed.append(ids.numel())
        return states(self, ids, **options)

    monkeypatch.setattr(Decoder, "states", counted)
    loaded = load_checkpoint(ROOT / "llada", "cpu", "float32")
    ids = golden("llada")[1].ids[0].numpy()
    context, canvas, _ = split(ids)
    cached = SequenceBackend(loaded.network, loaded.spec, refresh=4).prefill(context)
    for _ in range(4):
        cached.denoise(canvas)
    assert computed == [len(ids)] + 3 * [canvas.ids.shape[1]]
    cached.denoise(drawn(Canvas.masked((4,) * len(context.starts_with), mask_id=MASK), 0, decided=0))
    assert computed[-1] > len(ids) - canvas.ids.shape[1], "another length is another text"


def test_a_dual_cache_follows_rows_that_are_left_out() -> None:
    """The engine hands in only the rows that are not finished; each keeps the context that was computed for it."""
    loaded = load_checkpoint(ROOT / "llada", "cpu", "float32")
    context, canvas, _ = split(golden("llada")[1].ids[0].numpy())
    rows = Canvas.stack([drawn(canvas, seed, decided=0.5) for seed in range(3)])
    cached = SequenceBackend(loaded.network, loaded.spec, refresh=9).prefill(context)
    exact = SequenceBackend(loaded.network, loaded.spec).prefill(context)
    cached.denoise(rows)
    for keep in ([2, 0], [0], [1], [0]):
        rows = rows.select(np.array(keep))
        np.testing.assert_allclose(cached.denoise(rows).probs, exact.denoise(rows).probs, atol=1e-5)
        if len(keep) == 1:
            break


def test_score_hides_what_it_scores() -> None:
    loaded = load_checkpoint(ROOT / "llada", "cpu", "float32")
    context, canvas, _ = split(golden("llada")[1].ids[0].numpy())
    cached = whole(loaded).prefill(context)
    given = drawn(canvas, 2, decided=1.0)
    before = cached.score(given)
    assert (before.current[given.used] < 0).all()
    other = replace(given, ids=np.where(given.ids == given.ids[0, 0], (given.ids + 1) % 200, given.ids))
    after = cached.score(other)
    np.testing.assert_allclose(after.probs[0, 0], before.probs[0, 0], atol=1e-5)
    only = np.zeros_like(given.open)
    only[0, 3] = True
    assert np.flatnonzero(cached.score(given, wanted=only).current[0]).tolist() == [3]


def test_a_refresh_is_at_least_every_pass() -> None:
    with pytest.raises(BadRequest, match="ask for 1"):
        load_checkpoint(ROOT / "llada", "cpu", "float32").backend(refresh=0)
