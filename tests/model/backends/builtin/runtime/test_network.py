"""What caches and rows promise, for NumPy and the kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.backends.builtin.runtime.compiled import library
from model.backends.builtin.runtime.network import SLICE_ROWS, KVCache, Network, ReadingPace
from model.backends.builtin.runtime.rows import Outputs, Rows
from tests.model.backends.builtin import toys

TEXT = np.random.default_rng(5).integers(0, toys.VOCAB, 220)
KERNELS = ["numpy", *(["kernel"] if library() else [])]
CLOSE = 0.25  # a rounded activation more or less: see test_agreement.py


@pytest.fixture(scope="module", params=KERNELS)
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Network:
    folder = toys.write(tmp_path_factory.mktemp("model"), rank=3)
    return Network.open(folder, kernel="numpy" if request.param == "numpy" else "")


def full(said: Outputs) -> NDArray[np.float32]:
    assert said.full is not None
    return said.full


def last_of(cache: KVCache, context: int) -> NDArray[np.float32]:
    """What follows the first tokens of a context that has been read."""
    return full(cache.forward(toys.rows([7], sees=[[0]], context=context)))


def same(one: NDArray[np.float32], other: NDArray[np.float32], network: Network) -> None:
    """Equal to the last bit, but in NumPy, whose products sum in an order that depends on how many rows there are."""
    np.testing.assert_allclose(one, other, rtol=0, atol=CLOSE if network.kernel == "numpy" else 0)


def test_a_context_read_on_is_a_context_read_anew(network: Network) -> None:
    other = np.concatenate([TEXT[:90], TEXT[150:200]])
    cache, fresh = network.cache(context_tokens=256), network.cache(context_tokens=256)
    for ids in (TEXT[:40], TEXT, TEXT[:1], other):
        assert cache.read(ids)
        np.testing.assert_array_equal(cache.ids, ids)
    assert fresh.read(other)
    same(last_of(cache, len(other)), last_of(fresh, len(other)), network)


def test_what_was_read_before_a_stop_stays_and_reading_goes_on_from_there(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = count()
    monkeypatch.setattr(network, "pace", ReadingPace(lambda: next(ticks)))  # a slow machine
    cache, fresh = network.cache(context_tokens=256), network.cache(context_tokens=256)
    read = list[int]()

    def stop() -> bool:
        read.append(len(cache.ids))
        return len(read) % 2 == 0

    while not cache.read(TEXT, stop=stop):
        np.testing.assert_array_equal(cache.ids, TEXT[: read[-1]])
        assert len(read) < 100
    assert all(later >= earlier for earlier, later in pairwise(read))
    assert len(set(read)) > 2
    fresh.read(TEXT)
    same(last_of(cache, 220), last_of(fresh, 220), network)


def test_a_stop_at_once_reads_nothing_and_forgets_only_what_does_not_fit(network: Network) -> None:
    cache = network.cache(context_tokens=256)
    cache.read(TEXT[:50])
    assert not cache.read(TEXT[:60], stop=lambda: True)
    np.testing.assert_array_equal(cache.ids, TEXT[:50])
    assert not cache.read(np.append(TEXT[:20], [0, 1]), stop=lambda: True)
    assert len(cache.ids) >= 20
    assert cache.read(TEXT[:20], stop=lambda: True), "nothing is left to read"


def test_caches_of_a_network_do_not_meet(network: Network) -> None:
    one, two = network.cache(context_tokens=256), network.cache(context_tokens=256)
    one.read(TEXT[:100])
    before = last_of(one, 100)
    two.read(TEXT[100:])
    last_of(two, 100)
    np.testing.assert_array_equal(last_of(one, 100), before)


def test_written_text_is_as_good_as_read_text(network: Network) -> None:
    cache = network.cache(context_tokens=256)
    cache.read(TEXT[:80])
    written = full(cache.forward(toys.rows(TEXT[80:100], sees=[range(n + 1) for n in range(20)], context=80)))
    cache.read(TEXT[:99])
    read = full(cache.forward(toys.rows(TEXT[99:100], sees=[[0]], context=99)))
    np.testing.assert_allclose(written[-1:], read, atol=CLOSE)


def test_a_branch_knows_nothing_of_another_branch(network: Network) -> None:
    cache = network.cache(context_tokens=256)
    cache.read(TEXT[:80])
    tree = [[0], [0, 1], [0, 2], [0, 2, 3], [0, 1, 4]]
    for third in (5, 6):
        alone = [[0], [0, 2], [0, 2, 3]]
        ids = [9, 4, third, 8, 3]
        both = full(cache.forward(toys.rows(ids, sees=tree, context=80)))
        branch = full(cache.forward(toys.rows([9, third, 8], sees=alone, slots=[0, 2, 3], context=80)))
        np.testing.assert_allclose(both[[0, 2, 3]], branch, atol=CLOSE)


def test_slots_of_earlier_passes_are_seen(network: Network) -> None:
    cache = network.cache(context_tokens=256)
    cache.read(TEXT[:80])
    sees = [[0], [0, 50], [0, 50, 17]]
    at_once = full(cache.forward(toys.rows([1, 2, 3], sees=sees, slots=[0, 50, 17], context=80)))
    for row in range(3):
        said = cache.forward(toys.rows([row + 1], sees=[sees[row]], slots=[[0, 50, 17][row]], context=80))
    np.testing.assert_allclose(full(said)[0], at_once[2], atol=CLOSE)


def test_rows_of_a_hole_see_each_other_both_ways_and_no_other_canvas(network: Network) -> None:
    cache = network.cache(context_tokens=256)
    cache.read(TEXT[:80])
    mask = network.config.mask_id

    def said(ids: list[int], *canvases: range) -> NDArray[np.float32]:
        sees = [canvas for canvas in canvases for _ in canvas]
        slots = [slot for canvas in canvases for slot in canvas]
        positions = [80 + i for canvas in canvases for i in range(len(canvas))]
        return full(
            cache.forward(toys.rows(ids, sees=sees, slots=slots, positions=positions, context=80), adapter=True)
        )

    one, two = [mask, 5, mask, mask], [3, mask, 6, 7]
    both = said(one + two, range(4), range(40, 44))
    np.testing.assert_allclose(both[:4], said(one, range(4)), atol=CLOSE)
    np.testing.assert_allclose(both[4:], said(two, range(40, 44)), atol=CLOSE)
    changed = said([*one, *two[:3], 9], range(4), range(40, 44))
    np.testing.assert_array_equal(changed[:4], both[:4])
    assert (changed[4:] != both[4:]).any(axis=1).all(), "each row of a hole sees its last one"


@st.composite
def any_rows(draw: st.DrawFn) -> Rows:
    """Rows that keep the rules: any slots, any context, any earlier or own slots seen."""
    number = draw(st.integers(1, 20))
    slots = draw(st.lists(st.integers(0, 99), min_size=number, max_size=number, unique=True))
    seen = [sorted({slot, *draw(st.lists(st.integers(0, 99), max_size=6))}) for slot in slots]
    wanted = draw(st.lists(st.integers(0, number - 1), max_size=number))
    rows = toys.rows(
        draw(st.lists(st.integers(0, toys.VOCAB - 1), min_size=number, max_size=number)),
        sees=seen,
        slots=slots,
        context=draw(st.lists(st.integers(0, 70), min_size=number, max_size=number)),
        positions=draw(st.lists(st.integers(0, 5000), min_size=number, max_size=number)),
        wanted=wanted,
        top=draw(st.sampled_from([0, 1, 5, 64, toys.VOCAB])),
    )
    targets = np.random.default_rng(number).integers(0, toys.VOCAB, (len(wanted), draw(st.integers(0, 3))))
    return replace(rows, targets=targets)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[KVCache, KVCache]:
    folder = toys.write(tmp_path_factory.mktemp("pair"), group=64, mins=True)
    plain, other = (
        Network.open(folder, kernel=kernel).cache(context_tokens=70, scratch_tokens=100) for kernel in ("numpy", "")
    )
    for each in (plain, other):
        each.read(TEXT[:70])
    return plain, other


@given(rows=any_rows())
@settings(max_examples=60, deadline=None)
def test_any_rows_are_computed_alike(pair: tuple[KVCache, KVCache], rows: Rows) -> None:
    right, said = (cache.forward(rows) for cache in pair)
    assert np.isfinite(full(said)).all()
    np.testing.assert_allclose(full(said), full(right), atol=2 * CLOSE)
    np.testing.assert_allclose(said.entropy, right.entropy, atol=0.1)
    np.testing.assert_allclose(said.targets, np.take_along_axis(full(said), rows.targets, axis=1), atol=1e-5)
    order = np.argsort(-full(said), axis=1, kind="stable")[:, : rows.top]
    np.testing.assert_array_equal(said.ids, order)


WRONG: list[tuple[str, Callable[[Rows], Rows]]] = [
    ("ids are to be", lambda r: replace(r, ids=r.ids + toys.VOCAB)),
    ("ids are to be", lambda r: replace(r, ids=r.ids - 100)),
    ("positions", lambda r: replace(r, positions=r.positions - 1000)),
    ("slots", lambda r: replace(r, slots=r.slots + 1000)),
    ("share a slot", lambda r: replace(r, slots=r.slots * 0)),
    ("context", lambda r: replace(r, context=r.context + 1)),
    ("sees is to be", lambda r: replace(r, sees=r.sees + 1000)),
    ("own slot", lambda r: replace(r, sees=r.sees + 1)),
    ("starts", lambda r: replace(r, starts=r.starts[:-1])),
    ("starts", lambda r: replace(r, starts=r.starts[::-1].copy())),
    ("wanted", lambda r: replace(r, wanted=r.wanted + 2)),
    ("targets", lambda r: replace(r, targets=r.targets[:1])),
    ("targets", lambda r: replace(r, targets=r.targets + toys.VOCAB)),
    ("top", lambda r: replace(r, top=toys.VOCAB + 1)),
]


@pytest.mark.parametrize(("said", "change"), WRONG, ids=range(len(WRONG)))
def test_rows_that_break_a_rule_are_refused(network: Network, said: str, change: Callable[[Rows], Rows]) -> None:
    cache = network.cache(context_tokens=64, scratch_tokens=64)
    cache.read(TEXT[:10])
    rows = toys.rows([1, 2], sees=[[0], [0, 1]], context=10, targets=[[0], [1]])
    with pytest.raises(ValueError, match=said):
        cache.forward(change(rows))


def test_a_context_is_refused_where_it_has_no_room_or_no_meaning(network: Network) -> None:
    cache = network.cache(context_tokens=64)
    cache.read(TEXT[:10])
    with pytest.raises(ValueError, match="65 tokens, and room for 64"):
        cache.read(TEXT[:65])
    with pytest.raises(ValueError, match="ids are to be"):
        cache.read(np.array([toys.VOCAB]))
    np.testing.assert_array_equal(cache.ids, TEXT[:10])


def test_a_mask_needs_an_adapter(tmp_path: Path) -> None:
    cache = Network.open(toys.write(tmp_path)).cache(context_tokens=64)
    with pytest.raises(ValueError, match="no adapter"):
        cache.forward(toys.rows([1], sees=[[0]], context=0), adapter=True)


def test_no_rows_are_no_pass(network: Network) -> None:
    said = network.cache(context_tokens=64).forward(toys.rows([], sees=[], context=0))
    assert said.ids.shape == (0, 4)
    assert full(said).shape == (0, toys.VOCAB)


def test_slices_are_as_long_as_the_machine_allows() -> None:
    ticks = count(0.0, 0.3)
    slow = ReadingPace(lambda: next(ticks))
    with slow.measured(64):
        pass
    assert slow.rows == SLICE_ROWS[0]
    now = iter([0.0, 0.02, 1.0, 1.001, 2.0, 2.5])
    fast = ReadingPace(lambda: next(now))
    with fast.measured(32):
        pass
    assert fast.rows == 48
    with fast.measured(48):
        pass
    assert fast.rows == SLICE_ROWS[1]
    with fast.measured(3):
        pass
    assert fast.rows == SLICE_ROWS[1], "a rest of three tokens says nothing"
