"""Models that do not fit, and requests that do not: told with sizes, never with a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lsp_server.cli.main import run
from model.backend import Context
from model.backends.published import load_checkpoint
from model.backends.published.networks.decoder import Decoder
from model.backends.published.passes.room import check_room, free_bytes, ran_out, sizes_told, weights_bytes
from model.backends.published.weights import weight_files
from model.canvas import Canvas
from model.errors import NotEnoughMemory, UnknownModel
from tests.model.backends.published import tiny
from tests.model.backends.published.golden import MASK, ROOT, golden
from tests.model.backends.published.oracles import CASES
from tests.model.backends.published.test_backends import split

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize("shards", [1, 3])
def test_the_size_is_that_of_the_network(tmp_path: Path, shards: int) -> None:
    CASES["SDAR"].write(tmp_path, shards=shards)
    network = load_checkpoint(tmp_path, "cpu", "float32").network
    assert weights_bytes(weight_files(tmp_path), torch.float32) == sum(4 * p.numel() for p in network.parameters())
    assert weights_bytes(weight_files(tmp_path), torch.bfloat16) == sum(2 * p.numel() for p in network.parameters())


def test_a_damaged_header_is_no_size(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    for data in (b"", b"\xff" * 8, b"\x02" + b"\x00" * 7 + b"[]", b"\x09" + b"\x00" * 7 + b'{"a": {}}'):
        path.write_bytes(data)
        with pytest.raises(UnknownModel, match=r"model\.safetensors is truncated or damaged: download"):
            weights_bytes([path], torch.float32)


def test_this_machine_has_memory() -> None:
    there = free_bytes(CPU)
    assert there is None or there > 1 << 20


def test_what_does_not_fit_is_refused_before_it_is_loaded() -> None:
    files = weight_files(ROOT / "dream")
    needed = weights_bytes(files, torch.bfloat16)
    check_room(ROOT / "dream", files, device=CUDA, dtype=torch.bfloat16, free=lambda _: None)
    check_room(ROOT / "dream", files, device=CUDA, dtype=torch.bfloat16, free=lambda _: 2 * needed)
    with pytest.raises(NotEnoughMemory) as raised:
        check_room(ROOT / "dream", files, device=CUDA, dtype=torch.bfloat16, free=lambda _: 20_000)
    said = str(raised.value)
    assert f"dream takes {needed / 1e6:.1f} MB in bfloat16, cuda has 0.0 MB free" in said
    assert "--device cpu" in said
    assert "not split between memories" in said
    assert "\n" not in said


def test_loading_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.backends.published.passes.room.check_room.__kwdefaults__", {"free": lambda _: 1000})
    with pytest.raises(NotEnoughMemory, match=r"llada takes .* in float32, cpu has 0\.0 MB free"):
        load_checkpoint(ROOT / "llada", "cpu", "float32")


FAILURES = [MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")]  # fmt: skip


def short_of_memory(monkeypatch: pytest.MonkeyPatch, failure: Exception, *, most_tokens: int) -> list[int]:
    """Passes over more tokens fail; the lengths that were tried."""
    tried: list[int] = []
    states: Callable[..., torch.Tensor] = Decoder.states

    def limited(self: Decoder, ids: torch.Tensor, **options: Any) -> torch.Tensor:
        tried.append(ids.shape[1])
        if ids.shape[1] > most_tokens:
            raise failure
        return states(self, ids, **options)

    monkeypatch.setattr(Decoder, "states", limited)
    return tried


@pytest.mark.parametrize("failure", FAILURES)
def test_a_pass_that_does_not_fit_names_sizes(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    loaded = load_checkpoint(ROOT / "dream", "cpu", "float32")
    context, canvas, _ = split(golden("dream")[1].ids[0].numpy())
    short_of_memory(monkeypatch, failure, most_tokens=5)
    length = sum(map(len, context.pieces)) + canvas.ids.shape[1]
    with pytest.raises(NotEnoughMemory, match=f"out of memory on cpu.*: 1 text of {length} tokens at once; ask for"):
        loaded.backend().prefill(context).denoise(canvas)


def test_block_causal_networks_say_so_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    CASES["SDAR"].write(tmp_path)
    loaded = load_checkpoint(tmp_path, "cpu", "float32")
    context = Context(pieces=(np.arange(30), np.arange(0)), starts_with=(b"",))
    cached = loaded.backend().prefill(context)
    short_of_memory(monkeypatch, FAILURES[1], most_tokens=3)
    with pytest.raises(NotEnoughMemory, match="1 text of 30 tokens"):
        loaded.backend().prefill(context)
    with pytest.raises(NotEnoughMemory, match="2 texts of 36 tokens"):
        cached.denoise(Canvas.masked((5,), mask_id=MASK, rows=2))


def test_other_failures_stay_what_they_are() -> None:
    assert not ran_out(RuntimeError("shape mismatch"))
    released: list[int] = []
    with (
        pytest.raises(RuntimeError, match="shape mismatch"),
        sizes_told(CPU, rows=1, tokens=1, release=lambda: released.append(1)),
    ):
        raise RuntimeError("shape mismatch")
    assert not released


def test_the_command_line_tries_less_context_and_then_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.write(tmp_path / "model")
    file = tmp_path / "shop.py"
    file.write_text("value = 1\n" * 400)
    args = [f"{file}:200", "--model", str(tmp_path / "model"), "--device", "cpu", "--length", "4", "--json"]
    tried = short_of_memory(monkeypatch, FAILURES[1], most_tokens=250)
    assert run(args) in {0, 1}
    assert any(n > 250 for n in tried)
    assert 100 < tried[-1] <= 250
    capsys.readouterr()
    tried = short_of_memory(monkeypatch, FAILURES[1], most_tokens=3)
    assert run(args) == 2
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1
    assert "out of memory on cpu" in said
    assert tried[0] > 1.8 * tried[1] > 3 * tried[2]
