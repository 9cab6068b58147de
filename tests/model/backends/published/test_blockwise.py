"""Published checkpoints that are causal from block to block: what they are told, what they keep, where they wait."""

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
from model.backends.published.blockwise import BlockBackend, BlockPrefilled, prompt_of
from model.backends.published.families.family import FimPrompt
from model.backends.published.networks.decoder import Decoder
from model.backends.published.opening import LoadedModel
from model.canvas import Canvas, Decision
from model.errors import BadRequest
from tests.model.backends.published.driven import committed
from tests.model.backends.published.oracles import CASES

Ids = NDArray[np.int64]
BLOCKWISE = ["SDAR", "Stable-DiffCoder", "LLaDA2, groups", "a2d-llama, bd3lm"]


def blockwise(name: str, folder: Path) -> LoadedModel:
    CASES[name].write(folder)
    return load_checkpoint(folder, "cpu", "float32")


def prompt(length: int, seed: int = 0) -> Ids:
    return np.random.default_rng(seed).integers(0, 90, length)


@pytest.mark.parametrize("name", BLOCKWISE)
def test_blocks_are_as_in_a_full_recompute(name: str, tmp_path: Path) -> None:
    loaded = blockwise(name, tmp_path)
    mask, block = loaded.spec.mask_id, loaded.spec.block_tokens
    assert block is not None
    backend = loaded.backend()
    for length in (0, 1, block - 1, block, 2 * block + 3):
        context = Context(pieces=(prompt(length), np.empty(0, dtype=np.int64)), starts_with=(b"",))
        canvas = Canvas.masked((block + 2,), mask_id=mask)
        ids = np.where(np.arange(block + 2) == 1, 7, mask)[None]
        canvas = canvas.apply(Decision.committing(ids == 7, ids, np.ones(ids.shape, dtype=np.float32)))
        said = backend.prefill(context).denoise(canvas)
        text = np.concatenate([prompt(length), ids[0]])
        full = np.concatenate([text, np.full(-len(text) % block, mask)])
        logits = loaded.full_logits(full[None], block_tokens=block)[0, length : len(text)]
        logits[:, mask] = -torch.inf
        expected = logits.softmax(-1).numpy()
        first = (np.arange(length, len(text)) // block) == (length // block)
        waits = canvas.open[0] & ~first
        assert (said.probs[0, waits] == 0).all(), "later blocks wait for this one"
        assert not first.all()
        for i in np.flatnonzero(first & canvas.open[0]):
            np.testing.assert_allclose(said.probs[0, i], expected[i, said.ids[0, i]], atol=1e-5)
        np.testing.assert_array_equal(said.ids[0, waits, 0], expected[waits].argmax(axis=1))


def test_a_block_is_finished_before_the_next_begins(tmp_path: Path) -> None:
    loaded = blockwise("SDAR", tmp_path)
    context = Context(pieces=(prompt(6), np.empty(0, dtype=np.int64)), starts_with=(b"",))
    for name in ("one_at_a_time", "low_confidence(steps=5)", "entropy_bound(9)"):
        canvas = Canvas.masked((10,), mask_id=loaded.spec.mask_id)
        order = committed(loaded.backend().prefill(context), canvas, replace(loaded.spec, end_of_hole_id=None), name)
        blocks = [(6 + i) // 4 for i, _ in order]
        if name != "low_confidence(steps=5)":  # which commits a fixed number, wherever they are
            assert blocks == sorted(blocks)
        assert sorted(i for i, _ in order) == list(range(10))


def test_blocks_of_the_prompt_are_kept_from_request_to_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = blockwise("SDAR", tmp_path)
    backend = loaded.backend()
    assert isinstance(backend, BlockBackend)
    nothing = np.empty(0, dtype=np.int64)
    canvas = Canvas.masked((3,), mask_id=loaded.spec.mask_id)
    first = backend.prefill(Context(pieces=(prompt(21), nothing), starts_with=(b"",)))
    computed: list[int] = []
    states = Decoder.states

    def counted(self: Decoder, ids: torch.Tensor, **options: Any) -> torch.Tensor:
        computed.append(ids.shape[1])
        return states(self, ids, **options)

    monkeypatch.setattr(Decoder, "states", counted)
    changed = prompt(30)
    changed[:21] = prompt(21)
    changed[14] += 1
    context = Context(pieces=(changed, nothing), starts_with=(b"",))
    again = backend.prefill(context, reuse=first)
    assert computed == [28 - 12]
    assert isinstance(again, BlockPrefilled)
    np.testing.assert_allclose(again.denoise(canvas).probs, backend.prefill(context).denoise(canvas).probs, atol=1e-5)
    shorter = backend.prefill(Context(pieces=(changed[:9], nothing), starts_with=(b"",)), reuse=again)
    fresh = backend.prefill(Context(pieces=(changed[:9], nothing), starts_with=(b"",)))
    np.testing.assert_allclose(shorter.denoise(canvas).probs, fresh.denoise(canvas).probs, atol=1e-5)


def test_block_causal_networks_fill_one_hole(tmp_path: Path) -> None:
    pieces = tuple(prompt(3) for _ in range(3))
    with pytest.raises(BadRequest, match="fills one gap at a time"):
        blockwise("SDAR", tmp_path).backend().prefill(Context(pieces=pieces, starts_with=(b"", b"")))


@pytest.mark.parametrize(
    ("fim", "after", "expected"),
    [
        (None, [8, 9], [1, 2]),
        (FimPrompt(prefix=50, suffix=51, middle=52), [8, 9], [50, 1, 2, 51, 8, 9, 52]),
        (FimPrompt(prefix=50, suffix=51, middle=52, suffix_first=True), [8, 9], [51, 8, 9, 50, 1, 2, 52]),
        (FimPrompt(prefix=50, suffix=51, middle=52), [], [1, 2]),
    ],
)
def test_what_stands_after_the_gap_is_told_before_it(
    fim: FimPrompt | None, after: list[int], expected: list[int]
) -> None:
    pieces = (np.array([1, 2], dtype=np.int64), np.array(after, dtype=np.int64))
    assert prompt_of(Context(pieces=pieces, starts_with=(b"",)), fim).tolist() == expected
