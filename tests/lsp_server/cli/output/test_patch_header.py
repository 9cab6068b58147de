"""`dlm-fill … | git apply` does what `dlm-fill --write …` does, however the file is named and whatever it holds."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lsp_server.cli import fill as fill_module
from lsp_server.cli import main as cli
from lsp_server.cli.output.patch_header import header_of, quoted
from tests.fakes import FakeFiller

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")
NAMES = [
    "a.py",
    "sp ace.py",
    " lead.py",
    "ünï漢😀.py",
    "c#.py",
    "q'uote.py",
    'd"ouble.py',
    "b\\ack.py",
    "t\tab.py",
    "%41.py",
    "a/a/a.py",
    "-dash.py",
    "trail .py",
]
SOURCE = "import os\n\n\ndef f(x):\n    return x\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "repo sitory"
    (root / "sub" / "a").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", root], check=True)
    monkeypatch.setattr(fill_module, "open_filler", lambda *_, **__: FakeFiller(["import sys"]))
    return root


def applied(name: str, source: bytes, file: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> tuple[bytes, str]:
    """(what the file holds once `git apply` has read what `dlm-fill NAME:1` printed, what was said besides)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(source)
    capfdbinary.readouterr()
    assert cli.run(["--", f"{name}:1"]) == 0
    out = capfdbinary.readouterr()
    command, root = ["git", "apply", "--whitespace=nowarn"], None
    if b"git -C" in out.err:
        root = out.err.decode().split("git -C ")[1].rsplit(" apply", 1)[0]
        command = ["sh", "-c", f"git -C {root} apply --whitespace=nowarn"]
    subprocess.run(command, input=out.out, check=True, capture_output=True)
    return file.read_bytes(), out.err.decode()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["{}", "./{}", "{root}/{}", "../sub/{}", "./../sub//./{}"])
def test_git_applies_it_however_the_file_is_named(
    name: str, form: str, repository: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(repository / "sub")
    spelled = form.format(name, root=repository / "sub")
    content, said = applied(spelled, SOURCE.encode(), repository / "sub" / name, capfdbinary)
    assert (content.decode(), said) == (SOURCE.replace("os", "sys"), "")


@pytest.mark.parametrize(
    "content", ["\ufeff" + SOURCE, SOURCE.replace("\n", "\r\n"), "\ufeffimport os\r\n", "import os", "\ufeffé"]
)
def test_git_applies_it_whatever_the_file_begins_and_ends_with(
    content: str, repository: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(repository)
    file = repository / "b.py"
    found, _ = applied("b.py", content.encode(), file, capfdbinary)
    file.write_bytes(content.encode())
    assert cli.run(["b.py:1", "--write"]) == 0
    assert file.read_bytes() == found
    assert found.startswith(b"\xef\xbb\xbf") == content.startswith("\ufeff")


@pytest.mark.parametrize("place", ["sub", "sub/a", "elsewhere"])
def test_a_file_outside_the_current_folder_comes_with_the_command_that_applies_it(
    place: str,
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    folder = tmp_path / place if place == "elsewhere" else repository / place
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    file = repository / "ü a.py"
    content, said = applied(os.path.relpath(file, folder), SOURCE.encode(), file, capfdbinary)
    assert content.decode() == SOURCE.replace("os", "sys")
    assert said.startswith("dlm-fill: to apply the diff to ü a.py: … | git -C '")


def test_links_worktrees_and_submodules_have_names_of_their_own_root(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    (repository / "sub" / ".git").write_text("gitdir: ../.git/worktrees/sub\n")
    (tmp_path / "link").symlink_to(repository)
    monkeypatch.chdir(tmp_path / "link" / "sub")
    (repository / "sub" / "a.py").write_text(SOURCE)
    assert cli.run(["a.py:1"]) == 0
    assert capfdbinary.readouterr().out.startswith(b"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ ")


def test_outside_a_repository_names_are_those_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setattr(fill_module, "open_filler", lambda *_, **__: FakeFiller(["import sys"]))
    content, _ = applied("./sub/../sub/a b.py", SOURCE.encode(), tmp_path / "sub" / "a b.py", capfdbinary)
    assert content.decode() == SOURCE.replace("os", "sys")
    other = tmp_path / "other.py"
    monkeypatch.chdir(tmp_path / "sub")
    assert header_of(other).lines == f"--- {other}\n+++ {other}\n"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    name=st.text(alphabet="ab \t\n\r\"\\'\x01\x7f\x1bé😀#%-.", min_size=1, max_size=8).filter(
        lambda n: n.strip(".") != ""
    )
)
def test_names_are_quoted_as_git_reads_them(name: str, tmp_path: Path) -> None:
    root = tmp_path / "names"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    (root / ".git").mkdir()
    file = root / name
    file.write_text("a\n")
    diff = header_of(file).lines + "@@ -1 +1 @@\n-a\n+b\n"
    (root / ".git").rmdir()
    subprocess.run(["git", "apply"], input=diff.encode(), cwd=root, check=True, capture_output=True)
    assert file.read_text() == "b\n"


def test_bytes_that_are_no_utf8_are_quoted() -> None:
    assert quoted("a/\udcff é\n") == '"a/\\377 é\\n"'
