"""Opens a back end by name. Importing this module costs nothing: arrays and networks come with `open_filler`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from model.backends.locate import BUILTIN, LEFT_TO_RIGHT, directory_of, fetch
from model.errors import BadRequest, UnknownDevice
from model.extras import require
from model.threads import wait_asleep

if TYPE_CHECKING:
    from model.backend import Backend
    from model.infill.encoding import Codec
    from model.types import Filler


__all__ = ["fetch", "open_filler"]


def _load(directory: Path, device: str) -> tuple[Backend, Codec]:
    from model.backends.builtin.load import load

    if device not in {"auto", "cpu"}:
        shown = "the built-in model" if directory == BUILTIN else f"the model in {directory}"
        raise UnknownDevice(f"{shown} runs on the CPU: leave out --device {device}")
    return load(directory)


def open_filler(name: str = "builtin", *, device: str = "auto", drafts: bool = True, refresh: int = 1) -> Filler:
    """The local engine over the built-in model, or over the model in the directory `name`: ours, or a published one;
    or what asks a remote model (`model.backends.remote.address` has the names).

    Without `drafts` nothing is copied from the text around: what the network can do alone.

    Our own models run on the CPU without torch (`auto` prefers that to a GPU).
    `refresh`: published bidirectional models compute the context anew in every so many passes (1: in each, exact; what
    more does to them: `dlm-fill bench drift`).

    Raises UnknownModel, UnknownDevice and MissingExtra; for remote models UnknownModel and AccessDenied; BadRequest
    for a `refresh` above 1 where the context is kept exactly in any case, or by somebody else.
    """
    from model.backends.remote.address import is_remote

    if is_remote(name):
        from model.backends.remote.open import open_remote

        _need_no_refresh(name, refresh)
        return open_remote(name, open_local=open_filler)
    if name.startswith(LEFT_TO_RIGHT):
        _need_no_refresh(name, refresh)
        return _left_to_right(name.removeprefix(LEFT_TO_RIGHT), device=device)
    directory = directory_of(name)
    wait_asleep()
    from model.backends.published import is_published

    if is_published(directory):
        return _published(directory, name=name, device=device, drafts=drafts, refresh=refresh)
    _need_no_refresh(name, refresh)
    from model.infill.infiller import DRAFTS, Infiller
    from model.infill.rerank.manners import MANNERS, Manners
    from model.infill.rerank.ranking import Ranking

    backend, tokenizer = _load(directory, device)
    used = str(getattr(backend, "device", device))
    shown = "builtin" if name == "builtin" else Path(name).stem if name.lower().endswith(".gguf") else directory.name
    ranking = Ranking.read(directory / "ranking.json")
    manners = Manners.read(directory / MANNERS)
    count = DRAFTS if drafts else 0
    return Infiller(backend, tokenizer, name=shown, device=used, ranking=ranking, manners=manners, drafts=count)


def _need_no_refresh(name: str, refresh: int) -> None:
    if refresh != 1:
        raise BadRequest(
            f"{name} is no published bidirectional model: its context needs no refresh; leave out --context-refresh"
        )


def _published(directory: Path, *, name: str, device: str, drafts: bool, refresh: int) -> Filler:
    require("torch", extra="torch", why=f"the published checkpoint in {directory}")
    from model.backends.published.opening import is_experimental, open_backend
    from model.infill.infiller import DRAFTS, Infiller

    backend, codec = open_backend(directory, device=device, refresh=refresh)
    shown = (
        directory.name if Path(name).expanduser().is_dir() else name
    )  # in the hub's cache folders are called by commits
    if is_experimental(backend):
        shown = f"{shown} (experimental)"
    return Infiller(backend, codec, name=shown, device=backend.device, drafts=DRAFTS if drafts else 0)


def _left_to_right(name: str, *, device: str) -> Filler:
    directory = directory_of(name)
    require("transformers", extra="torch", why=f"the published model in {directory}")
    from model.backends.left_to_right.sequential import SequentialFiller
    from model.backends.left_to_right.transformers_model import TransformersWriter

    shown = directory.name if Path(name).expanduser().is_dir() else name
    return SequentialFiller(TransformersWriter(directory, name=shown, device=device))
