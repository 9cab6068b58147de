"""The adapter file of a run, as the built-in model's runtime reads it."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from model.backends.builtin.weights import MASK_EMBEDDING, projection
from model.errors import BadRequest
from model.train.adapt.loop import read_checkpoint
from model.train.adapt.network import SCALE

MOST_BYTES = 20_000_000


def write_adapter(run: Path, out: Path) -> int:
    """Write the adapter of the last checkpoint in `run`, bfloat16; return its bytes. Raises BadRequest where there is none."""
    saved = read_checkpoint(run)
    if saved is None:
        raise BadRequest(f"no checkpoint in {run}: train first, with `dlm-fill train adapt run`")
    tensors = {
        name: tensor.to(torch.bfloat16).contiguous() for name, tensor in adapter_tensors(saved["adapter"]).items()
    }
    size = sum(tensor.nbytes for tensor in tensors.values())
    if size > MOST_BYTES:
        raise BadRequest(
            f"an adapter of {size / 1e6:.0f} MB is too large to ship ({MOST_BYTES / 1e6:.0f} MB): train one of a lower rank"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part")
    save_file(
        tensors, part, metadata={"steps": str(saved["progress"]["step"]), "slots": str(saved["progress"]["slots"])}
    )
    part.replace(out)
    return out.stat().st_size


def adapter_tensors(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors of an adapter's state by the names of its file (see `model.backends.builtin.weights.open_adapter`)."""
    tensors = {MASK_EMBEDDING: state["mask_embedding"]}
    for name, tensor in state.items():
        if name.startswith("parts."):
            _, place, half = name.split(".")
            layer, _, matrix = place.partition("_")
            base = projection(int(layer), matrix)
            tensors[f"{base}.lora_{'A' if half == 'down' else 'B'}"] = tensor if half == "down" else tensor * SCALE
    return tensors
