"""Opens a back end by name. Importing this module costs nothing: arrays and networks come with `open_filler`."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import BadRequest, MissingExtra, UnknownDevice, UnknownModel

if TYPE_CHECKING:
    from model.denoiser import Denoiser
    from model.framing import Codec
    from model.types import Filler


BUILTIN = Path(__file__).parent / "backends" / "builtin" / "weights"
"""The folder of the built-in model."""
LEFT_TO_RIGHT = "fim:"
"""Before a directory or a name on the hub: a model that writes from left to right, told of the suffix in its prompt."""


def directory_of(name: str) -> Path:
    """Where the model `name` lies: "builtin", a directory, a GGUF file (which is converted the first time), or a name on
    the hub that has been fetched.

    Raises UnknownModel if it is none of them, or is not on this machine; for GGUF files also MissingExtra and DiskFull.
    """
    directory = BUILTIN if name == "builtin" else Path(name).expanduser()
    if directory.is_dir():
        return directory
    if name.lower().endswith(".gguf"):
        from model.backends.gguf.convert import converted

        return converted(directory)
    from model.hub.names import hub_name

    published = hub_name(name)
    if published is None:
        raise UnknownModel(
            f"unknown model {name!r}: name `builtin`, a directory that holds a model, a GGUF file, one of the hub (ORG/NAME),"
            " or a remote one (mercury, openai:URL#MODEL, llamacpp:URL, http://HOST:PORT of a dlm-fill serve)"
        )
    require("huggingface_hub", extra="torch", why=f"no directory {name}; the hub's model {name}")
    from model.hub.download import on_disk

    return on_disk(published)


def fetch(name: str, *, renew: bool = False) -> Path | None:
    """Bring the hub's model `name` to this machine unless it is here; None where `name` is no model of the hub.

    `renew`: also if the hub has a newer one. Raises UnknownModel, AccessDenied, Unreachable, DiskFull, MissingExtra.
    """
    from model.fillers.address import is_remote
    from model.hub.names import hub_name

    name, diffusion = name.removeprefix(LEFT_TO_RIGHT), not name.startswith(LEFT_TO_RIGHT)
    here = Path(name).expanduser().is_dir() or name.lower().endswith(".gguf")
    published = None if is_remote(name) or here else hub_name(name)
    if published is None:
        return None
    require("torch", extra="torch", why=f"the published model {published}")
    require("huggingface_hub", extra="torch", why=f"the published model {published}")
    from model.checkpoints.published import recognised
    from model.hub.download import download

    return download(published, check=recognised if diffusion else None, renew=renew)


def require(package: str, *, extra: str, why: str) -> None:
    """Raises MissingExtra if `package` is not installed; `why` says what needs it."""
    if importlib.util.find_spec(package) is None:
        raise MissingExtra(f"{why} needs {package}: pip install 'dlm-fill[{extra}]'")


def _load(directory: Path, device: str) -> tuple[Denoiser, Codec]:
    from model.backends.builtin.load import load

    if device not in {"auto", "cpu"}:
        shown = "the built-in model" if directory == BUILTIN else f"the model in {directory}"
        raise UnknownDevice(f"{shown} runs on the CPU: leave out --device {device}")
    return load(directory)


def open_filler(name: str = "builtin", *, device: str = "auto", drafts: bool = True, refresh: int = 1) -> Filler:
    """The local engine over the built-in model, or over the model in the directory `name`: ours, or a published one;
    or what asks a remote model (`model.fillers.address` has the names).

    Without `drafts` nothing is copied from the text around: what the network can do alone.

    Our own models run on the CPU without torch (`auto` prefers that to a GPU).
    `refresh`: published bidirectional models compute the context anew in every so many passes (1: in each, exact; what
    more does to them: `dlm-fill bench drift`).

    Raises UnknownModel, UnknownDevice and MissingExtra; for remote models UnknownModel and AccessDenied; BadRequest
    for a `refresh` above 1 where the context is kept exactly in any case, or by somebody else.
    """
    from model.fillers.address import is_remote

    if is_remote(name):
        from model.fillers.open import open_remote

        _need_no_refresh(name, refresh)
        return open_remote(name)
    if name.startswith(LEFT_TO_RIGHT):
        _need_no_refresh(name, refresh)
        return _left_to_right(name.removeprefix(LEFT_TO_RIGHT), device=device)
    directory = directory_of(name)
    # Threads that wait by spinning make a fill ten times slower when anything else runs. Read when torch loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from model.checkpoints import is_published

    if is_published(directory):
        return _published(directory, name=name, device=device, drafts=drafts, refresh=refresh)
    _need_no_refresh(name, refresh)
    from model.candidates.manners import MANNERS, Manners
    from model.candidates.ranking import Ranking
    from model.local import DRAFTS, LocalFiller

    denoiser, tokenizer = _load(directory, device)
    used = str(getattr(denoiser, "device", device))
    shown = "builtin" if name == "builtin" else Path(name).stem if name.lower().endswith(".gguf") else directory.name
    ranking = Ranking.read(directory / "ranking.json")
    manners = Manners.read(directory / MANNERS)
    count = DRAFTS if drafts else 0
    return LocalFiller(denoiser, tokenizer, name=shown, device=used, ranking=ranking, manners=manners, drafts=count)


def _need_no_refresh(name: str, refresh: int) -> None:
    if refresh != 1:
        raise BadRequest(
            f"{name} is no published bidirectional model: its context needs no refresh; leave out --context-refresh"
        )


def _published(directory: Path, *, name: str, device: str, drafts: bool, refresh: int) -> Filler:
    require("torch", extra="torch", why=f"the published checkpoint in {directory}")
    from model.checkpoints.published import is_experimental, open_denoiser
    from model.local import DRAFTS, LocalFiller

    denoiser, codec = open_denoiser(directory, device=device, refresh=refresh)
    shown = (
        directory.name if Path(name).expanduser().is_dir() else name
    )  # in the hub's cache folders are called by commits
    if is_experimental(denoiser):
        shown = f"{shown} (experimental)"
    return LocalFiller(denoiser, codec, name=shown, device=denoiser.device, drafts=DRAFTS if drafts else 0)


def _left_to_right(name: str, *, device: str) -> Filler:
    directory = directory_of(name)
    require("transformers", extra="torch", why=f"the published model in {directory}")
    from model.fillers.left_to_right import LeftToRight
    from model.fillers.sequential import SequentialFiller

    shown = directory.name if Path(name).expanduser().is_dir() else name
    return SequentialFiller(LeftToRight(directory, name=shown, device=device))
