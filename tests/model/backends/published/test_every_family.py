"""What holds for the loader of each family: damage is named with its file and remedy, odd shapes fit, and it fills."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.backends.published import load_checkpoint
from model.errors import UnknownModel
from model.filler import open_filler
from model.types import FillRequest, Hole, Template
from tests.model.backends.published import oracles
from tests.model.backends.published.oracles import CASES, MASK, Case, sizes
from tests.model.backends.published.test_families import aligned, text
from tests.model.backends.published.tiny import change, write_tokenizer


def told(directory: Path) -> str:
    with pytest.raises(UnknownModel) as raised:
        load_checkpoint(directory, "cpu", "float32")
    said = str(raised.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize("name", CASES)
def test_damage_is_named(name: str, tmp_path: Path) -> None:
    CASES[name].write(tmp_path)
    path = tmp_path / "model.safetensors"
    whole, tensors = path.read_bytes(), load_file(path)
    chosen = random.Random(name).sample(sorted(n for n, t in tensors.items() if t.numel()), 3)
    for tensor in chosen:
        save_file({n: t for n, t in tensors.items() if n != tensor}, path)
        assert f"{path} lacks {tensor}" in (said := told(tmp_path))
        assert "download the checkpoint again" in said
        longer = torch.cat([tensors[tensor], tensors[tensor][:1]])
        save_file(tensors | {tensor: longer}, path)
        said = told(tmp_path)
        assert f"{path} holds {tensor} of shape {list(longer.shape)}, config.json asks for" in said
        assert "download the checkpoint again" in said
    path.write_bytes(whole[: len(whole) * 2 // 3])
    assert f"{path} is truncated or damaged" in (said := told(tmp_path))
    assert "download the checkpoint again" in said
    path.write_bytes(whole)
    load_checkpoint(tmp_path, "cpu", "float32")
    change(tmp_path / "config.json", model_type="nobody", architectures=["NobodyModel"])
    assert f"{tmp_path / 'config.json'}: no diffusion model of the kind 'nobody' is known; the kinds known are" in told(
        tmp_path
    )


SHAPES = 10
KINDS = ("Qwen2", "Qwen3", "Llama")


def odd(kind: str, seed: int) -> Case:
    """A case of sizes nobody would choose: grouped heads, odd widths, tied or not, biases or not, one layer to three."""
    rng = random.Random(f"{kind} {seed}")
    kv_heads, group, half = rng.randint(1, 3), rng.randint(1, 4), rng.randint(1, 9)
    heads, head = kv_heads * group, 2 * half
    options = sizes(
        heads * head, rng.randint(1, 3), heads, kv_heads, rng.randint(5, 90),
        tie_word_embeddings=rng.random() < 0.5, rms_norm_eps=10.0 ** rng.randint(-7, -3),
        rope_parameters={"rope_type": "default", "rope_theta": rng.uniform(50, 1e6)},
    )  # fmt: skip
    if kind != "Qwen2":
        options |= {"attention_bias": rng.random() < 0.5, "head_dim": 2 * rng.randint(1, 9)}
        options["hidden_size"] = heads * rng.randint(3, 20)
    if kind == "Llama":
        options |= {"mlp_bias": rng.random() < 0.5}
    shift = kind == "Qwen2" and rng.random() < 0.5
    config = {"model_type": "Dream" if shift else f"a2d-{kind.lower()}", "mask_token_id": MASK}
    return Case(kind=kind, options=options, config=config, shift=shift)


@pytest.mark.parametrize("seed", range(SHAPES))
@pytest.mark.parametrize("kind", KINDS)
def test_odd_shapes_fit(kind: str, seed: int, tmp_path: Path) -> None:
    case = odd(kind, seed)
    oracle = case.write(tmp_path, seed=seed, shards=1 + seed % 3)
    loaded = load_checkpoint(tmp_path, "cpu", torch.float32)
    ids = text(length=5 + 7 * seed)
    expected = aligned(oracles.logits(oracle, ids), shift=case.shift)
    torch.testing.assert_close(loaded.full_logits(ids), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", CASES)
def test_it_fills(name: str, tmp_path: Path) -> None:
    """From text to text; what reads like a mask in the text around stays text."""
    case = CASES[name]
    bpe = write_tokenizer(tmp_path)
    size = bpe.get_vocab_size() + 3
    config = dict(case.config) | {
        "mask_token_id": bpe.token_to_id("<|mask|>"),
        "eos_token_id": bpe.token_to_id("<|endoftext|>"),
    }
    if "embedding_size" in config:
        config |= {"embedding_size": size if config["embedding_size"] else None, "vocab_size": size}
    Case(kind=case.kind, options={**case.options, "vocab_size": size}, config=config, rename=case.rename).write(
        tmp_path
    )
    filler = open_filler(str(tmp_path), device="cpu")
    pieces = ("s = '<|mask|>'\ndef total(items):\n    ", "\n\n\nclass Shop:\n    name: str\n")
    fill = filler.fill(FillRequest(template=Template(pieces=pieces, holes=(Hole(length_tokens=5),))))
    assert fill.stopped == "done"
    assert fill.candidates
    assert (
        fill.candidates[0].texts
        == filler.fill(FillRequest(template=Template(pieces=pieces, holes=(Hole(length_tokens=5),))))
        .candidates[0]
        .texts
    )
