"""The NumPy network against transformers' Qwen2, with weights that are the same and activations that are not rounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import Qwen2Config, Qwen2ForCausalLM

from model.backends.builtin.runtime import plain
from model.backends.builtin.runtime.network import Network
from model.backends.builtin.storage.packing import dequantised
from model.backends.builtin.storage.shards import open_shards
from tests.model.backends.builtin import toys


def oracle(folder: Path) -> Qwen2ForCausalLM:
    c = toys.CONFIG
    options: dict[str, Any] = {"head_dim": c.head_width, "attn_implementation": "eager"}
    config = Qwen2Config(
        vocab_size=c.vocab_size, hidden_size=c.width, intermediate_size=c.feed_forward, num_hidden_layers=c.layers,
        num_attention_heads=c.heads, num_key_value_heads=c.kv_heads, rms_norm_eps=c.norm_epsilon,
        rope_parameters={"rope_type": "default", "rope_theta": c.rope_base}, tie_word_embeddings=True,
        **options,
    )  # fmt: skip
    matrices, vectors = open_shards(folder)
    state = {name: torch.tensor(dequantised(m.whole(), m.format)) for name, m in matrices.items()}
    state |= {name: torch.tensor(np.array(v)) for name, v in vectors.items()}
    net: Qwen2ForCausalLM = Qwen2ForCausalLM(config).eval()
    missing = net.load_state_dict(state, strict=False)
    assert missing.unexpected_keys == []
    assert missing.missing_keys == ["lm_head.weight"]
    net.tie_weights()
    return net


@pytest.fixture(params=[(4, 32, False), (4, 64, True), (8, 32, True)], ids=str)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    bits, group, mins = request.param
    return toys.write(tmp_path, bits=bits, group=group, mins=mins)


def expected(folder: Path, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    with torch.no_grad():
        return torch.log_softmax(oracle(folder)(torch.tensor(ids)[None]).logits[0], -1).numpy()


def test_it_computes_what_transformers_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "eight_bits", lambda inputs, group: inputs)
    ids = np.random.default_rng(1).integers(0, toys.VOCAB, 40)
    cache = Network.open(folder, kernel="numpy").cache(context_tokens=64)
    assert cache.read(ids[:30])
    said = cache.forward(toys.rows(ids[30:], sees=[range(n + 1) for n in range(10)], context=30))
    wanted = expected(folder, ids)[30:]
    assert said.full is not None
    np.testing.assert_allclose(said.full, wanted, atol=5e-3)  # keys and values are float16


def test_activations_of_eight_bits_change_little(folder: Path) -> None:
    ids = np.random.default_rng(1).integers(0, toys.VOCAB, 40)
    cache = Network.open(folder, kernel="numpy").cache(context_tokens=64)
    cache.read(ids[:30])
    said = cache.forward(toys.rows(ids[30:], sees=[range(n + 1) for n in range(10)], context=30))
    assert said.full is not None
    away = np.abs(said.full - expected(folder, ids)[30:])
    assert away.mean() < 0.05
