"""From a training run to a model directory that `--model` takes and that ships in the wheel."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from model.errors import BadRequest
from model.tokenizer import Tokenizer
from model.train.loop import STARTED_FROM, read_checkpoint

SHARD_BYTES = 15_000_000


def export(run: Path, corpus: Path, target: Path) -> list[Path]:
    """Write config, tokenizer, manifest, and bfloat16 weights in shards of at most 15 MB; the weight files.

    Raises BadRequest if the run has no checkpoint, or was trained on a corpus with another tokenizer.
    """
    saved = read_checkpoint(run / "checkpoint.pt", torch.device("cpu"))
    network = json.loads((run / "config.json").read_text("utf-8"))
    if not (corpus / "tokenizer.json").exists():
        raise BadRequest(f"no corpus in {corpus}: name the --corpus folder that the run was trained on")
    if Tokenizer(corpus / "tokenizer.json").vocab_size != network["vocab_size"]:
        raise BadRequest(f"{run} was trained with another tokenizer than {corpus} has: name its own --corpus folder")
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("weights-*.safetensors"):
        old.unlink()
    shards = _shards(saved["network"])
    paths = [target / f"weights-{n + 1}-of-{len(shards)}.safetensors" for n in range(len(shards))]
    for path, shard in zip(paths, shards, strict=True):
        save_file(shard, path)
        path.chmod(0o644)  # the library writes files that only their owner may read
    config = {"family": "streams", "network": network, "trained": _trained(saved["progress"], run)}
    (target / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    shutil.copy(corpus / "tokenizer.json", target / "tokenizer.json")
    shutil.copy(corpus / "manifest.json", target / "manifest.json")
    return paths


def _shards(state: dict[str, torch.Tensor]) -> list[dict[str, torch.Tensor]]:
    """The weights as bfloat16, in the order of the network, so many to a file as fit."""
    shards: list[dict[str, torch.Tensor]] = [{}]
    size = 0
    for name, tensor in state.items():
        stored = tensor.to(torch.bfloat16).contiguous()
        if shards[-1] and size + stored.nbytes > SHARD_BYTES:
            shards.append({})
            size = 0
        shards[-1][name] = stored
        size += stored.nbytes
    return shards


def _trained(progress: dict[str, Any], run: Path) -> dict[str, object]:
    """What the run did, with what had been done to the model that it went on from."""
    started = run / STARTED_FROM
    before = json.loads(started.read_text("utf-8"))["trained"] if started.exists() else {}
    return {
        "steps": int(progress["step"]) + int(before.get("steps", 0)),
        "tokens": int(progress["tokens"]) + int(before.get("tokens", 0)),
        "hours": round(progress["elapsed_s"] / 3600 + float(before.get("hours", 0)), 2),
    }
