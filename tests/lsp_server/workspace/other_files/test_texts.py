from __future__ import annotations

import os
from pathlib import Path

import pytest

from lsp_server.workspace.other_files import texts
from lsp_server.workspace.other_files.texts import LARGEST_BYTES, Texts


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that have been read, in order."""
    names: list[str] = []
    read_bytes = Path.read_bytes

    def counted(path: Path) -> bytes:
        names.append(path.name)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    return names


def test_a_version_is_read_once_and_a_new_one_again(tmp_path: Path, reads: list[str]) -> None:
    file = tmp_path / "a.py"
    file.write_text("one\n")
    found = Texts()
    assert [found.read(str(file)), found.read(str(file))] == ["one\n", "one\n"]
    assert reads == [file.name]
    file.write_text("two, longer\n")
    assert found.read(str(file)) == "two, longer\n"
    file.write_text("TWO, longer\n")
    os.utime(file, ns=(1, 1))
    assert found.read(str(file)) == "TWO, longer\n"
    assert len(reads) == 3


@pytest.mark.parametrize(
    "content", [b"a\0b", b"\xff\xfe", b"x" * (LARGEST_BYTES + 1)], ids=["binary", "no UTF-8", "too large"]
)
def test_what_is_no_text_is_not_read(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(content)
    assert Texts().read(str(file)) is None


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(b"\xef\xbb\xbfx = 1\n")
    assert Texts().read(str(file)) == "x = 1\n"


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    assert [Texts().read(str(tmp_path / name)) for name in ("pipe.py", ".", "missing.py")] == [None, None, None]


def test_what_is_kept_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: list[str]) -> None:
    monkeypatch.setattr(texts, "KEPT_BYTES", 1000)
    found = Texts()

    def read(n: int) -> int:
        """How many files had to be read for that one."""
        before = len(reads)
        assert found.read(f"{tmp_path}/{n}.py")
        return len(reads) - before

    for n in range(30):
        (tmp_path / f"{n}.py").write_text(f"{n}" + "x" * 200)
        assert read(n) == 1
    assert [read(n) for n in (26, 27, 28, 29, 25)] == [0, 0, 0, 0, 1]
    for length in range(30):  # versions of one file take the room of one
        (tmp_path / "29.py").write_text("y" * (100 + length))
        assert read(29) == 1
    assert [read(n) for n in (25, 28, 27)] == [0, 0, 0]
