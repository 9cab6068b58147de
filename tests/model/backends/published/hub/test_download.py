"""Models from the hub, over a library that keeps its repositories in folders and its errors at hand."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from huggingface_hub import errors as hub

from model.backends.published.hub.download import download, on_disk
from model.backends.published.hub.names import HubName, hub_name
from model.errors import AccessDenied, DiskFull, ModelError, UnknownModel, Unreachable

NAME = HubName("Org/name")
SHARDED = ("model-1-of-2.safetensors", "model-2-of-2.safetensors")


def answered(kind: type[Exception], status: int) -> Exception:
    response = httpx2.Response(status, request=httpx2.Request("GET", "https://huggingface.co"))
    return kind("many\nlines of its own", response=response)  # type: ignore[call-arg]


@dataclass
class Hub:
    """Repositories are folders below `root`/remote, downloads come to `root`/local. `breaks`: raised after so many files."""

    root: Path
    error: Exception | None = None
    breaks: tuple[int, Exception] | None = None
    fetched: list[str] = field(default_factory=list)
    revisions: list[str | None] = field(default_factory=list)

    def put(self, *names: str, index: Sequence[str] = ()) -> None:
        folder = self.root / "remote"
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / name).write_text(f"{name} of the hub")
        if index:
            weights = {"weight_map": {f"layer{i}": name for i, name in enumerate(index)}}
            (folder / "model.safetensors.index.json").write_text(json.dumps(weights))

    def model_info(self, repo_id: str, *, revision: str | None, files_metadata: bool) -> Any:
        if self.error:
            raise self.error
        assert (repo_id, files_metadata) == ("Org/name", True)
        names = sorted(path.name for path in (self.root / "remote").iterdir())
        return SimpleNamespace(
            siblings=[SimpleNamespace(rfilename=n, size=10**9 if "model-" in n else None) for n in names]
        )

    def snapshot_download(
        self, repo_id: str, *, revision: str | None, allow_patterns: Sequence[str], local_files_only: bool
    ) -> str:
        local = self.root / "local"
        self.revisions.append(revision)
        if local_files_only:
            if not local.exists():
                raise hub.LocalEntryNotFoundError("not here")
            return str(local)
        local.mkdir(exist_ok=True)
        for path in sorted((self.root / "remote").iterdir()):
            if any(fnmatchcase(path.name, p) for p in allow_patterns) and not (local / path.name).exists():
                if self.breaks is not None and len(self.fetched) >= self.breaks[0]:
                    raise self.breaks[1]
                shutil.copy(path, local)
                self.fetched.append(path.name)
        return str(local)


@pytest.fixture
def library(tmp_path: Path) -> Hub:
    made = Hub(tmp_path)
    made.put(
        "config.json", "tokenizer.json", "README.md", "modeling_dream.py", *SHARDED, "pytorch_model.bin", index=SHARDED
    )
    return made


def fetch(library: Hub, name: HubName = NAME, **how: Any) -> Path:
    return download(name, library=library, **{"free_bytes": lambda _: 10**12, **how})


def test_data_comes_and_code_stays(library: Hub) -> None:
    folder = fetch(library)
    assert sorted(p.name for p in folder.iterdir()) == [
        "config.json", *SHARDED, "model.safetensors.index.json", "tokenizer.json"
    ]  # fmt: skip


def test_the_description_is_checked_before_the_weights_come(library: Hub) -> None:
    def check(folder: Path) -> None:
        assert (folder / "config.json").exists()
        assert not list(folder.glob("*.safetensors"))
        raise UnknownModel("no family")

    with pytest.raises(UnknownModel, match="no family"):
        fetch(library, check=check)
    assert not [name for name in library.fetched if name.endswith(".safetensors")]


def test_what_is_here_is_not_asked_for(library: Hub) -> None:
    folder = fetch(library)
    library.error = AssertionError("asked the hub")
    assert fetch(library) == folder
    assert on_disk(NAME, library=library) == folder
    with pytest.raises(AssertionError, match="asked the hub"):
        fetch(library, renew=True)


def test_the_revision_is_pinned(library: Hub) -> None:
    fetch(library, HubName("Org/name", "abc123"))
    assert set(library.revisions) == {"abc123"}


def test_what_was_cut_off_goes_on(library: Hub) -> None:
    library.breaks = (4, ConnectionError("gone"))
    with pytest.raises(Unreachable, match=r"check the network, then run again \(Org/name goes on where it stopped\)"):
        fetch(library)
    with pytest.raises(UnknownModel, match="not on this machine"):
        on_disk(NAME, library=library)
    library.breaks = None
    fetch(library)
    assert sorted(library.fetched) == sorted({*library.fetched}), "nothing was fetched twice"
    assert on_disk(NAME, library=library)


def test_pickles_are_refused_by_name(tmp_path: Path) -> None:
    library = Hub(tmp_path)
    library.put("config.json", "pytorch_model.bin")
    with pytest.raises(UnknownModel, match=r"pickled weights alone \(pytorch_model.bin\).*convert them"):
        fetch(library)
    assert library.fetched == []


def test_a_repository_without_weights(tmp_path: Path) -> None:
    library = Hub(tmp_path)
    library.put("README.md")
    with pytest.raises(UnknownModel, match="holds no weights"):
        fetch(library)


def test_room_is_looked_for_before_anything_comes(library: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", "/some/cache")
    with pytest.raises(
        DiskFull, match=r"takes 2.0 GB, /some/cache has room for 1.5 GB: free some space, or set HF_HOME"
    ):
        fetch(library, free_bytes=lambda _: 2 * 10**9)
    assert library.fetched == []


def test_a_disk_that_fills_up(library: Hub) -> None:
    library.breaks = (3, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(DiskFull, match="goes on where it stopped"):
        fetch(library)


def test_offline(library: Hub) -> None:
    with pytest.raises(UnknownModel, match="not on this machine: run `dlm-fill models --download Org/name`"):
        on_disk(NAME, library=library)
    assert library.fetched == []


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (answered(hub.GatedRepoError, 403), AccessDenied, "is gated: accept its terms at https://huggingface.co/Org/name"),
        (answered(hub.RepositoryNotFoundError, 404), UnknownModel, "no model Org/name on the hub, or a private one"),
        (answered(hub.RevisionNotFoundError, 404), UnknownModel, "has no revision 'v9'"),
        (answered(hub.HfHubHTTPError, 401), AccessDenied, "refuses Org/name@v9, status 401: run: hf auth login"),
        (answered(hub.HfHubHTTPError, 503), Unreachable, "status 503: try again later"),
        (hub.OfflineModeIsEnabled("HF_HUB_OFFLINE"), UnknownModel, "not on this machine"),
        (hub.HFValidationError("bad"), UnknownModel, "no name on the hub"),
        (httpx2.ConnectError("no route"), Unreachable, "cannot be reached"),
        (PermissionError(13, "Permission denied", "/cache"), DiskFull, r"cannot write to the hub's cache \(/cache\)"),
    ],
)  # fmt: skip
def test_errors_are_one_line_with_a_remedy(library: Hub, error: Exception, kind: type[ModelError], says: str) -> None:
    library.error = error
    with pytest.raises(kind, match=says) as caught:
        fetch(library, HubName("Org/name", "v9"))
    assert "\n" not in str(caught.value)


def test_a_defect_is_not_explained_away(library: Hub) -> None:
    library.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        fetch(library)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Dream-org/DreamOn-v0-7B", HubName("Dream-org/DreamOn-v0-7B")),
        ("a/b@refs/pr/3", HubName("a/b", "refs/pr/3")),
        ("builtin", None), ("/abs/olute", None), ("a/b/c", None), ("../up/b", None), ("a/b@", None),
    ],
)  # fmt: skip
def test_names_of_the_hub(text: str, name: HubName | None) -> None:
    assert hub_name(text) == name
