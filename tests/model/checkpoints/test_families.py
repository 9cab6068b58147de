"""Every family, in other shapes than the committed checkpoints have, against transformers' own classes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model.checkpoints import load_checkpoint
from tests.model.checkpoints import oracles
from tests.model.checkpoints.oracles import CASES


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
    for block in network.blocks:
        joined = block.attention._joined
        assert joined is not None
        assert joined[0].untyped_storage().data_ptr() in held
    assert sum(held.values()) == sum(t.numel() * 4 for t in network.parameters())
