"""The adapter file of a run, as the built-in model's runtime reads it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from model.backends.builtin.storage.weights import ADAPTED_ROWS, DENOISING, MASK_EMBEDDING, Adapter, projection
from model.errors import BadRequest
from model.lab.train.adapt.loop import read_checkpoint
from model.lab.train.adapt.network import SCALE

MOST_BYTES = 20_000_000


def write_adapter(run: Path, out: Path) -> int:
    """Write the adapter of the last checkpoint in `run`, bfloat16; return its bytes. Raises BadRequest where there is none."""
    saved = read_checkpoint(run)
    if saved is None:
        raise BadRequest(f"no checkpoint in {run}: train first, with `dlm-fill train adapt run`")
    size = sum(2 * tensor.numel() for tensor in saved["adapter"].values())
    if size > MOST_BYTES:
        raise BadRequest(
            f"an adapter of {size / 1e6:.0f} MB is too large to ship ({MOST_BYTES / 1e6:.0f} MB): train one of a lower rank"
        )
    progress = saved["progress"]
    about = {"steps": str(progress["step"]), "slots": str(progress["slots"])}
    save_adapter(saved["adapter"], out, rows=DENOISING, about=about)
    return out.stat().st_size


def save_adapter(state: Mapping[str, torch.Tensor], out: Path, *, rows: str, about: Mapping[str, str]) -> None:
    """Write the adapter with this state as the file `out`, in one step; rows: what it was trained for."""
    tensors = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in adapter_tensors(state).items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part")
    save_file(tensors, part, metadata={ADAPTED_ROWS: rows, **about})
    part.chmod(0o644)  # the library writes files that only their owner may read
    part.replace(out)


def adapter_tensors(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors of an adapter's state by the names of its file (see `model.backends.builtin.storage.weights.open_adapter`)."""
    tensors = {MASK_EMBEDDING: state["mask_embedding"]}
    for name, tensor in state.items():
        if name.startswith("parts."):
            _, place, half = name.split(".")
            layer, _, matrix = place.partition("_")
            base = projection(int(layer), matrix)
            tensors[f"{base}.lora_{'A' if half == 'down' else 'B'}"] = tensor if half == "down" else tensor * SCALE
    return tensors


def adapter_state(adapter: Adapter) -> dict[str, torch.Tensor]:
    """The state of a network with this adapter in every projection: what `adapter_tensors` made of it, undone."""
    state = {"mask_embedding": torch.from_numpy(np.array(adapter.mask_embedding))}
    for base, part in adapter.parts.items():
        layer, matrix = base.split(".")[2], base.rpartition(".")[2]
        state[f"parts.{layer}_{matrix}.down"] = torch.from_numpy(np.array(part.down))
        state[f"parts.{layer}_{matrix}.up"] = torch.from_numpy(np.array(part.up)) / SCALE
    return state
