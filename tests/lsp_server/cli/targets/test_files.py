from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from lsp_server.cli.targets import files
from lsp_server.errors import InputError


def test_bytes_are_kept_and_the_mark_is_set_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"\xef\xbb\xbfx = 'caf\xc3\xa9'\r\n")
    file = files.read(str(path))
    assert file.source == "x = 'café'\r\n".encode()
    files.replace_source(file, b"y\r\n")
    assert path.read_bytes() == b"\xef\xbb\xbfy\r\n"


def test_replacing_keeps_the_mode_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "run.sh"
    path.write_bytes(b"echo\n")
    path.chmod(0o754)
    files.replace_source(files.read(str(path)), b"echo hello\n")
    assert path.read_bytes() == b"echo hello\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o754
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    path, link = tmp_path / "far" / "a.py", tmp_path / "link.py"
    path.write_bytes(b"x\n")
    link.symlink_to(path)
    files.replace_source(files.read(str(link)), b"y\n")
    assert link.is_symlink()
    assert path.read_bytes() == b"y\n"


def test_what_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"x\n")
    file = files.read(str(path))
    path.write_bytes(b"typed meanwhile\n")
    with pytest.raises(InputError, match="changed while"):
        files.replace_source(file, b"y\n")
    assert path.read_bytes() == b"typed meanwhile\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failing_write_leaves_the_file_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"x\n")
    file = files.read(str(path))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        files.replace_source(file, b"y\n")
    assert path.read_bytes() == b"x\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"a\0b\n", "binary"), ("x\n".encode("utf-16"), "UTF-16"), (b"ok\nna\xefve\n", "not UTF-8 (line 2)")],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        files.read(str(path))
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["", "missing/a.py", "loop", "a\0b", "n" * 5000, "."])
def test_names_that_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    with pytest.raises(InputError):
        files.read(name)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="regular"):
        files.read(str(tmp_path / "pipe"))
