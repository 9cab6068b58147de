"""However many requests there are, what is kept of them stays the same size."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model.canvas import Canvas
from model.denoiser import Context
from model.networks.two_streams import Network
from model.runtime import blocks as runtime_blocks
from model.runtime import denoiser as runtime_denoiser
from model.runtime.blocks import GRAIN_BYTES, Blocks
from model.runtime.denoiser import RuntimeDenoiser
from model.runtime.load import load
from model.runtime.state import StreamState
from model.tokenizer import MASK_ID
from tests.model import toy

LIMIT_BYTES = 400_000
REQUESTS = 60


@pytest.fixture
def denoiser(made: Callable[..., tuple[Network, Path]], monkeypatch: pytest.MonkeyPatch) -> RuntimeDenoiser:
    monkeypatch.setattr(runtime_denoiser, "STORE_BYTES", LIMIT_BYTES)
    _, directory = made()
    return load(directory)[0]


def request(denoiser: RuntimeDenoiser, number: int) -> None:
    """One like a user's, in a text of its own and of its own length: a draft is scored, a beam written, masks filled."""
    rng = np.random.default_rng(number)
    pieces = tuple(rng.integers(16, toy.VOCAB, int(rng.integers(1, 300))) for _ in range(2))
    prefilled = denoiser.prefill(Context(pieces=pieces, starts_with=(b"",)))
    draft = Canvas.decided([[rng.integers(16, toy.VOCAB, 5 + number % 7)]], mask_id=MASK_ID)
    prefilled.score(draft)
    for column in range(4):
        prefilled.score(draft, wanted=np.arange(draft.ids.shape[1])[None] == column)
    prefilled.denoise(Canvas.masked((3 + number % 5,), mask_id=MASK_ID))


def held() -> tuple[int, int]:
    """(all objects, bytes of all streams) that are alive."""
    gc.collect()
    alive = gc.get_objects()
    return len(alive), sum(thing.nbytes for thing in alive if type(thing) is StreamState)


def test_requests_leave_nothing_behind_but_what_the_stores_may_hold(denoiser: RuntimeDenoiser) -> None:
    before = held()[1]
    counts = []
    for number in range(REQUESTS):
        request(denoiser, number)
        if number % 4:
            continue
        objects, size = held()
        counts.append(objects)
        assert size - before <= 2 * LIMIT_BYTES + 2 * 400_000, "the stores, of which each may hold one more"
    full = len(counts) // 2
    assert max(counts[full:]) <= max(counts[:full]) + 40, "what is tracked does not grow with the requests"


ROOMY = GRAIN_BYTES // 4
"""float32 numbers of the smallest block."""


def test_a_block_is_used_again_when_its_last_array_is_gone() -> None:
    blocks = Blocks()
    arrays = blocks.arrays([(2, ROOMY, 3), (ROOMY, 2)])
    assert [a.shape for a in arrays] == [(2, ROOMY, 3), (ROOMY, 2)]
    assert not any(a.any() for a in arrays)
    arrays[0][:] = 1
    assert not arrays[1].any(), "they do not overlap"
    at, part = arrays[0].ctypes.data, arrays[1][:2]
    del arrays
    gc.collect()
    assert blocks.free_bytes == 0, "somebody still reads a part"
    del part
    gc.collect()
    assert blocks.free_bytes == 8 * GRAIN_BYTES
    assert blocks.arrays([(7, ROOMY)])[0].ctypes.data == at, "a little less fits"
    gc.collect()
    assert blocks.arrays([(4, ROOMY)])[0].ctypes.data != at, "half as much would waste the rest"


def test_no_more_is_kept_than_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_blocks, "KEPT_BYTES", 5 * GRAIN_BYTES)
    blocks = Blocks()
    held = [blocks.arrays([(n, ROOMY)]) for n in (1, 2, 3, 9)]
    held.clear()
    gc.collect()
    assert 0 < blocks.free_bytes <= 5 * GRAIN_BYTES


def test_small_arrays_take_no_block() -> None:
    blocks = Blocks()
    assert [a.shape for a in blocks.arrays([(3, 4), (2,)])] == [(3, 4), (2,)]
    gc.collect()
    assert blocks.free_bytes == 0
