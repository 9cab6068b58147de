from __future__ import annotations

import os
from pathlib import Path

import pytest

from lsp_server.workspace.other_files import texts
from lsp_server.workspace.other_files.texts import LARGEST_BYTES, Texts


def test_a_version_is_read_once_and_a_new_one_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.py"
    file.write_text("one\n")
    reads: list[Path] = []
    read_bytes = Path.read_bytes

    def counted(path: Path) -> bytes:
        reads.append(path)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    found = Texts()
    assert [found.read(str(file)), found.read(str(file))] == ["one\n", "one\n"]
    assert reads == [file]
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


def test_what_is_kept_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "KEPT_BYTES", 1000)
    found = Texts()
    for n in range(30):
        (tmp_path / f"{n}.py").write_text(f"{n}" + "x" * 200)
        assert found.read(f"{tmp_path}/{n}.py")
    sizes = [version.size for version, _ in found._kept.values()]
    assert sum(sizes) == found._bytes <= 1000
    (tmp_path / "29.py").write_text("shorter")
    found.read(f"{tmp_path}/29.py")
    assert found._bytes == sum(version.size for version, _ in found._kept.values())
