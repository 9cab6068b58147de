"""Where the hub's models lie on this machine, and how large they are. Imports nothing of the hub's library."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path


def cache_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where huggingface_hub keeps what it downloads."""
    environ = os.environ if environ is None else environ
    named = environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE")
    if named:
        return Path(os.path.expanduser(os.path.expandvars(named)))  # noqa: PTH111  a Path raises where there is no home
    cache = environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = environ.get("HF_HOME") or f"{cache}/huggingface"
    return Path(os.path.expanduser(os.path.expandvars(home))) / "hub"  # noqa: PTH111


def size_on_disk_bytes(repo: str, folder: Path) -> int:
    """What the model takes in the cache `folder`, all revisions together; 0 if it is not there."""
    place = folder / f"models--{repo.replace('/', '--')}"
    blobs = place / "blobs"
    if blobs.is_dir():
        return _sum(path for path in blobs.iterdir() if path.is_file())
    # Where links cannot be made (Windows), the files lie in the snapshots themselves.
    return _sum(path for path in place.glob("snapshots/*/*") if path.is_file())


def _sum(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)
