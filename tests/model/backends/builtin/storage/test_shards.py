"""Folders that are damaged are refused with a reason and a remedy, whatever the damage."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.backends.builtin.runtime.network import Network
from model.backends.builtin.storage import shards
from model.backends.builtin.storage.packing import Format, dequantised, pack, quantise, unpack
from model.backends.builtin.storage.shards import open_shards, open_tensors, write_shards
from model.errors import BadRequest, UnknownModel
from tests.model.backends.builtin import toys


def refused(folder: Path, reason: str) -> None:
    with pytest.raises(UnknownModel, match=reason) as caught:
        Network.open(folder)
    assert "dlm-fill train base" in str(caught.value)
    assert "\n" not in str(caught.value)


def shard(folder: Path) -> Path:
    (found,) = folder.glob("weights-*.safetensors")
    return found


def test_a_folder_without_config_or_weights(tmp_path: Path) -> None:
    refused(tmp_path, "config.json")
    toys.write(tmp_path)
    shard(tmp_path).unlink()
    refused(tmp_path, "no weights")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 2, "architecture": "qwen2"}', '{"format": 1, "architecture": "qwen2"}']
)
def test_a_config_that_says_nothing(tmp_path: Path, text: str) -> None:
    (toys.write(tmp_path) / "config.json").write_text(text)
    refused(tmp_path, "config.json")


@pytest.mark.parametrize(
    ("name", "value"),
    [("layers", 4), ("width", 256), ("feed_forward", 191), ("vocab_size", 300), ("kv_heads", 4), ("heads", 0), ("layers", "3"),
     ("norm_epsilon", -1), ("special", {"end_of_text": 999})],
)  # fmt: skip
def test_a_config_of_another_network(tmp_path: Path, name: str, value: object) -> None:
    path = toys.write(tmp_path) / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    refused(tmp_path, "config.json")


def test_every_cut_of_a_shard_is_noticed(tmp_path: Path) -> None:
    path = shard(toys.write(tmp_path))
    whole = path.read_bytes()
    for length in (0, 1, 7, 8, 9, 100, 5000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused(tmp_path, "cannot read the weights")


def test_a_shard_that_is_missing_or_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_HEADER_BYTES", 20_000)
    monkeypatch.setattr(write_shards, "__kwdefaults__", {"shard_bytes": 80_000})
    toys.write(tmp_path)
    files = sorted(tmp_path.glob("weights-*"))
    assert len(files) > 2
    assert all(path.stat().st_size <= 80_000 for path in files)
    assert Network.open(tmp_path, kernel="numpy").config == toys.CONFIG
    held = files[1].read_bytes()
    files[1].unlink()
    refused(tmp_path, files[1].name)
    files[1].write_bytes(held)
    (tmp_path / "weights-01-of-99.safetensors").write_bytes(held)
    refused(tmp_path, "not one set")


def test_a_large_matrix_is_cut_between_panels_and_read_as_one(tmp_path: Path) -> None:
    toys.write(tmp_path)
    matrices, vectors = open_shards(tmp_path)
    again = tmp_path / "again"
    again.mkdir()
    write_shards(again, matrices, vectors, shard_bytes=256_000 + 9_000)
    cut, same = open_shards(again)
    assert max(len(m.pieces) for m in cut.values()) > 1
    assert set(cut) == set(matrices)
    for name, matrix in matrices.items():
        assert cut[name].format == matrix.format
        np.testing.assert_array_equal(cut[name].whole(), matrix.whole())
    for name, vector in vectors.items():
        np.testing.assert_array_equal(same[name], vector)


def header(path: Path, text: str) -> None:
    body = path.read_bytes()
    length = int.from_bytes(body[:8], "little")
    path.write_bytes(len(text).to_bytes(8, "little") + text.encode() + body[8 + length :])


def test_a_tensor_at_an_odd_place_or_of_another_type(tmp_path: Path) -> None:
    path = shard(toys.write(tmp_path))
    held = path.read_bytes()
    said = json.loads(held[8 : 8 + int.from_bytes(held[:8], "little")])
    header(path, json.dumps(said) + " " * (3 - len(json.dumps(said)) % 3))
    refused(tmp_path, "multiple of 64")
    for change in ({"dtype": "I64"}, {"shape": [1]}, {"data_offsets": [0]}, {"data_offsets": [-64, 0]}):
        name = next(name for name in said if name != "__metadata__")
        path.write_bytes(held)
        header(path, json.dumps(said | {name: said[name] | change}))
        refused(tmp_path, "cannot read the weights")
    path.write_bytes(held)
    header(path, "[1, 2]")
    refused(tmp_path, "cannot read the weights")


def test_formats_that_no_kernel_reads() -> None:
    changes: list[dict[str, Any]] = [{"bits": 5}, {"group": 48}, {"columns": 100}, {"rows": 0}]
    for change in changes:
        with pytest.raises(BadRequest):
            replace(Format(rows=64, columns=128, bits=4, group=32, mins=False), **change)
    with pytest.raises(BadRequest, match="does not fit in 4 bits"):
        pack(np.full((32, 32), 16, np.uint8), np.ones((32, 1), np.float16), bits=4)


def test_matrices_that_share_an_input_share_its_groups(tmp_path: Path) -> None:
    matrices, vectors = open_shards(toys.write(tmp_path))
    others, _ = open_shards(toys.write(tmp_path / "64", group=64))
    name = "model.layers.1.self_attn.k_proj.weight"
    held = {
        key: shards.Packed(format=m.format, pieces=tuple(np.array(p) for p in m.pieces)) for key, m in matrices.items()
    }
    write_shards(tmp_path, held | {name: others[name]}, {key: np.array(v) for key, v in vectors.items()})
    refused(tmp_path, "share an input")


def test_an_adapter_of_another_network(tmp_path: Path) -> None:
    path = toys.write(tmp_path, rank=2) / "adapter-1.safetensors"
    assert Network.open(tmp_path).has_adapter
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UnknownModel, match="cut short"):
        Network.open(tmp_path)


def test_mapped_weights_cannot_be_written(tmp_path: Path) -> None:
    tensors, _ = open_tensors(shard(toys.write(tmp_path)))
    assert not any(tensor.flags.writeable or tensor.flags.owndata for tensor in tensors.values())


@given(
    rows=st.integers(1, 70), groups=st.integers(1, 4), group=st.sampled_from([32, 64]), bits=st.sampled_from([4, 8]),
    mins=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
def test_packing_keeps_every_code(rows: int, groups: int, group: int, bits: int, mins: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 1 << bits, (rows, groups * group)).astype(np.uint8)
    scales = rng.standard_normal((rows, groups)).astype(np.float16)
    least = rng.standard_normal((rows, groups)).astype(np.float16) if mins else None
    form = Format(rows=rows, columns=groups * group, bits=bits, group=group, mins=mins)
    packed = pack(codes, scales, least, bits=bits)
    assert packed.nbytes == form.nbytes
    assert packed.nbytes % 64 == 0
    back = unpack(packed, form)
    np.testing.assert_array_equal(back[0], codes)
    np.testing.assert_array_equal(back[1], scales)
    assert (back[2] is None) is (least is None)
    if back[2] is not None and least is not None:
        np.testing.assert_array_equal(back[2], least)


@given(bits=st.sampled_from([4, 8]), mins=st.booleans(), seed=st.integers(0, 99))
def test_quantised_weights_are_within_half_a_step(bits: int, mins: bool, seed: int) -> None:
    weights = np.random.default_rng(seed).standard_normal((40, 64)).astype(np.float32)
    codes, scales, least = quantise(weights, bits=bits, group=32, mins=mins)
    form = Format(rows=40, columns=64, bits=bits, group=32, mins=mins)
    back = dequantised(pack(codes, scales, least, bits=bits), form)
    step = np.repeat(np.abs(scales.astype(np.float32)), 32, axis=1)
    room = 0.51 if mins else 1.01  # the largest weight of the other side may lie a whole step beyond the last code
    assert (np.abs(back - weights) <= room * step + 2e-3 * np.abs(weights).max()).all()
