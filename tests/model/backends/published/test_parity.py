"""Published checkpoints compute here what their own code computes."""

from __future__ import annotations

import pytest
import torch

from model.backends.published import load_checkpoint
from model.errors import BadRequest
from tests.model.backends.published.golden import FAMILIES, MASK, ROOT, golden


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_those_of_the_reference(family: str) -> None:
    loaded = load_checkpoint(ROOT / family, "cpu", torch.float32)
    for text in golden(family):
        logits = loaded.full_logits(text.ids)
        assert logits.dtype == torch.float32
        torch.testing.assert_close(logits, text.logits, atol=1e-4, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_spec(family: str) -> None:
    spec = load_checkpoint(str(ROOT / family), "cpu", "float32").spec
    assert spec.mask_id == MASK
    assert spec.vocab_size == 256
    assert spec.shift == (family == "dream")
    assert not spec.capabilities.scores
    assert spec.context_tokens + spec.canvas_tokens <= 256
    assert spec.block_tokens == (32 if family == "llada2" else None)
    assert spec.end_of_hole_id == (248 if family == "llada2" else None)
    assert spec.start_ids == ((247,) if family == "dream" else ())


def test_rows_of_a_batch_do_not_see_each_other() -> None:
    loaded = load_checkpoint(ROOT / "llada2", "cpu", "float32")
    text = golden("llada2")[1].ids
    other = text.flip(1)
    both = loaded.full_logits(torch.cat([text, other]))
    torch.testing.assert_close(both[:1], loaded.full_logits(text), atol=1e-5, rtol=0)
    torch.testing.assert_close(both[1:], loaded.full_logits(other), atol=1e-5, rtol=0)


def test_logits_may_be_changed_by_who_asked() -> None:
    logits = load_checkpoint(ROOT / "llada", "cpu", "float32").full_logits(golden("llada")[0].ids.tolist())
    logits[..., MASK] = -torch.inf
    assert int(logits.argmax(-1).eq(MASK).sum()) == 0


def test_bfloat16_is_near() -> None:
    loaded = load_checkpoint(ROOT / "dream", "cpu", "bfloat16")
    assert loaded.network.embedding.weight.dtype == torch.bfloat16
    text = golden("dream")[1]
    assert (loaded.full_logits(text.ids) - text.logits).abs().mean() < 0.05


@pytest.mark.parametrize("ids", [[[0, 256]], [[-1]], [1, 2], [[]]])
def test_ids_that_are_no_tokens(ids: list[object]) -> None:
    loaded = load_checkpoint(ROOT / "llada", "cpu", "float32")
    with pytest.raises(BadRequest, match="token ids"):
        loaded.full_logits(ids)
