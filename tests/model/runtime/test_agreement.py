"""Compiled or in NumPy, a pass says what torch says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.canvas import Canvas
from model.checkpoints.builtin import BuiltinDenoiser
from model.denoiser import Context, Denoiser, Prediction
from model.networks.two_streams import Network
from model.runtime import layout as runtime_layout
from model.runtime import session as runtime_session
from model.runtime import written as written_module
from model.runtime.compiled import library
from model.runtime.denoiser import RuntimeDenoiser
from model.runtime.load import load
from model.runtime.native import CHOICE
from model.tokenizer import MASK_ID, RESERVED_TOKENS, Tokenizer
from tests.model import toy

Made = Callable[..., tuple[Network, Path]]
Pair = tuple[Denoiser, Denoiser, Tokenizer]


def opened(made: tuple[Network, Path], kernel: str) -> Pair:
    net, directory = made
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CHOICE, kernel)
        runtime, tokenizer = load(directory)
    assert runtime.computes_by == ("NumPy" if kernel == "numpy" else f"compiled ({kernel})")
    return BuiltinDenoiser(net, tokenizer), runtime, tokenizer


def kernels() -> list[str]:
    """Every way to compute that this machine has."""
    found = library()
    if found is None:
        return ["numpy"]
    sets = {found.dlm_variant(name).decode() for name in (b"avx512bf16", b"avx512", b"avx2", b"base")}
    return ["numpy", *sorted(sets)]


SHAPES: dict[str, dict[str, int]] = {
    "all heads": {"kv_heads": 2},
    "shared heads": {"kv_heads": 1},
    "biases": {"kv_heads": 1, "qkv_bias": True},
}


@pytest.fixture(scope="module", params=[(shape, kernel) for shape in SHAPES for kernel in kernels()], ids=" by ".join)
def pair(request: pytest.FixtureRequest, made: Made) -> Pair:
    shape, kernel = request.param
    return opened(made(**SHAPES[shape]), kernel)


def context(tok: Tokenizer, *pieces: str, starts_with: tuple[bytes, ...] | None = None) -> Context:
    ids = tuple(tok.encode(piece, at_line_start=True) for piece in pieces)
    return Context(pieces=ids, starts_with=starts_with or (b"",) * (len(pieces) - 1))


def drawn(sizes: tuple[int, ...], *, seed: int, decided: float = 0.5) -> Canvas:
    rng = np.random.default_rng(seed)
    canvas = Canvas.masked(sizes, mask_id=MASK_ID)
    known = rng.random(canvas.ids.shape) < decided
    ids = rng.integers(RESERVED_TOKENS, toy.VOCAB, canvas.ids.shape)
    return replace(canvas, ids=np.where(known, ids, MASK_ID), open=~known, confidence=known.astype(np.float32))


def near(runtime: Denoiser) -> float:
    """How far it may be from torch: products of bfloat16 round what they multiply, and toys have wild weights."""
    assert isinstance(runtime, RuntimeDenoiser)
    return 0.1 if "bf16" in runtime.computes_by else 1e-3


def same(a: Prediction, b: Prediction, *, atol: float, entropies: bool = True) -> None:
    np.testing.assert_allclose(a.probs, b.probs, atol=atol)
    if entropies:
        np.testing.assert_allclose(a.entropy, b.entropy, atol=atol)
    np.testing.assert_allclose(a.current, b.current, atol=atol)
    clear = a.probs[..., :-1] - a.probs[..., 1:] > 2 * atol
    assert ((a.ids == b.ids)[..., 0] | ~clear[..., 0]).all()


TEXTS: dict[str, tuple[str, ...]] = {
    "one hole": ("def f(value):\n", "\n    return x\n"),
    "two holes": ("def f(value):\n", "\n    x = 1\n", "\nreturn x\n"),
    "nothing before": ("", "x = 1\n"),
    "nothing behind": ("x = 1\n", ""),
    "nothing at all": ("", ""),
    "long": (toy.source(3) * 3, toy.source(4) * 2),
}


@pytest.mark.parametrize("text", TEXTS)
def test_both_paths_predict_the_same(pair: Pair, text: str) -> None:
    torch_path, runtime, tok = pair
    there = context(tok, *TEXTS[text])
    holes = len(TEXTS[text]) - 1
    rows = [drawn((7, 5)[:holes], seed=1), drawn((3, 12)[:holes], seed=2), drawn((1, 1)[:holes], seed=3, decided=1)]
    canvas = Canvas.stack(rows)
    expected, found = torch_path.prefill(there), runtime.prefill(there)
    same(expected.denoise(canvas), found.denoise(canvas), atol=near(runtime))
    same(expected.score(canvas), found.score(canvas), entropies=False, atol=near(runtime))


def test_healing_restricts_the_same_positions(pair: Pair) -> None:
    torch_path, runtime, tok = pair
    there = context(tok, "def f(value):\n    x =", "\n", "\n", starts_with=(b" va", b"re"))
    canvas = Canvas.stack([drawn((4, 4), seed=4, decided=0), drawn((4, 4), seed=5, decided=1)])
    expected, found = torch_path.prefill(there), runtime.prefill(there)
    same(expected.denoise(canvas), found.denoise(canvas), atol=near(runtime))
    same(expected.score(canvas), found.score(canvas), entropies=False, atol=near(runtime))
    allowed = set(tok.tokens_starting_with(b" va").tolist())
    said = found.denoise(canvas)
    assert {int(i) for i, p in zip(said.ids[0, 0], said.probs[0, 0], strict=True) if p > 0} <= allowed


def test_nothing_open_is_nothing_said(pair: Pair) -> None:
    torch_path, runtime, tok = pair
    there, canvas = context(tok, "x = 1\n", "\n"), drawn((4,), seed=6, decided=1)
    said = runtime.prefill(there).denoise(canvas)
    assert not said.probs.any()
    same(torch_path.prefill(there).denoise(canvas), said, atol=near(runtime))


def test_a_context_in_chunks_and_rows_in_groups(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither how many tokens of a stream are read at once nor how many rows share a pass changes what comes out."""
    torch_path, runtime, tok = pair
    there = context(tok, toy.source(5) * 2, toy.source(6) * 2)
    canvas = Canvas.stack([drawn((9,), seed=n) for n in range(6)])
    expected = torch_path.prefill(there)
    monkeypatch.setattr(runtime_session, "CHUNK_TOKENS", 7)
    monkeypatch.setattr(runtime_layout, "PASS_TOKENS", 25)
    found = runtime.prefill(there)
    same(expected.denoise(canvas), found.denoise(canvas), atol=near(runtime))
    same(expected.score(canvas), found.score(canvas), entropies=False, atol=near(runtime))


def beams(tok: Tokenizer, *, seed: int, steps: int, width: int = 4) -> Iterator[Canvas]:
    """What a search asks for: texts that grow by a token, some of which branch and some of which end."""
    rng = np.random.default_rng(seed)
    rows = np.empty((1, 0), dtype=np.int64)
    for _ in range(steps):
        shape = (len(rows), rows.shape[1] + 1)
        following = np.zeros(shape, dtype=bool)
        following[:, -1] = True
        ids = np.concatenate([rows, np.full((len(rows), 1), MASK_ID)], axis=1)
        yield Canvas(
            ids=ids, open=following, hole=np.zeros(shape, np.int64), confidence=np.ones(shape, np.float32), mask_id=0
        )
        kept = rng.integers(0, len(rows), width)
        rows = np.concatenate([rows[kept], rng.integers(RESERVED_TOKENS, tok.vocab_size, (width, 1))], axis=1)


@pytest.mark.parametrize("most", [512, 9])
def test_what_is_written_token_by_token_is_predicted_as_if_it_were_read_whole(
    pair: Pair, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(written_module, "MOST_TOKENS", most)
    torch_path, runtime, tok = pair
    there = context(tok, "def f(value):\n    x =", "\n", starts_with=(b" va",))
    expected, found = torch_path.prefill(there), runtime.prefill(there)
    for canvas in beams(tok, seed=1, steps=7):
        same(
            expected.score(canvas, wanted=canvas.open),
            found.score(canvas, wanted=canvas.open),
            entropies=False,
            atol=near(runtime),
        )
    for canvas in beams(tok, seed=2, steps=3):  # another search, after a draft, over the same context
        same(expected.score(canvas), found.score(canvas), entropies=False, atol=near(runtime))
        same(
            expected.score(canvas, wanted=canvas.open),
            found.score(canvas, wanted=canvas.open),
            entropies=False,
            atol=near(runtime),
        )
        same(expected.denoise(canvas), found.denoise(canvas), atol=near(runtime))


def test_what_is_wanted_in_the_middle_is_said_too(pair: Pair) -> None:
    torch_path, runtime, tok = pair
    there, canvas = context(tok, "x = 1\n", "y = 2\n"), drawn((9,), seed=7, decided=1)
    wanted = np.zeros(canvas.ids.shape, dtype=bool)
    wanted[0, [2, 3, 6]] = True
    expected, found = torch_path.prefill(there), runtime.prefill(there)
    for _ in range(2):
        same(
            expected.score(canvas, wanted=wanted),
            found.score(canvas, wanted=wanted),
            entropies=False,
            atol=near(runtime),
        )


def test_a_token_more_is_all_that_is_read(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    _, runtime, tok = pair
    prefilled, read = runtime.prefill(context(tok, "x = 1\n", "y = 2\n")), list[int]()
    passes = runtime._session.passes  # type: ignore[attr-defined]
    run = passes.predict

    def counted(*given: Any) -> Any:
        read.append(len(given[3].ids))
        return run(*given)

    monkeypatch.setattr(passes, "predict", counted)
    for canvas in beams(tok, seed=3, steps=6):
        prefilled.score(canvas, wanted=canvas.open)
    assert read == [1, 4, 4, 4, 4, 4]
    read.clear()
    twice = Canvas.stack([drawn((9,), seed=1, decided=1)] * 3)
    prefilled.score(twice)
    assert read == [9], "texts that are equal are read once, and nothing comes after the last token"


def test_tokens_that_do_not_exist_are_told(pair: Pair) -> None:
    _, runtime, tok = pair
    there = context(tok, "x = 1\n", "y = 2\n")
    beyond = Canvas.decided([[np.asarray([toy.VOCAB])]], mask_id=MASK_ID)
    with pytest.raises(IndexError):
        runtime.prefill(there).score(beyond)
    with pytest.raises(IndexError):
        runtime.prefill(Context(pieces=(np.asarray([5]), np.asarray([toy.VOCAB])), starts_with=(b"",)))


def test_passes_of_several_threads_do_not_mix(pair: Pair) -> None:
    _, runtime, tok = pair
    texts = [context(tok, toy.source(n), toy.source(n + 1)) for n in range(4)]
    canvas = Canvas.masked((6,), mask_id=MASK_ID)
    prefilled = [runtime.prefill(there) for there in texts]
    expected = [there.denoise(canvas).probs for there in prefilled]

    def again(n: int) -> bool:
        return all(np.array_equal(prefilled[n].denoise(canvas).probs, expected[n]) for _ in range(5))

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(again, range(4)))
