"""Where a model lies on this machine, by its name; and how one of the hub comes here. Imports nothing big."""

from __future__ import annotations

from pathlib import Path

from model.errors import UnknownModel
from model.extras import require

BUILTIN = Path(__file__).parent / "builtin" / "weights"
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
    from model.backends.published.hub.names import hub_name

    published = hub_name(name)
    if published is None:
        raise UnknownModel(
            f"unknown model {name!r}: name `builtin`, a directory that holds a model, a GGUF file, one of the hub (ORG/NAME),"
            " or a remote one (mercury, openai:URL#MODEL, llamacpp:URL, http://HOST:PORT of a dlm-fill serve)"
        )
    require("huggingface_hub", extra="torch", why=f"no directory {name}; the hub's model {name}")
    from model.backends.published.hub.download import on_disk

    return on_disk(published)


def fetch(name: str, *, renew: bool = False) -> Path | None:
    """Bring the hub's model `name` to this machine unless it is here; None where `name` is no model of the hub.

    `renew`: also if the hub has a newer one. Raises UnknownModel, AccessDenied, Unreachable, DiskFull, MissingExtra.
    """
    from model.backends.published.hub.names import hub_name
    from model.backends.remote.address import is_remote

    name, diffusion = name.removeprefix(LEFT_TO_RIGHT), not name.startswith(LEFT_TO_RIGHT)
    here = Path(name).expanduser().is_dir() or name.lower().endswith(".gguf")
    published = None if is_remote(name) or here else hub_name(name)
    if published is None:
        return None
    require("torch", extra="torch", why=f"the published model {published}")
    require("huggingface_hub", extra="torch", why=f"the published model {published}")
    from model.backends.published.hub.download import download
    from model.backends.published.opening import recognised

    return download(published, check=recognised if diffusion else None, renew=renew)
