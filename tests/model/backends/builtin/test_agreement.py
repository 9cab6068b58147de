"""The kernel of every instruction set computes what NumPy does.

Both round activations to whole numbers, so a difference in the last bit of a float may become one of a 254th part of a
group: log-probabilities differ by a few hundredths at most, and little on average.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from model.backends.builtin.kernel.build import variants
from model.backends.builtin.runtime.compiled import library, variant
from model.backends.builtin.runtime.network import KVCache, Network
from model.backends.builtin.runtime.rows import Outputs
from tests.compiler import needs_compiler
from tests.model.backends.builtin import toys

SETS = list(variants(platform.machine()))
FORMATS = [(4, 32, False), (4, 64, True), (8, 32, False), (8, 64, True)]
MOST, MEAN = 0.25, 0.02


def runs_here(name: str) -> bool:
    found = library()
    return found is not None and variant(found, name) == name


@pytest.fixture(scope="module", params=FORMATS, ids=str)
def computed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], list[Outputs]]:
    """What a kernel says in every pass."""
    bits, group, mins = request.param
    folder = toys.write(tmp_path_factory.mktemp("model"), bits=bits, group=group, mins=mins, rank=5)
    return cache(lambda kernel: list(passes(Network.open(folder, kernel=kernel).cache(context_tokens=256))))


def close(said: Outputs, right: Outputs) -> None:
    assert said.full is not None
    assert right.full is not None
    away = np.abs(said.full - right.full)
    assert away.max(initial=0) < MOST
    assert away.mean() < MEAN
    np.testing.assert_allclose(said.entropy, right.entropy, atol=0.03)
    np.testing.assert_allclose(said.targets, right.targets, atol=MOST)
    # Consistent in itself: the best are the best of all, in order, and sums come out.
    np.testing.assert_allclose(np.exp(said.full.astype(np.float64)).sum(axis=1), 1, atol=1e-4)
    np.testing.assert_array_equal(said.log_probs, np.sort(said.full, axis=1)[:, ::-1][:, : said.log_probs.shape[1]])
    np.testing.assert_array_equal(np.take_along_axis(said.full, said.ids, axis=1), said.log_probs)


def passes(made: KVCache) -> Iterator[Outputs]:
    """Passes of every number of rows that the kernel has code for; text, a tree, a hole whose rows see each other."""
    ids = np.random.default_rng(0).integers(0, toys.VOCAB, 200)
    assert made.read(ids[:170])
    for count in (*range(1, 14), 31):
        sees = [range(n + 1) for n in range(count)]
        yield made.forward(toys.rows(ids[-count:], sees=sees, context=170, targets=[[3, 202]] * count))
    tree = [[0], [0, 40], [0, 41], [0, 41, 99], [0, 40, 7]]
    yield made.forward(toys.rows(ids[:5], sees=tree, context=100, slots=[0, 40, 41, 99, 7], wanted=[4, 1, 3]))
    hole = range(100, 109)
    yield made.forward(
        toys.rows([toys.VOCAB] * 9, sees=[hole] * 9, context=[0, 1, 5, 60, 170, 169, 33, 32, 31], slots=hole),
        adapter=True,
    )


@needs_compiler
@pytest.mark.parametrize("kernel", SETS)
def test_it_computes_what_numpy_does(computed: Callable[[str], list[Outputs]], kernel: str) -> None:
    if not runs_here(kernel):
        pytest.skip(f"this processor has no {kernel}")
    for said, right in zip(computed(kernel), computed("numpy"), strict=True):
        close(said, right)


@needs_compiler
def test_the_kernel_is_chosen_where_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DLM_FILL_KERNEL", raising=False)
    folder = toys.write(tmp_path)
    assert Network.open(folder).kernel in SETS
    assert Network.open(folder, kernel="base").kernel == "base"
    monkeypatch.setenv("DLM_FILL_KERNEL", "numpy")
    assert Network.open(folder).kernel == "numpy"
