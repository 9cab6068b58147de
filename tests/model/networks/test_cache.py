from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.denoiser import Context
from model.networks.cache import ContextCache, read_context
from model.networks.two_streams import Network
from model.tokenizer import END_ID, GAP_ID, START_ID
from tests.model import toy

TEXT = np.random.default_rng(2).integers(16, toy.VOCAB, 40)


@pytest.fixture(scope="module")
def net() -> Network:
    return toy.network()


def context(*pieces: NDArray[np.int64] | Sequence[int]) -> Context:
    arrays = tuple(np.asarray(p, dtype=np.int64) for p in pieces)
    return Context(pieces=arrays, starts_with=(b"",) * (len(pieces) - 1))


def same(a: ContextCache, b: ContextCache) -> None:
    assert a.ahead_ids.tolist() == b.ahead_ids.tolist()
    assert a.back_ids.tolist() == b.back_ids.tolist()
    assert (a.left, a.right) == (b.left, b.right)
    assert a.following.tolist() == b.following.tolist()
    torch.testing.assert_close(a.pointer_keys, b.pointer_keys, rtol=1e-4, atol=1e-4)
    for x, y in ((a.streams.ahead, b.streams.ahead), (a.streams.back, b.streams.back)):
        for p, q in zip((*x.keys, *x.values, x.states), (*y.keys, *y.values, y.states), strict=True):
            torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-4)


NEXT = {
    "the same": context(TEXT[:20], TEXT[25:]),
    "one more token before": context(TEXT[:21], TEXT[25:]),
    "one less": context(TEXT[:19], TEXT[25:]),
    "the hole elsewhere": context(TEXT[:8], TEXT[12:]),
    "a change far before": context([*TEXT[:3], 17, *TEXT[4:20]], TEXT[25:]),
    "a change far behind": context(TEXT[:20], [*TEXT[25:38], 17, TEXT[39]]),
    "another text": context(TEXT[::-1][:20], TEXT[::-1][22:]),
    "a second hole": context(TEXT[:20], TEXT[22:30], TEXT[33:]),
    "nothing before": context([], TEXT[25:]),
    "nothing behind": context(TEXT[:20], []),
}


@pytest.mark.parametrize("name", NEXT)
@torch.inference_mode()
def test_reuse_gives_what_a_fresh_cache_gives(net: Network, name: str) -> None:
    earlier = read_context(net, context(TEXT[:20], TEXT[25:]), None)
    same(read_context(net, NEXT[name], earlier), read_context(net, NEXT[name], None))


@torch.inference_mode()
def test_reuse_after_reuse(net: Network) -> None:
    rng, cache = np.random.default_rng(3), None
    for _ in range(12):
        start, end = sorted(rng.integers(0, 41, 2).tolist())
        there = context(TEXT[:start], TEXT[end:])
        cache = read_context(net, there, cache)
        same(cache, read_context(net, there, None))


@torch.inference_mode()
def test_only_what_is_new_is_computed(net: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[int] = []
    stream = net.stream

    def counted(ids: torch.Tensor, *rest: object) -> object:
        computed.append(ids.shape[1])
        return stream(ids, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(net, "stream", counted)
    cache = read_context(net, context(TEXT[:20], TEXT[25:]), None)
    assert computed == [20, 15]
    computed.clear()
    cache = read_context(net, context(TEXT[:22], TEXT[25:]), cache)
    assert computed == [2]
    computed.clear()
    read_context(net, context(TEXT[:22], TEXT[23:]), cache)
    assert computed == [2]


@torch.inference_mode()
def test_pieces_stand_around_gaps(net: Network) -> None:
    cache = read_context(net, context([20, 21], [30], [40, 41]), None)
    assert cache.ahead_ids.tolist() == [20, 21, GAP_ID, 30]
    assert cache.back_ids.tolist() == [30, GAP_ID, 40, 41]
    assert cache.left == (2, 4)
    assert cache.right == (0, 2)


@torch.inference_mode()
def test_there_is_always_a_token_on_either_side(net: Network) -> None:
    cache = read_context(net, context([], []), None)
    assert cache.ahead_ids.tolist() == [START_ID]
    assert cache.back_ids.tolist() == [END_ID]
    assert (cache.left, cache.right) == ((1,), (0,))
