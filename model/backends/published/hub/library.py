"""What we use of huggingface_hub, and its errors as ours: one line each, with the remedy."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from model.backends.published.hub.names import HubName
from model.errors import AccessDenied, DiskFull, ModelError, UnknownModel, Unreachable


class Library(Protocol):
    """The part of `huggingface_hub.HfApi` that tests replace."""

    def model_info(self, repo_id: str, *, revision: str | None, files_metadata: bool) -> Any: ...

    def snapshot_download(
        self, repo_id: str, *, revision: str | None, allow_patterns: Sequence[str], local_files_only: bool
    ) -> str: ...


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file of a repository. `size_bytes`: 0 where the hub does not say."""

    name: str
    size_bytes: int


def files_of(library: Library, name: HubName) -> list[RemoteFile]:
    """What the repository holds. Raises the errors of `explained`."""
    try:
        info = library.model_info(name.repo, revision=name.revision, files_metadata=True)
    except Exception as error:
        raise explained(error, name) from error
    return [RemoteFile(name=file.rfilename, size_bytes=file.size or 0) for file in info.siblings or []]


def explained(error: Exception, name: HubName) -> Exception:
    """The error to raise in place of huggingface_hub's; `error` itself if it is a defect."""
    from huggingface_hub import errors as hub

    page = f"https://huggingface.co/{name.repo}"
    known: Sequence[tuple[type[Exception], ModelError]] = (
        (hub.GatedRepoError, AccessDenied(f"{name} is gated: accept its terms at {page}, then run: hf auth login")),
        (hub.RevisionNotFoundError, UnknownModel(f"{name.repo} has no revision {name.revision!r}: see {page}/commits")),
        (
            hub.RepositoryNotFoundError,
            UnknownModel(f"no model {name.repo} on the hub, or a private one: check the name, or run: hf auth login"),
        ),
        (hub.LocalEntryNotFoundError, not_here(name)),
        (hub.OfflineModeIsEnabled, not_here(name)),
        (hub.HFValidationError, UnknownModel(f"{name} is no name on the hub: write ORG/NAME")),
    )
    for kind, ours in known:
        if isinstance(error, kind):
            return ours
    if isinstance(error, hub.HfHubHTTPError):
        return _status(error, name)
    if _is_full(error):
        return DiskFull(
            f"the disk is full, {name} is half here: free some space and run again, it goes on where it stopped"
        )
    if isinstance(error, PermissionError):
        return DiskFull(f"cannot write to the hub's cache ({error.filename}): set HF_HOME to a folder of yours")
    module = type(error).__module__.split(".")[0]
    if isinstance(error, ConnectionError | TimeoutError) or module.startswith(("httpx", "httpcore", "requests")):
        return Unreachable(
            f"the hub cannot be reached: check the network, then run again ({name} goes on where it stopped)"
        )
    return error


def not_here(name: HubName) -> UnknownModel:
    """The error for a model that is not on this machine and may not be fetched now."""
    return UnknownModel(
        f"{name} is not on this machine: run `dlm-fill models --download {name}` where there is a network"
    )


def _status(error: Any, name: HubName) -> ModelError:
    status = getattr(error.response, "status_code", 0)
    if status in {401, 403}:
        return AccessDenied(f"the hub refuses {name}, status {status}: run: hf auth login")
    return Unreachable(f"the hub answers with status {status}: try again later ({name} goes on where it stopped)")


def _is_full(error: Exception) -> bool:
    numbers = {errno.ENOSPC, errno.EDQUOT}
    return (isinstance(error, OSError) and error.errno in numbers) or "No space left on device" in str(error)
