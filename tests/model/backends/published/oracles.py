"""transformers' own classes as oracles: tiny random models, saved as published families would be.

Their weights are large enough for every part of the network to matter, biases and norms included.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file

VOCAB = 97
MASK = 96


def build(kind: str, *, seed: int = 0, **options: Any) -> Any:
    """A random `kind`ForCausalLM in float32."""
    torch.manual_seed(seed)
    config = getattr(transformers, f"{kind}Config")(**{"vocab_size": VOCAB, "attn_implementation": "eager"} | options)
    model = getattr(transformers, f"{kind}ForCausalLM")(config).eval().requires_grad_(False)
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.is_floating_point() and "inv_freq" not in name:
            tensor.copy_(torch.randn_like(tensor) * (0.25 if tensor.dim() > 1 else 0.2) + float("norm" in name))
    return model


def logits(model: Any, ids: torch.Tensor, *, block: int | None = None) -> torch.Tensor:
    """float32 [B, L, V]: everything sees everything, or blocks see themselves and those before."""
    at = torch.arange(ids.shape[1]) // (block or ids.shape[1])
    sees = at[:, None] >= at[None, :]
    mask = torch.zeros(sees.shape).masked_fill(~sees, torch.finfo(torch.float32).min)[None, None]
    made: torch.Tensor = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
    return made


@dataclass(frozen=True, kw_only=True)
class Case:
    """An oracle and how its checkpoint is made one of a family's.

    config: what is changed in config.json (None: removed). rename: the tensors under the family's names.
    """

    kind: str
    options: Mapping[str, Any]
    config: Mapping[str, Any]
    rename: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]] = field(default=dict)
    shift: bool = False
    block: int | None = None

    def write(self, directory: Path, *, seed: int = 0, dtype: torch.dtype = torch.float32, shards: int = 1) -> Any:
        """Save the checkpoint; returns the oracle (which has the same weights, whatever `dtype` made of them)."""
        model = build(self.kind, seed=seed, **self.options)
        for parameter in model.parameters():
            parameter.copy_(parameter.to(dtype))
        directory.mkdir(parents=True, exist_ok=True)
        model.save_pretrained(directory / "saved")
        tensors: dict[str, torch.Tensor] = {}
        for file in (directory / "saved").glob("*.safetensors"):
            tensors |= load_file(file)
        values = json.loads((directory / "saved" / "config.json").read_text())
        values = {k: v for k, v in (values | dict(self.config)).items() if v is not None}
        (directory / "config.json").write_text(json.dumps(values))
        renamed = {name: t.to(dtype).contiguous() for name, t in self.rename(tensors).items()}
        write_shards(directory, renamed, shards=shards)
        return model


def write_shards(directory: Path, tensors: dict[str, torch.Tensor], *, shards: int) -> None:
    if shards == 1:
        save_file(tensors, directory / "model.safetensors")
        return
    names = sorted(tensors)
    files = {name: f"model-{n % shards + 1:05}-of-{shards:05}.safetensors" for n, name in enumerate(names)}
    for file in sorted(set(files.values())):
        save_file({name: tensors[name] for name in names if files[name] == file}, directory / file)
    (directory / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))


def as_llada(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Llama's names as LLaDA's."""
    pairs = {
        "self_attn.q_proj": "q_proj", "self_attn.k_proj": "k_proj", "self_attn.v_proj": "v_proj",
        "self_attn.o_proj": "attn_out", "mlp.gate_proj": "ff_proj", "mlp.up_proj": "up_proj", "mlp.down_proj": "ff_out",
        "input_layernorm": "attn_norm", "post_attention_layernorm": "ff_norm", "model.layers": "model.transformer.blocks",
        "model.embed_tokens": "model.transformer.wte", "model.norm": "model.transformer.ln_f",
        "lm_head": "model.transformer.ff_out",
    }  # fmt: skip
    renamed = {}
    for name, tensor in tensors.items():
        for old, new in pairs.items():
            name = name.replace(old, new)  # noqa: PLW2901
        renamed[name] = tensor
    return renamed


def as_llada_with_biases(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """As LLaDA's with `include_bias`: norms and head have biases too, which Llama's lack."""
    renamed = as_llada(tensors)
    norms = {n: t for n, t in renamed.items() if "norm" in n or "ln_f" in n}
    biases = {n.replace(".weight", ".bias"): torch.zeros_like(t) for n, t in norms.items()}
    return renamed | biases | {"model.transformer.ff_out.bias": torch.zeros(len(tensors["lm_head.weight"]))}


def as_llada2(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """GLM-4's names as LLaDA2's, queries, keys and values in one."""
    pairs = {
        "self_attn.o_proj": "attention.dense", "self_attn.q_norm": "attention.query_layernorm",
        "self_attn.k_norm": "attention.key_layernorm", "e_score_correction_bias": "expert_bias",
        "model.embed_tokens": "model.word_embeddings",
    }  # fmt: skip
    renamed = {}
    for name, tensor in tensors.items():
        for old, new in pairs.items():
            name = name.replace(old, new)  # noqa: PLW2901
        if "self_attn.q_proj" in name:
            parts = [tensors[name.replace("q_proj", part)] for part in ("q_proj", "k_proj", "v_proj")]
            renamed[name.replace("self_attn.q_proj", "attention.query_key_value")] = torch.cat(parts)
        elif "self_attn.k_proj" not in name and "self_attn.v_proj" not in name:
            renamed[name] = tensor
    return renamed


def sizes(width: int, layers: int, heads: int, kv_heads: int, inner: int, **more: Any) -> dict[str, Any]:
    return {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "intermediate_size": inner,
        "max_position_embeddings": 512,
        **more,
    }


def _rope(theta: float) -> dict[str, Any]:
    return {"rope_parameters": {"rope_type": "default", "rope_theta": theta}}


def _llada(**config: Any) -> dict[str, Any]:
    return {
        "model_type": "llada", "architectures": ["LLaDAModelLM"], "block_type": "llama", "layer_norm_type": "rms",
        "rope": True, "activation_type": "silu", "mask_token_id": MASK, "rope_parameters": None, **config,
    }  # fmt: skip


_LLADA2 = {
    "model_type": "llada2_moe", "mask_token_id": MASK, "use_bias": False, "rope_parameters": None, "num_shared_experts": 1,
    "partial_rotary_factor": 0.5, "rope_theta": 5000.0,
}  # fmt: skip
_EXPERTS = {"num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 20}

CASES: dict[str, Case] = {
    "a2d-qwen2, grouped, tied": Case(
        kind="Qwen2",
        options=sizes(60, 3, 6, 2, 77, tie_word_embeddings=True, rms_norm_eps=1e-5, **_rope(5e4)),
        config={"model_type": "a2d-qwen2", "mask_token_id": MASK},
    ),
    "a2d-qwen2, one head of keys": Case(
        kind="Qwen2", options=sizes(36, 1, 3, 1, 50), config={"model_type": "a2d-qwen2", "mask_token_id": MASK}
    ),
    "a2d-qwen3, wide heads, biases": Case(
        kind="Qwen3",
        options=sizes(44, 2, 4, 2, 61, head_dim=18, attention_bias=True, rms_norm_eps=1e-4, **_rope(777.0)),
        config={"model_type": "a2d-qwen3", "mask_token_id": MASK},
    ),
    "a2d-qwen3, tied": Case(
        kind="Qwen3",
        options=sizes(32, 2, 4, 1, 40, head_dim=4, tie_word_embeddings=True),
        config={"model_type": "a2d-qwen3", "mask_token_id": MASK},
    ),
    "a2d-llama, bd3lm": Case(
        kind="Llama",
        options=sizes(48, 2, 4, 2, 52, attention_bias=True, mlp_bias=True),
        config={"model_type": "a2d-llama", "mask_token_id": MASK, "block_size": 8},
        block=8,
    ),
    "Dream": Case(
        kind="Qwen2",
        options=sizes(56, 2, 7, 7, 90, **_rope(1e6)),
        config={"model_type": "Dream", "mask_token_id": MASK, "bos_token_id": 1},
        shift=True,
    ),
    "Open-dCoder": Case(
        kind="Qwen2",
        options=sizes(56, 2, 7, 1, 90, tie_word_embeddings=True),
        config={"mask_token_id": MASK},
        shift=True,
    ),
    "CoDA": Case(
        kind="Qwen3",
        options=sizes(64, 2, 4, 2, 80, head_dim=16),
        config={"model_type": "CoDA", "architectures": ["CoDALanguageModel"], "mask_token_id": MASK, "head_dim": None},
        shift=True,
    ),
    "SDAR": Case(
        kind="Qwen3",
        options=sizes(40, 2, 4, 2, 48, head_dim=12),
        config={"model_type": "sdar", "mask_token_id": MASK},
        block=4,
    ),
    "SDAR-MoE": Case(
        kind="Qwen3Moe",
        options=sizes(40, 3, 4, 2, 48, head_dim=12, norm_topk_prob=True, mlp_only_layers=[1], **_EXPERTS),
        config={"model_type": "sdar_moe", "mask_token_id": MASK},
        block=4,
    ),
    "Stable-DiffCoder": Case(
        kind="Llama",
        options=sizes(48, 2, 4, 2, 52, head_dim=20, **_rope(5e5)),
        config={"architectures": ["StableDiffcoderForCausalLM"], "mask_token_id": 5},
        block=4,
    ),
    "LLaDA, one head of keys, tied": Case(
        kind="Llama",
        options=sizes(48, 2, 4, 1, 52, tie_word_embeddings=True, rms_norm_eps=1e-5),
        config=_llada(
            d_model=48, n_layers=2, n_heads=4, n_kv_heads=None, multi_query_attention=True, mlp_hidden_size=52,
            weight_tying=True, rope_theta=10_000.0, embedding_size=None,
        ),
        rename=as_llada,
    ),
    "LLaDA, grouped, biases on queries, keys and values": Case(
        kind="Qwen2",
        options=sizes(48, 3, 6, 2, 4 * 48, rms_norm_eps=1e-3, **_rope(3e4)),
        config=_llada(
            d_model=48, n_layers=3, n_heads=6, n_kv_heads=2, mlp_ratio=4, include_qkv_bias=True, rms_norm_eps=1e-3,
            weight_tying=False, rope_theta=3e4, embedding_size=VOCAB, vocab_size=VOCAB - 3,
        ),
        rename=as_llada,
    ),
    "LLaDA, biases everywhere": Case(
        kind="Llama",
        options=sizes(40, 2, 4, 4, 36, attention_bias=True, mlp_bias=True, rms_norm_eps=1e-5),
        config=_llada(
            d_model=40, n_layers=2, n_heads=4, n_kv_heads=4, mlp_hidden_size=36, include_bias=True,
            weight_tying=False, rope_theta=10_000.0, embedding_size=VOCAB,
        ),
        rename=as_llada_with_biases,
    ),
    "LLaDA-MoE": Case(
        kind="Qwen3Moe",
        options=sizes(48, 3, 4, 4, 30, head_dim=12, norm_topk_prob=False, mlp_only_layers=[0], **_EXPERTS),
        config={
            "model_type": "llada", "architectures": ["LLaDAMoEModelLM"], "mask_token_id": MASK, "qk_layernorm": True,
            "moe_layer_freq": [0, 1, 1], "expert_intermediate_size": 20, "dense_intermediate_size": 30,
            "moe_router_score_function": "softmax", "partial_rotary_factor": 1, "num_experts": 6,
        },
    ),
    "LLaDA2, groups": Case(
        kind="Glm4Moe",
        options=sizes(
            40, 3, 4, 2, 44, head_dim=12, use_qk_norm=True, n_group=4, topk_group=2, first_k_dense_replace=1,
            n_routed_experts=8, num_experts_per_tok=3, moe_intermediate_size=16, n_shared_experts=2,
            routed_scaling_factor=1.7, norm_topk_prob=True, attention_bias=True,
            rope_parameters={"rope_type": "default", "rope_theta": 5000.0, "partial_rotary_factor": 0.5},
        ),
        config={**_LLADA2, "num_experts": 8, "num_shared_experts": 2, "use_qkv_bias": True},
        rename=as_llada2,
        block=32,
    ),
    "LLaDA2, one group, no norms in attention, all layers with experts": Case(
        kind="Glm4Moe",
        options=sizes(
            40, 2, 4, 4, 44, head_dim=8, use_qk_norm=False, n_group=1, topk_group=1, first_k_dense_replace=0,
            n_routed_experts=5, num_experts_per_tok=2, moe_intermediate_size=16, n_shared_experts=1,
            norm_topk_prob=True, attention_bias=False, tie_word_embeddings=True,
            rope_parameters={"rope_type": "default", "rope_theta": 5000.0, "partial_rotary_factor": 1.0},
        ),
        config={**_LLADA2, "num_experts": 5, "rotary_dim": 8, "partial_rotary_factor": 1.0},
        rename=as_llada2,
        block=32,
    ),
}  # fmt: skip
