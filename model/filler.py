"""Opens a back end by name. Importing this module costs nothing: arrays and networks come with `open_filler`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import UnknownModel

if TYPE_CHECKING:
    from model.types import Filler


def directory_of(name: str) -> Path:
    """Where the model `name` lies: "builtin", or a directory. Raises UnknownModel if it is neither."""
    directory = Path(__file__).parent / "builtin" if name == "builtin" else Path(name).expanduser()
    if not directory.is_dir():
        raise UnknownModel(f"unknown model {name!r}: name `builtin`, or a directory that holds a model")
    return directory


def open_filler(name: str = "builtin", *, device: str = "auto", drafts: bool = True) -> Filler:
    """The local engine over the built-in model, or over the model in the directory `name`.

    Without `drafts` nothing is copied from the text around: what the network can do alone.

    Raises UnknownModel and UnknownDevice.
    """
    directory = directory_of(name)
    # Threads that wait by spinning make a fill ten times slower when anything else runs. Read when torch loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from model.checkpoints.builtin import load
    from model.local import DRAFTS, LocalFiller
    from model.ranking import Weights

    denoiser, tokenizer = load(directory, device=device)
    used = str(getattr(denoiser, "device", device))
    shown = "builtin" if name == "builtin" else directory.name
    weights = Weights.read(directory / "ranking.json")
    count = DRAFTS if drafts else 0
    return LocalFiller(denoiser, tokenizer, name=shown, device=used, weights=weights, drafts=count)
