"""From a training run to a model directory that `--model` takes and that ships in the wheel."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

SHARD_BYTES = 15_000_000


def export(run: Path, corpus: Path, target: Path) -> list[Path]:
    """Write config, tokenizer, manifest and bfloat16 weights in shards of at most 15 MB; the weight files."""
    saved = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)
    target.mkdir(parents=True, exist_ok=True)
    shards: list[dict[str, torch.Tensor]] = [{}]
    size = 0
    for name, tensor in saved["network"].items():
        stored = tensor.to(torch.bfloat16).contiguous()
        if size + stored.nbytes > SHARD_BYTES:
            shards.append({})
            size = 0
        shards[-1][name] = stored
        size += stored.nbytes
    for old in target.glob("weights-*.safetensors"):
        old.unlink()
    paths = [target / f"weights-{n + 1}-of-{len(shards)}.safetensors" for n in range(len(shards))]
    for path, shard in zip(paths, shards, strict=True):
        save_file(shard, path)
    config = {"family": "streams", "network": json.loads((run / "config.json").read_text()), **_trained(saved)}
    (target / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    shutil.copy(corpus / "tokenizer.json", target / "tokenizer.json")
    shutil.copy(corpus / "manifest.json", target / "manifest.json")
    return paths


def _trained(saved: dict[str, dict[str, float]]) -> dict[str, object]:
    progress = saved["progress"]
    return {
        "trained": {
            "steps": int(progress["step"]),
            "tokens": int(progress["tokens"]),
            "hours": round(progress["elapsed_s"] / 3600, 2),
        }
    }
