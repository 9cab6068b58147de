"""The published diffusion coders with their weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from model.backends.published.opening import LoadedModel


def load_checkpoint(
    path: str | Path, device: str | torch.device = "auto", dtype: str | torch.dtype = "auto"
) -> LoadedModel:
    """The published checkpoint in the directory `path`, on `device`, in `dtype`.

    `auto`: the first device there is; bfloat16 on a GPU, float32 on a CPU.

    Raises UnknownModel (files missing or damaged, a family that is not known) and UnknownDevice.
    """
    from model.backends.published.opening import load

    return load(path, device, dtype)


def is_published(directory: Path) -> bool:
    """Whether the directory holds a checkpoint as published, rather than one of our own. Imports nothing big."""
    try:
        config = json.loads((directory / "config.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        config = None
    if isinstance(config, dict):
        return "model_type" in config or "architectures" in config
    return not any(directory.glob("weights-*.safetensors")) and any(
        (directory / name).exists()
        for name in ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
    )
