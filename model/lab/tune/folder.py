"""The model folder that tuning writes: the source's files, and an adapter.

It is complete in itself, so it works wherever it is moved to, and goes on working when dlm-fill comes with other weights.
The weights, which nobody writes into, are hard links to those of the source where the file system has them: then the
folder takes 18 MB, not 240.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from model.backends.builtin.storage.weights import LEFT_TO_RIGHT
from model.errors import BadRequest
from model.lab.train.adapt.exporting import save_adapter


def check_target(out: Path) -> None:
    """Raises BadRequest unless a tuned model can be written there: asked before the work, not after."""
    if out.is_symlink() or (out.exists() and not _is_tuned(out)):
        raise BadRequest(f"{out} is there and was not made by `dlm-fill tune`: name another --out folder")
    above = next(p for p in out.absolute().parents if p.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise BadRequest(f"cannot write into {above}: name another --out folder")


def _is_tuned(folder: Path) -> bool:
    try:
        config: Any = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and "tuned" in config


def write_model_folder(out: Path, source: Path, config: Mapping[str, Any], adapter: Mapping[str, torch.Tensor]) -> None:
    """Make `out` the model in `source` with this config and adapter; at no time is there half of one under that name."""
    check_target(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as beside:
        new, old = Path(beside) / "new", Path(beside) / "old"
        new.mkdir()
        for file in source.iterdir():
            if file.is_file() and not file.match("adapter-*.safetensors"):
                _linked(file, new / file.name) if file.suffix == ".safetensors" else shutil.copyfile(
                    file, new / file.name
                )
        (new / "config.json").write_text(json.dumps(config, indent=1) + "\n", "utf-8")
        save_adapter(adapter, new / "adapter-tuned.safetensors", rows=LEFT_TO_RIGHT, about={})
        if out.exists():
            out.rename(old)
        try:
            new.rename(out)
        except OSError:
            if old.exists():
                old.rename(out)
            raise


def _linked(file: Path, to: Path) -> None:
    try:
        to.hardlink_to(file.resolve())
    except OSError:  # another file system, one without links, or a file that is not the user's
        shutil.copyfile(file, to)
