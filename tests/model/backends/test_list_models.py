from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lsp_server.cli.main import run
from model.backends.published.hub.cache import cache_folder, size_on_disk_bytes
from model.backends.published.hub.known import KNOWN


def blob(cache: Path, repo: str, size: int) -> None:
    blobs = cache / f"models--{repo.replace('/', '--')}" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "abc").write_bytes(b"x" * size)
    snapshot = blobs.parent / "snapshots" / "main"
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").symlink_to(blobs / "abc")


def test_the_table_says_what_is_here_and_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    blob(tmp_path, "Salesforce/CoDA-v0-Base", 123_000)
    assert run(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 1 + len(KNOWN)
    (coda,) = [line for line in lines if line.startswith("Salesforce/CoDA-v0-Base")]
    assert coda.split() == [
        "Salesforce/CoDA-v0-Base", "1.7", "B", "0.1", "MB", "CC-BY-NC-4.0,", "non-commercial", "searched", "for", "bidirectional"
    ]  # fmt: skip
    (dream,) = [line for line in lines if line.startswith("Dream-org/DreamOn")]
    assert " – " in dream
    assert "its own choice" in dream


def test_json_of_what_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    blob(tmp_path / "hub", "JetLM/SDAR-4B-Chat", 7)
    assert run(["models", "--json", "--on-disk"]) == 0
    builtin, sdar = json.loads(capsys.readouterr().out)
    assert (builtin["id"], builtin["variable"]) == ("builtin", True)
    assert 1e6 < builtin["parameters"] * 1e9 < 1e9
    assert (sdar["id"], sdar["on_disk_bytes"], sdar["blocks"], sdar["free"]) == ("JetLM/SDAR-4B-Chat", 7, True, True)


def test_a_folder_without_links_counts_too(tmp_path: Path) -> None:
    place = tmp_path / "models--a--b" / "snapshots" / "main"
    place.mkdir(parents=True)
    (place / "model.safetensors").write_bytes(b"12345")
    assert size_on_disk_bytes("a/b", tmp_path) == 5
    assert size_on_disk_bytes("a/c", tmp_path) == 0


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"HF_HUB_CACHE": "/x", "HF_HOME": "/y"}, "/x"),
        ({"HF_HOME": "/y"}, "/y/hub"),
        ({"XDG_CACHE_HOME": "/z"}, "/z/huggingface/hub"),
        ({}, str(Path("~/.cache/huggingface/hub").expanduser())),
    ],
)
def test_where_the_hub_keeps_models(environ: dict[str, str], folder: str) -> None:
    assert cache_folder(environ) == Path(folder)


def test_the_folder_is_the_one_that_the_library_uses(tmp_path: Path) -> None:
    code = (
        "from huggingface_hub.constants import HF_HUB_CACHE; from model.backends.published.hub.cache import cache_folder;"
        "assert str(cache_folder()) == HF_HUB_CACHE, (cache_folder(), HF_HUB_CACHE)"
    )
    for name in ("HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME"):
        subprocess.run([sys.executable, "-c", code], check=True, env={"HOME": "/home/someone", name: str(tmp_path)}
                       | {"PYTHONPATH": str(Path(__file__).parents[3])})  # fmt: skip


def test_listing_imports_nothing_big() -> None:
    code = (
        "import sys; from lsp_server.cli.main import run; run(['models']);"
        "print(*(n for n in ('torch', 'numpy', 'huggingface_hub', 'transformers', 'httpx') if n in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == []


def test_a_name_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "--download", "builtin"]) == 2
    assert "no name on the hub: write ORG/NAME" in capsys.readouterr().err
