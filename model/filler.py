"""Opens a back end by name. Importing this module costs nothing: arrays and networks come with `open_filler`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import UnknownModel

if TYPE_CHECKING:
    from model.types import Filler


def open_filler(name: str = "builtin", *, device: str = "auto") -> Filler:
    """The local engine over the built-in model, or over the model in the directory `name`.

    Raises UnknownModel and UnknownDevice.
    """
    directory = Path(__file__).parent / "builtin" if name == "builtin" else Path(name).expanduser()
    if not directory.is_dir():
        raise UnknownModel(f"unknown model {name!r}: name `builtin`, or a directory that holds a model")
    from model.checkpoints.builtin import load
    from model.local import LocalFiller

    denoiser, tokenizer = load(directory, device=device)
    used = str(getattr(denoiser, "device", device))
    return LocalFiller(denoiser, tokenizer, name="builtin" if name == "builtin" else directory.name, device=used)
