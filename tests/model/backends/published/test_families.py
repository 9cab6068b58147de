"""Every family, in other shapes than the committed checkpoints have, against transformers' own classes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model.backends.published import load_checkpoint
from tests.model.backends.published import oracles
from tests.model.backends.published.oracles import CASES
from tests.model.backends.published.tiny import change


def text(length: int = 37, rows: int = 2) -> torch.Tensor:
    return torch.randint(0, oracles.VOCAB, (rows, length), generator=torch.Generator().manual_seed(3))


def aligned(logits: torch.Tensor, *, shift: bool) -> torch.Tensor:
    return torch.cat([logits[:, :1], logits[:, :-1]], dim=1) if shift else logits


@pytest.mark.parametrize("name", CASES)
def test_logits_are_those_of_the_oracle(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    oracle = case.write(tmp_path, seed=len(name), shards=1 + len(name) % 3)
    loaded = load_checkpoint(tmp_path, "cpu", torch.float32)
    assert loaded.spec.shift == case.shift
    assert loaded.spec.block_tokens == case.block
    ids = text()
    for block in {None, case.block}:
        expected = aligned(oracles.logits(oracle, ids, block=block), shift=case.shift)
        assert expected.std() > 0.3, "logits that are all alike would prove nothing"
        torch.testing.assert_close(loaded.full_logits(ids, block_tokens=block), expected, atol=1e-4, rtol=1e-4)


def test_a_bfloat16_file_is_read_as_float32(tmp_path: Path) -> None:
    case = CASES["a2d-qwen3, wide heads, biases"]
    oracle = case.write(tmp_path, dtype=torch.bfloat16, shards=2)
    loaded = load_checkpoint(tmp_path, "cpu", "float32")
    torch.testing.assert_close(loaded.full_logits(text()), oracles.logits(oracle, text()), atol=1e-4, rtol=1e-4)


def test_one_copy_of_the_weights(tmp_path: Path) -> None:
    """Joined products take the place of their parts; nothing is held twice."""
    CASES["LLaDA2, groups"].write(tmp_path)
    network = load_checkpoint(tmp_path, "cpu", "float32").network
    held = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in network.parameters()}
    parameters = list(network.parameters())
    assert len(parameters) - len(held) >= 2 * len(network.blocks), "query, key and value of a block share a storage"
    assert sum(held.values()) == sum(t.numel() * 4 for t in parameters)


@pytest.mark.parametrize(
    ("values", "rotated"),
    [
        ({}, 6),
        ({"partial_rotary_factor": None}, 6),
        ({"partial_rotary_factor": 1.0}, 12),
        ({"rotary_dim": 12}, 6),
        ({"rotary_dim": 4, "partial_rotary_factor": None}, 4),
        ({"rope_parameters": {"rope_type": "default", "rope_theta": 5000.0, "partial_rotary_factor": 0.5}}, 12),
        (
            {
                "rope_parameters": {"rope_type": "default", "rope_theta": 5000.0, "partial_rotary_factor": 0.5},
                "auto_map": {"AutoModel": "modeling_llada2_moe.LLaDA2MoeModel"},
            },
            6,
        ),
    ],
)
def test_how_much_of_a_head_llada2_rotates(tmp_path: Path, values: dict[str, object], rotated: int) -> None:
    """A share comes before a number of channels, as in the code that serves the published models."""
    CASES["LLaDA2, groups"].write(tmp_path)
    change(tmp_path / "config.json", **values)
    assert load_checkpoint(tmp_path, "cpu", "float32").network.config.rotary_width == rotated


def test_no_heads_of_keys_are_as_many_as_of_queries(tmp_path: Path) -> None:
    CASES["LLaDA2, one group, no norms in attention, all layers with experts"].write(tmp_path)
    change(tmp_path / "config.json", num_key_value_heads=0)
    assert load_checkpoint(tmp_path, "cpu", "float32").network.config.kv_heads == 4
