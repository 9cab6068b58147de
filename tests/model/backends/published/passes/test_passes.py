"""Captured and padded passes say what plain ones say; they wait once, and would run on a GPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from model.backend import Backend, Context, Prediction
from model.backends.published import load_checkpoint
from model.backends.published.bidirectional import SequenceBackend
from model.backends.published.blockwise import BlockBackend
from model.backends.published.opening import LoadedModel
from model.backends.published.passes.buckets import bucket
from model.backends.published.passes.hole_pass import Asked, HolePass
from model.backends.published.passes.parcel import Parcel
from model.backends.published.passes.runner import Eager, Replayed, runner_for
from model.canvas import Canvas, Decision
from tests.model.backends.published.driven import committed
from tests.model.backends.published.golden import MASK, ROOT
from tests.model.backends.published.oracles import CASES
from tests.model.backends.published.passes.tape import capture, fake_cuda, indexing_without_cuda, refusing

CPU = torch.device("cpu")
NEVER = 1_000_000
BIDIRECTIONAL = ("llada", "dream", "a2d_qwen3")
BLOCKS = ("SDAR", "SDAR-MoE", "a2d-llama, bd3lm")


def test_buckets_hold_what_they_are_for() -> None:
    sizes = {bucket(n, least=16, per_octave=4) for n in range(1, 300)}
    assert sorted(sizes) == [16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
    for n in range(1, 3000):
        for least, per_octave in ((1, 1), (16, 4), (256, 8)):
            size = bucket(n, least=least, per_octave=per_octave)
            assert size >= n
            assert size == bucket(size, least=least, per_octave=per_octave)
            assert n <= least or size - n < size / per_octave


def test_a_parcel_is_what_was_put_in() -> None:
    arrays = {"a": np.arange(6).reshape(2, 3), "b": np.array([7]), "c": np.zeros((0, 4), dtype=np.int64)}
    parcel, packed = Parcel.of(arrays)
    assert packed.dtype == torch.int64
    opened = parcel.opened(packed)
    assert {name: t.tolist() for name, t in opened.items()} == {name: a.tolist() for name, a in arrays.items()}


class Starts:
    """A tokenizer of which some tokens begin with what is asked."""

    def tokens_starting_with(self, start: bytes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array([3, 5, 90], dtype=np.int64)


def loaded_case(name: str, tmp_path: Path) -> LoadedModel:
    if name in CASES:
        CASES[name].write(tmp_path)
        return load_checkpoint(tmp_path, "cpu", "float32")
    return load_checkpoint(ROOT / name, "cpu", "float32")


def backend_of(loaded: LoadedModel, runner: Eager | Replayed) -> Backend:
    if loaded.spec.block_tokens is not None:
        return BlockBackend(loaded.network, loaded.spec, fim=None, codec=Starts(), runner=runner)
    return SequenceBackend(loaded.network, loaded.spec, codec=Starts(), refresh=NEVER, runner=runner)


def context_of(loaded: LoadedModel, *, before: int, after: int, heals: bool = False) -> Context:
    rng = np.random.default_rng(before)
    pieces = tuple(rng.integers(6, 90, n) for n in (before, after if loaded.spec.block_tokens is None else 0))
    return Context(pieces=pieces, starts_with=(b"it" if heals else b"",))


def steps(canvas: Canvas, *, seed: int) -> list[Canvas]:
    """The canvas while more and more of it is decided."""
    rng, found = np.random.default_rng(seed), [canvas]
    for _ in range(3):
        last = found[-1]
        commit = last.open & (rng.random(last.ids.shape) < 0.4)
        commit[:, -1] = False
        found.append(
            last.apply(Decision.committing(commit, rng.integers(6, 90, last.ids.shape), commit + np.float32(0)))
        )
    return found


def alike(a: Prediction, b: Prediction) -> None:
    np.testing.assert_array_equal(a.ids[..., 0], b.ids[..., 0])
    np.testing.assert_allclose(a.probs, b.probs, atol=1e-5)
    np.testing.assert_allclose(a.entropy, b.entropy, atol=1e-4)
    np.testing.assert_allclose(a.current, b.current, atol=1e-4)


@pytest.mark.parametrize("heals", [False, True])
@pytest.mark.parametrize("name", [*BIDIRECTIONAL, *BLOCKS])
def test_captured_and_padded_is_as_eager(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, heals: bool
) -> None:
    monkeypatch.setattr(
        "model.backends.published.networks.experts._can_group", lambda rows, *weights: True
    )  # as on CUDA
    loaded = loaded_case(name, tmp_path)
    runner = Replayed(CPU, capture)
    plain, static = backend_of(loaded, Eager(CPU)), backend_of(loaded, runner)
    for before, length, rows in ((23, 5, 1), (11, 9, 3), (30, 5, 1)):
        context = context_of(loaded, before=before, after=17, heals=heals)
        a, b = plain.prefill(context), static.prefill(context)
        canvas = Canvas.stack([Canvas.masked([length - r], mask_id=loaded.spec.mask_id) for r in range(rows)])
        for now in steps(canvas, seed=length):
            alike(a.denoise(now), b.denoise(now))
    assert not runner.refused
    assert 1 <= runner.captured <= 4, "texts of other lengths share what was captured"


@pytest.mark.parametrize("name", [*BIDIRECTIONAL, *BLOCKS])
def test_the_same_order_of_commits(tmp_path: Path, name: str) -> None:
    loaded = loaded_case(name, tmp_path)
    context = context_of(loaded, before=20, after=9)
    canvas = Canvas.masked([8], mask_id=loaded.spec.mask_id)
    orders = [
        committed(backend_of(loaded, runner).prefill(context), canvas, loaded.spec)
        for runner in (Eager(CPU), Replayed(CPU, capture))
    ]
    assert orders[0] == orders[1]
    assert len(orders[0]) == 8


def test_requests_may_take_turns() -> None:
    """Two contexts of one size share a slot; each finds its own keys and values in it."""
    loaded = load_checkpoint(ROOT / "dream", "cpu", "float32")
    for runner in (Eager(CPU), Replayed(CPU, capture)):
        backend = backend_of(loaded, runner)
        contexts = [context_of(loaded, before=n, after=48 - n) for n in (20, 30)]
        alone = []
        for context in contexts:
            cached = backend_of(loaded, Eager(CPU)).prefill(context)
            alone.append([cached.denoise(now) for now in steps(Canvas.masked([6], mask_id=MASK), seed=1)])
        both = [backend.prefill(context) for context in contexts]
        for n, now in enumerate(steps(Canvas.masked([6], mask_id=MASK), seed=1)):
            for cached, expected in zip(both, alone, strict=True):
                alike(cached.denoise(now), expected[n])


class Waits:
    """Counts how often the host reads what the device computed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        for name in ("cpu", "item", "tolist", "__bool__", "__int__", "__float__", "__len__"):
            monkeypatch.setattr(torch.Tensor, name, self._counting(name, getattr(torch.Tensor, name)))

    def _counting(self, name: str, inner: Callable[..., object]) -> Callable[..., object]:
        def counted(tensor: torch.Tensor, *args: object, **kwargs: object) -> object:
            self.count += name != "__len__"
            return inner(tensor, *args, **kwargs)

        return counted


@pytest.mark.parametrize("name", [*BIDIRECTIONAL, "SDAR"])
@pytest.mark.parametrize("refresh", [1, NEVER])
def test_a_step_waits_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, refresh: int) -> None:
    loaded = loaded_case(name, tmp_path)
    cached = loaded.backend(refresh=1 if loaded.spec.block_tokens else refresh).prefill(
        context_of(loaded, before=20, after=9)
    )
    canvas = Canvas.masked([6], mask_id=loaded.spec.mask_id)
    now = steps(canvas, seed=0)
    cached.denoise(now[0])
    waits = Waits(monkeypatch)
    for n, canvas in enumerate(now[1:], start=1):
        cached.denoise(canvas)
        assert waits.count == n


ON_A_GPU = {"a2d-qwen2, grouped, tied": None, "a2d-qwen3, wide heads, biases": None, "LLaDA, biases everywhere": None,
            "LLaDA2, groups": 32, "SDAR": 4, "SDAR-MoE": 4, "LLaDA-MoE": None}  # fmt: skip


@pytest.mark.parametrize(("name", "block"), ON_A_GPU.items())
def test_a_step_would_run_on_a_gpu(tmp_path: Path, name: str, block: int | None) -> None:
    """Every tensor is on the device, no value is looked at (a fake tensor has none): so it could be captured."""
    config = loaded_case(name, tmp_path).network.config
    if config.experts is not None:  # of a width that the kernel for all experts takes, as published ones are
        config = replace(
            config, experts=replace(config.experts, feed_forward=16, shared=min(16, config.experts.shared))
        )
    with FakeTensorMode(), torch.no_grad():
        network = fake_cuda(config)
        step = HolePass(network, Eager(network.device), mask_id=config.vocab_size - 1, top_k=8, block_tokens=block)
        slot = step.slot(2, 40)
        parcel, numbers = Parcel.of(
            {
                "ids": np.zeros((2, 16), dtype=np.int64), "at": np.zeros((2, 16), dtype=np.int64),
                "length": np.full(2, 33), "picked": np.arange(9), "standing": np.zeros(9, dtype=np.int64),
                "which": np.zeros(9, dtype=np.int64),
            }
        )  # fmt: skip
        inputs = {
            "numbers": torch.empty(numbers.shape, dtype=torch.int64, device="cuda"),
            "allowed": torch.empty(2, config.vocab_size, dtype=torch.bool, device="cuda"),
        }
        with indexing_without_cuda():
            made = step._compute(inputs, parcel, slot, masked=True)  # noqa: SLF001  traced without a device to run it on
    assert made.device.type == "cuda"
    assert made.dtype == torch.float32
    assert made.shape == (9, 2 * min(8, config.vocab_size - 1) + 2)


class Masks(TorchDispatchMode):
    """The masks that attention was given."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.shapes: list[tuple[int, ...] | None] = []

    def __torch_dispatch__(
        self, func: object, types: object, args: tuple[object, ...] = (), kwargs: object = None
    ) -> object:
        more = kwargs if isinstance(kwargs, dict) else {}
        if "scaled_dot_product" in str(func):
            mask = more.get("attn_mask")
            self.shapes.append(None if mask is None else tuple(mask.shape))
        return func(*args, **more)  # type: ignore[operator]


def test_no_mask_where_none_is_needed() -> None:
    """A text alone, and one that fills its bucket, take the kernels without a mask; a padded one a mask of one row."""
    loaded = load_checkpoint(ROOT / "dream", "cpu", "float32")
    for before, expected in ((100, {256}), (245, {None})):
        cached = backend_of(loaded, Replayed(CPU, capture)).prefill(context_of(loaded, before=before, after=5))
        canvas = Canvas.masked([6], mask_id=MASK)
        with Masks() as masks:
            cached.denoise(canvas)
        assert set(masks.shapes) == {None}
        with Masks() as masks:
            cached.denoise(canvas)
        assert {None if shape is None else shape[-1] for shape in masks.shapes} == expected
        assert all(shape is None or shape[-2] == 1 for shape in masks.shapes)


def test_what_cannot_be_captured_is_run_as_it_stands() -> None:
    loaded = load_checkpoint(ROOT / "llada", "cpu", "float32")
    runner = Replayed(CPU, refusing)
    context = context_of(loaded, before=20, after=9)
    a, b = backend_of(loaded, Eager(CPU)).prefill(context), backend_of(loaded, runner).prefill(context)
    for now in steps(Canvas.masked([6], mask_id=MASK), seed=0):
        alike(a.denoise(now), b.denoise(now))
    assert runner.captured == 0
    assert set(runner.refused.values()) == {"operation not permitted when stream is capturing"}


def test_what_a_slot_held_is_forgotten_with_it() -> None:
    loaded = load_checkpoint(ROOT / "llada", "cpu", "float32")
    runner = Replayed(CPU, capture)
    step = HolePass(loaded.network, runner, mask_id=MASK, top_k=4, block_tokens=None)
    one = np.zeros((1, 1), dtype=np.int64)
    for rows in (1, 2, 4, 8, 16):
        asked = Asked(ids=one.repeat(rows, 0), at=one.repeat(rows, 0), length=np.ones(rows, dtype=np.int64),
                      picked=np.zeros(1, dtype=np.int64), standing=np.zeros(1, dtype=np.int64))  # fmt: skip
        with torch.no_grad():
            for n in range(3):
                step.run(step.slot(rows, 10), asked)
                assert runner.captured == min(rows.bit_length(), 4) - (n == 0), "what comes twice is captured"


def test_nothing_is_captured_without_cuda() -> None:
    assert not runner_for(CPU).padded
