"""Model directories, whole and damaged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from model.canvas import Canvas
from model.checkpoints.builtin import BuiltinDenoiser, choose_device, load
from model.denoiser import Context
from model.errors import UnknownDevice, UnknownModel
from model.networks.two_streams import Network
from model.tokenizer import Tokenizer
from tests.model import toy


@pytest.fixture
def saved(net: Network, folder: Path, tmp_path: Path) -> Path:
    target = tmp_path / "saved"
    target.mkdir()
    shutil.copy(folder / "tokenizer.json", target)
    (target / "config.json").write_text(json.dumps({"network": net.config.to_json()}))
    state = {name: tensor.to(torch.bfloat16) for name, tensor in net.state_dict().items()}
    names = sorted(state)
    for n, part in enumerate((names[:9], names[9:]), start=1):
        save_file({name: state[name].contiguous() for name in part}, target / f"weights-{n}-of-2.safetensors")
    return target


def test_what_was_saved_is_loaded(saved: Path, net: Network, tok: Tokenizer) -> None:
    denoiser, tokenizer = load(saved, device="cpu")
    assert tokenizer.vocab_size == denoiser.spec.vocab_size == toy.VOCAB
    assert denoiser.device == "cpu"
    pieces = tuple(tok.encode(piece, at_line_start=True) for piece in ("x = 1\n", "\nz\n"))
    there, canvas = Context(pieces=pieces, starts_with=(b"",)), Canvas.masked((5,), mask_id=denoiser.spec.mask_id)
    said = denoiser.prefill(there).denoise(canvas)
    expected = BuiltinDenoiser(net, tok).prefill(there).denoise(canvas)
    np.testing.assert_allclose(said.probs[..., 0], expected.probs[..., 0], atol=0.05)  # bfloat16 in between


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def _reshape(path: Path) -> None:
    state = load_file(path)
    name = next(iter(state))
    save_file({**state, name: torch.zeros(3)}, path)


DAMAGE: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "no tokenizer": ("tokenizer.json", Path.unlink, "no tokenizer"),
    "damaged tokenizer": ("tokenizer.json", _cut, "tokenizer .* is damaged"),
    "no config": ("config.json", Path.unlink, "No such file"),
    "damaged config": ("config.json", _cut, "name a directory"),
    "config of something else": ("config.json", lambda p: p.write_text("[]"), "name a directory"),
    "unknown size": ("config.json", lambda p: p.write_text('{"network": {"depth": 3}}'), "depth"),
    "no weights": ("weights-1-of-2.safetensors", Path.unlink, "9 of its weights are missing"),
    "cut weights": ("weights-2-of-2.safetensors", _cut, "name a directory"),
    "weights of another shape": ("weights-2-of-2.safetensors", _reshape, "size mismatch"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_missing_and_damaged_files_are_named_with_their_remedy(saved: Path, damage: str) -> None:
    name, harm, message = DAMAGE[damage]
    harm(saved / name)
    with pytest.raises(UnknownModel, match=message) as raised:
        load(saved, device="cpu")
    assert "\n" not in str(raised.value)
    assert "reinstall" in str(raised.value)


def test_a_tokenizer_of_another_network_is_told(saved: Path, net: Network) -> None:
    config = net.config.to_json() | {"vocab_size": toy.VOCAB + 8}
    (saved / "config.json").write_text(json.dumps({"network": config}))
    with pytest.raises(UnknownModel, match="tokenizer belongs to another network"):
        load(saved, device="cpu")


def test_devices() -> None:
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in {"cpu", "cuda", "mps"}
    with pytest.raises(UnknownDevice, match="choose auto, cpu, cuda or mps"):
        choose_device("tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_device_that_is_not_there(saved: Path) -> None:
    with pytest.raises(UnknownDevice, match="no cuda device here: choose --device cpu"):
        load(saved, device="cuda")
