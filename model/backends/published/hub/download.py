"""A published model from the hub to this machine: weights that are only data, and the texts that describe them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from model.backends.published.hub.cache import cache_folder
from model.backends.published.hub.library import Library, RemoteFile, explained, files_of, not_here
from model.backends.published.hub.names import HubName
from model.errors import DiskFull, UnknownModel

DESCRIPTION: Final = (
    "config.json",
    "generation_config.json",
    "model.safetensors.index.json",
    "tokenizer*.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)
WEIGHTS: Final = ("*.safetensors",)
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_SPARE_BYTES = 500_000_000
"""To be left on the disk: a system without any room does worse things than refuse a model."""

FreeBytes = Callable[[Path], int]
Check = Callable[[Path], object]


def on_disk(name: HubName, *, library: Library | None = None) -> Path:
    """The folder of a model that is on this machine, whole. Asks nobody. Raises UnknownModel if it is not."""
    folder = _find(library or _library(), name)
    if folder is None:
        raise not_here(name)
    return folder


def download(
    name: HubName,
    *,
    library: Library | None = None,
    check: Check | None = None,
    free_bytes: FreeBytes | None = None,
    renew: bool = False,
) -> Path:
    """The folder of the model, fetched if it is not here; with `renew`, also if the hub has a newer one.

    A download that was cut off goes on where it stopped. `check` is given a folder that holds all but the weights,
    and may refuse it before these are fetched. Nothing of the repository is ever run.

    Raises UnknownModel (no such model or revision, pickled weights, none), AccessDenied, Unreachable, DiskFull, and
    what `check` raises.
    """
    library = library or _library()
    folder = None if renew else _find(library, name)
    if folder is not None:
        return folder
    files = files_of(library, name)
    _refuse_pickles(name, files)
    _refuse_if_full(name, files, free_bytes or _free_bytes)
    described = _fetch(library, name, DESCRIPTION)
    if check is not None:
        check(described)
    return _fetch(library, name, (*DESCRIPTION, *WEIGHTS))


def _find(library: Library, name: HubName) -> Path | None:
    try:
        folder = Path(_snapshot(library, name, (*DESCRIPTION, *WEIGHTS), local_files_only=True))
    except FileNotFoundError:  # huggingface_hub's own errors for what is missing are of this kind
        return None
    return folder if _is_whole(folder) else None


def _is_whole(folder: Path) -> bool:
    """Whether all weights are there: a snapshot's folder exists as soon as its first file does."""
    try:
        index = json.loads((folder / "model.safetensors.index.json").read_text("utf-8"))
        shards = set(index["weight_map"].values())
    except FileNotFoundError:
        shards = set()
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return False
    present = {path.name for path in folder.glob("*.safetensors")}
    return (folder / "config.json").exists() and bool(present) and shards <= present


def _fetch(library: Library, name: HubName, patterns: Sequence[str]) -> Path:
    try:
        return Path(_snapshot(library, name, patterns, local_files_only=False))
    except Exception as error:
        raise explained(error, name) from error


def _snapshot(library: Library, name: HubName, patterns: Sequence[str], *, local_files_only: bool) -> str:
    return library.snapshot_download(
        name.repo, revision=name.revision, allow_patterns=list(patterns), local_files_only=local_files_only
    )


def _refuse_pickles(name: HubName, files: Sequence[RemoteFile]) -> None:
    names = [file.name for file in files]
    if any(_matches(file, WEIGHTS) for file in names):
        return
    pickles = sorted(file for file in names if _matches(file, _PICKLES))
    if pickles:
        raise UnknownModel(
            f"{name} has pickled weights alone ({pickles[0]}), which run code when they are loaded: ask its authors for"
            " safetensors, or convert them yourself where that does no harm, and name the folder"
        )
    raise UnknownModel(f"{name} holds no weights: name a repository with *.safetensors")


def _refuse_if_full(name: HubName, files: Sequence[RemoteFile], free_bytes: FreeBytes) -> None:
    folder = cache_folder()
    wanted = sum(f.size_bytes for f in files if _matches(f.name, (*DESCRIPTION, *WEIGHTS)))
    free = free_bytes(folder) + _bytes_here(folder, name)
    if wanted + _SPARE_BYTES > free:
        raise DiskFull(
            f"{name} takes {wanted / 1e9:.1f} GB, {folder} has room for {max(0, free - _SPARE_BYTES) / 1e9:.1f} GB:"
            " free some space, or set HF_HOME to a folder on another disk"
        )


def _bytes_here(folder: Path, name: HubName) -> int:
    """What an earlier, unfinished download has brought already."""
    blobs = folder / f"models--{name.repo.replace('/', '--')}" / "blobs"
    return sum(path.stat().st_size for path in blobs.glob("*")) if blobs.is_dir() else 0


def _free_bytes(folder: Path) -> int:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(existing).free


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return "/" not in name and any(fnmatchcase(name, pattern) for pattern in patterns)


def _library() -> Any:
    from huggingface_hub import HfApi
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    return HfApi(library_name="dlm-fill")
