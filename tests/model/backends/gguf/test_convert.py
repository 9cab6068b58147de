"""GGUF files that people have: what comes of the weights, the tokens and the special ones, and what is refused and why."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gguf
import numpy as np
import pytest

from model.backends.builtin.storage.config import read_config
from model.backends.builtin.storage.packing import dequantised
from model.backends.builtin.storage.shards import open_shards
from model.backends.builtin.storage.weights import EMBEDDING
from model.backends.builtin.tokenizer import CodeTokenizer
from model.backends.gguf.convert import converted
from model.backends.gguf.file import GgufFile
from model.backends.locate import directory_of, fetch
from model.errors import DiskFull, UnknownModel
from model.filler import open_filler
from model.types import FillRequest, Hole, Template
from tests.model.backends.gguf import tiny_gguf

LARGE: dict[str, Any] = {"width": 256, "feed": 256, "heads": 4, "kv_heads": 2}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where converted models are kept, in these tests."""
    folder = tmp_path / "cache"
    monkeypatch.setattr("model.backends.gguf.convert.user_cache_path", lambda name: folder / name)
    return folder


def silent(done: int, of: int) -> None:
    """Nobody looks."""


def matrix(folder: Path, name: str) -> Any:
    packed = open_shards(folder)[0][name]
    return dequantised(packed.whole(), packed.format)


@pytest.mark.parametrize("kind", ["F16", "BF16", "Q4_0", "Q5_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K"])
def test_the_weights_are_those_of_the_file_as_nearly_as_their_bits_tell(tmp_path: Path, kind: str) -> None:
    path = tiny_gguf.write(tmp_path / "tiny.gguf", kind=kind, **LARGE)
    folder, file = converted(path, say=silent), GgufFile(path)
    for name in ("model.layers.1.self_attn.q_proj.weight", "model.layers.0.mlp.down_proj.weight"):
        truth, found = file.weight(name), matrix(folder, name)
        assert np.isfinite(truth).all()
        assert np.ptp(truth) > 0
        groups = truth.reshape(len(truth), -1, 32)
        steps = 15 if kind.startswith("Q4") else 254
        step = 2 * np.abs(groups).max(axis=2, keepdims=True) / steps
        nearest = 0.51 if kind.startswith("Q4") else 1.02  # of eight bits without mins the last code is one short
        assert (np.abs(found.reshape(groups.shape) - groups) <= nearest * step + 1e-3 * np.abs(groups).max()).all()
        assert open_shards(folder)[0][name].format.bits == (4 if kind.startswith("Q4") else 8)


def test_rows_of_queries_and_keys_of_llama_are_put_as_halves_turn(tmp_path: Path) -> None:
    truth = tiny_gguf.weights()

    def permuted(weight: Any, heads: int) -> Any:
        """As llama.cpp's converter does to weights of Hugging Face."""
        return weight.reshape(heads, 2, weight.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(weight.shape)

    llama = {
        name: permuted(w, tiny_gguf.HEADS if "attn_q" in name else tiny_gguf.KV_HEADS)
        if "attn_q" in name or "attn_k" in name else w
        for name, w in truth.items()
    }  # fmt: skip
    one = converted(tiny_gguf.write(tmp_path / "qwen.gguf", tensors=truth), say=silent)
    other = converted(
        tiny_gguf.write(tmp_path / "llama.gguf", architecture="llama", tensors=llama, biases=False), say=silent
    )
    for part in ("q_proj", "k_proj", "v_proj", "o_proj"):
        name = f"model.layers.1.self_attn.{part}.weight"
        assert np.array_equal(matrix(one, name), matrix(other, name)), part
    assert not open_shards(other)[1]["model.layers.0.self_attn.q_proj.bias"].any()
    assert open_shards(one)[1]["model.layers.0.self_attn.q_proj.bias"].any()


def test_a_file_fills_and_is_converted_once(tmp_path: Path, cache: Path) -> None:
    path = tiny_gguf.write(tmp_path / "tiny.gguf")
    assert fetch(str(path)) is None, "it is no name of the hub"
    filler = open_filler(str(path))
    assert (filler.info.name, filler.info.device) == ("tiny", "cpu")
    fill = filler.fill(FillRequest(template=Template(pieces=("def a():\n", "\n"), holes=(Hole(max_lines=1),))))
    assert fill.forward_passes > 0
    (folder,) = (cache / "dlm-fill" / "gguf").iterdir()
    before = (folder / "config.json").stat().st_mtime_ns
    assert directory_of(str(path)) == folder
    assert (folder / "config.json").stat().st_mtime_ns == before
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert directory_of(str(path)) != folder, "another content"


def test_texts_are_encoded_as_the_file_has_its_tokens_whatever_their_order(tmp_path: Path) -> None:
    folder = converted(tiny_gguf.write(tmp_path / "tiny.gguf"), say=silent)
    tokenizer, vocabulary = CodeTokenizer(folder / "tokenizer.json"), GgufFile(tmp_path / "tiny.gguf").vocabulary()
    ids = tokenizer.encode("def self():\n\n    return é")
    assert [vocabulary.tokens[i] for i in ids.tolist()][:2] == [b"def", b" "]
    assert tokenizer.decode(ids) == "def self():\n\n    return é"
    truth = tiny_gguf.weights()["token_embd.weight"][list(vocabulary.ids)]
    assert np.abs(matrix(folder, EMBEDDING)[: len(truth)] - truth).max() < 0.01


def test_tokens_of_fill_in_the_middle_come_from_the_metadata_first(tmp_path: Path) -> None:
    texts = ("<|endoftext|>", "<begin>", "<hole>", "<end>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
    text_tokens = len(tiny_gguf.vocabulary()[0])
    # The embedding has a row a token: as many specials as it was made for.
    tensors = tiny_gguf.weights()
    extra = np.zeros((len(texts) - len(tiny_gguf.SPECIAL), tiny_gguf.WIDTH), dtype=np.float32)
    tensors["token_embd.weight"] = np.concatenate([tensors["token_embd.weight"], extra])
    named = {
        f"tokenizer.ggml.fim_{key}_token_id": text_tokens + n for n, key in enumerate(("pre", "suf", "mid"), start=1)
    }
    path = tiny_gguf.write(tmp_path / "named.gguf", special=texts, tensors=tensors, more=named)
    special = read_config(converted(path, say=silent)).special
    assert [special[name] for name in ("fim_prefix", "fim_suffix", "fim_middle")] == [
        text_tokens + n for n in (1, 2, 3)
    ]
    assert special["endoftext"] == text_tokens


REFUSED = {
    "another architecture": ({"architecture": "gemma2"}, "architecture 'gemma2': this reads qwen2 and llama"),
    "words apart": (
        {"more": {"tokenizer.ggml.model": "llama"}},
        "tokenizer of kind 'llama': this reads byte-level BPE",
    ),
    "another splitter": ({"more": {"tokenizer.ggml.pre": "viking"}}, "parts text as 'viking' does: this reads qwen2"),
    "no middle": ({"special": ("<|endoftext|>", "<a>", "<b>", "<c>", "<d>")}, "was not trained to fill gaps"),
    "scaled": ({"more": {"qwen2.rope.scaling.type": "yarn"}}, "turns its positions by yarn"),
    "a tensor is missing": ({"leave_out": "blk.1.ffn_up.weight"}, "holds no blk.1.ffn_up.weight"),
    "a type": ({"kind": "Q4_1"}, "weights of type Q4_1: this reads F32, F16"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_named_with_the_remedy_and_leaves_nothing(
    tmp_path: Path, cache: Path, case: str
) -> None:
    options, says = REFUSED[case]
    path = tiny_gguf.write(tmp_path / "tiny.gguf", **options)  # type: ignore[arg-type]
    with pytest.raises(UnknownModel) as told:
        converted(path, say=silent)
    assert says in str(told.value)
    assert "tiny.gguf" in str(told.value)
    assert [p for p in cache.rglob("*") if p.is_file()] == []


def test_a_head_of_its_own_is_refused_before_anything_is_written(tmp_path: Path, cache: Path) -> None:
    tensors = tiny_gguf.weights()
    tensors["output.weight"] = tensors["token_embd.weight"][::-1].copy()
    path = tiny_gguf.write(tmp_path / "tiny.gguf", tensors=tensors)
    with pytest.raises(UnknownModel, match="a head apart from its embedding"):
        converted(path, say=silent)
    assert not cache.exists()


def test_an_embedding_that_is_the_head_too_is_read_from_whichever_is_more_exact(tmp_path: Path) -> None:
    tensors = tiny_gguf.weights()
    noise = np.random.default_rng(0).normal(size=tensors["token_embd.weight"].shape) * 0.005
    tensors["output.weight"] = tensors["token_embd.weight"]
    tensors["token_embd.weight"] = tensors["token_embd.weight"] + noise.astype(np.float32)
    path = tiny_gguf.write(tmp_path / "tiny.gguf", tensors=tensors)
    ids = list(GgufFile(path).vocabulary().ids)
    found = matrix(converted(path, say=silent), EMBEDDING)[: len(ids)]
    assert np.abs(found - tensors["output.weight"][ids]).max() < 0.003


@pytest.mark.parametrize("content", [b"", b"hello", b"GGUF" + bytes(20)])
def test_what_is_no_such_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tiny.gguf").write_bytes(content)
    with pytest.raises(UnknownModel, match=r"tiny\.gguf"):
        open_filler(str(tmp_path / "tiny.gguf"))
    with pytest.raises(UnknownModel, match=r"there is no file .*none\.gguf"):
        open_filler(str(tmp_path / "none.gguf"))


def test_a_conversion_that_is_interrupted_leaves_nothing_and_is_told_step_by_step(tmp_path: Path, cache: Path) -> None:
    path, steps = tiny_gguf.write(tmp_path / "tiny.gguf"), list[tuple[int, int]]()

    def interrupted(done: int, of: int) -> None:
        steps.append((done, of))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        converted(path, say=interrupted)
    assert [p for p in cache.rglob("*") if p.is_file()] == []
    steps.clear()
    converted(path, say=lambda done, of: steps.append((done, of)))
    assert [done for done, _ in steps] == list(range(1, steps[0][1] + 1))


def test_where_there_is_no_room_it_says_how_much_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(DiskFull, match="free some space"):
        converted(tiny_gguf.write(tmp_path / "tiny.gguf"), say=silent)


def test_the_library_says_what_these_blocks_are() -> None:
    """The random blocks of types that it does not write are as long as it reads them."""
    for kind, (scales, rest) in tiny_gguf.BLOCKS.items():
        assert gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]] == (256, abs(scales) + rest)
