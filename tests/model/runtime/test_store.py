"""What requests have in common is read once, is exact, and does not fill the memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.canvas import Canvas
from model.denoiser import Context
from model.networks.two_streams import Network
from model.runtime.blocks import Blocks
from model.runtime.denoiser import RuntimeDenoiser
from model.runtime.load import load
from model.runtime.state import StreamState
from model.runtime.store import REWOUND_TOKENS, Store
from model.tokenizer import MASK_ID
from tests.model import toy

Ids = NDArray[np.int64]
TEXT: Ids = np.random.default_rng(2).integers(16, toy.VOCAB, 400)


@pytest.fixture(scope="module")
def denoise(made: Callable[..., tuple[Network, Path]]) -> Callable[[], RuntimeDenoiser]:
    _, directory = made()
    return lambda: load(directory)[0]


class Counted:
    """A store whose states hold ids and no numbers worth anything, and which tells what it had to read."""

    def __init__(self, limit_bytes: int = 10**9) -> None:
        self.read: list[list[int]] = []
        empty = partial(StreamState.empty, layers=1, heads=1, width=2, pointer=2, blocks=Blocks())
        self.store = Store(fresh=empty, extend=self._extend, limit_bytes=limit_bytes)

    def _extend(self, state: StreamState, ids: Ids) -> None:
        self.read.append(ids.tolist())
        start = state.count
        state.reserve(start + len(ids))
        state.values[0, 0, start : start + len(ids)] = ids[:, None]
        state.took(ids)


def ids(*values: int) -> Ids:
    return np.asarray(values, dtype=np.int64)


def long(start: int, count: int = 200) -> Ids:
    return np.arange(start, start + count)


def test_a_keystroke_reads_its_own_tokens() -> None:
    counted, lease = Counted(), None
    for end in (5, 6, 9):
        lease = counted.store.read(long(0, end), released=lease)
    assert counted.read == [[0, 1, 2, 3, 4], [5], [6, 7, 8]]
    assert lease is not None
    assert lease.count == 9
    assert len(counted.store) == 1


def test_going_back_reads_nothing_and_forgets_nothing() -> None:
    counted = Counted()
    counted.store.read(long(0))
    counted.store.read(long(0, 50))
    counted.store.read(long(0))
    assert len(counted.read) == 1


def test_the_longest_common_part_serves() -> None:
    counted = Counted()
    counted.store.read(np.concatenate([long(0, 100), long(1000)]))
    counted.store.read(np.concatenate([long(0, 150), long(2000)]))
    counted.read.clear()
    counted.store.read(np.concatenate([long(0, 120), ids(7)]))
    assert counted.read == [[7]] or counted.read == [[*range(100, 120), 7]]
    assert counted.read[0] == [7], "the second text has more in common"


def test_documents_side_by_side() -> None:
    counted = Counted()
    texts = [long(1000 * n) for n in range(1, 5)]
    for text in (*texts, *texts):
        counted.store.read(text)
    assert len(counted.read) == len(texts)


def test_what_leaves_a_text_early_gets_a_copy_and_the_text_stays() -> None:
    counted = Counted()
    counted.store.read(long(0))
    other = counted.store.read(np.concatenate([long(0, 50), long(1000)]))
    assert other.state.ids.tolist() == [*range(50), *range(1000, 1200)]
    np.testing.assert_array_equal(other.state.values[0, 0, :50, 0], np.arange(50))
    counted.read.clear()
    counted.store.read(long(0))
    assert counted.read == []


def test_what_is_typed_over_at_the_end_is_not_kept() -> None:
    counted, lease = Counted(), None
    for last in range(20):
        lease = counted.store.read(np.append(long(0), 500 + last), released=lease)
    assert len(counted.store) == 1
    assert counted.read[1:] == [[500 + last] for last in range(1, 20)]


def test_what_somebody_holds_is_not_overwritten() -> None:
    counted = Counted()
    held = counted.store.read(np.append(long(0), 500))
    counted.store.read(np.append(long(0), 501))
    assert held.state.ids[held.count - 1] == 500
    np.testing.assert_array_equal(held.state.values[0, 0, held.count - 1], 500)


def test_memory_is_bounded_and_the_oldest_go_first() -> None:
    one = Counted()
    one.store.read(long(0))
    limit = 3 * one.store.nbytes
    counted = Counted(limit)
    for n in range(1, 6):
        counted.store.read(long(1000 * n))
        assert counted.store.nbytes <= limit
        counted.store.read(long(1000))  # used again and again, so never the oldest
    assert len(counted.store) == 3
    counted.read.clear()
    for n in (1, 5, 4):
        counted.store.read(long(1000 * n))
    assert counted.read == []
    counted.store.read(long(2000))
    assert len(counted.read) == 1, "it was evicted"


def test_a_text_larger_than_the_limit_is_read_all_the_same() -> None:
    counted = Counted(1)
    assert counted.store.read(long(0)).count == 200
    assert len(counted.store) == 1
    counted.store.read(long(5000))
    assert len(counted.store) == 1


def test_a_lease_given_back_by_dying_counts_no_more() -> None:
    counted = Counted()
    counted.store.read(np.append(long(0), 500))  # nobody keeps the lease
    counted.store.read(np.append(long(0), 501))
    assert len(counted.store) == 1


def context(*pieces: Ids) -> Context:
    return Context(pieces=pieces, starts_with=(b"",) * (len(pieces) - 1))


def test_what_is_reused_is_what_a_fresh_start_computes(denoise: Callable[[], RuntimeDenoiser]) -> None:
    """A walk of edits: typing, deleting, moving, a second hole, another document."""
    rng, warm, held = np.random.default_rng(3), denoise(), None
    other = rng.integers(16, toy.VOCAB, 300)
    for step in range(24):
        text = TEXT if step % 5 else other
        start, end = sorted(rng.integers(0, len(text), 2).tolist())
        typed = rng.integers(16, toy.VOCAB, int(rng.integers(0, 4)))
        pieces = [np.concatenate([text[:start], typed]), text[end:]]
        if step % 3 == 0:
            pieces.insert(1, text[start : (start + end) // 2])
        there = context(*pieces)
        canvas = Canvas.masked((4,) * (len(pieces) - 1), mask_id=MASK_ID, rows=2)
        held = warm.prefill(there, reuse=held if step % 2 else None)
        said, expected = held.denoise(canvas), denoise().prefill(there).denoise(canvas)
        np.testing.assert_allclose(said.probs, expected.probs, atol=1e-5)
        np.testing.assert_allclose(said.entropy, expected.entropy, atol=1e-4)


def test_an_earlier_result_stays_valid_if_it_was_not_handed_over(denoise: Callable[[], RuntimeDenoiser]) -> None:
    warm, canvas = denoise(), Canvas.masked((5,), mask_id=MASK_ID)
    first = warm.prefill(context(TEXT[:100], TEXT[110:]))
    before = first.denoise(canvas).probs
    for n in range(1, 30):
        warm.prefill(context(np.append(TEXT[: 100 - n], 20 + n), np.append(30 + n, TEXT[110 - n :])))
        warm.prefill(context(TEXT[: 100 + 5 * n], TEXT[110 - 3 * n :]))  # both streams outgrow their room
    np.testing.assert_allclose(first.denoise(canvas).probs, before, atol=1e-6)


def test_rewinding_is_less_than_a_document() -> None:
    assert 0 < REWOUND_TOKENS < 200, "the tests above draw the line between typing over and another text here"
