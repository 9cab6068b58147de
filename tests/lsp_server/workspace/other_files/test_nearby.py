from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from lsp_server.workspace.other_files import nearby as module
from lsp_server.workspace.other_files.nearby import nearby

PYTHON = frozenset((".py",))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("own/a.py", "own/b.py", "own/c.txt", "own/deep/d.py", "beside/e.py", "f.py", "beside/far/g.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


def names(root: Path, path: str = "own/a.py") -> list[str]:
    return [Path(file).relative_to(root).as_posix() for file in nearby(str(root / path), str(root), PYTHON)]


def test_files_of_the_nearest_folders_come_first(root: Path) -> None:
    assert names(root) == ["own/b.py", "own/deep/d.py", "f.py", "beside/e.py", "beside/far/g.py"]


def test_nothing_above_the_root_is_listed(root: Path) -> None:
    assert [Path(file).name for file in nearby(str(root / "own" / "a.py"), str(root / "own"), PYTHON)] == [
        "b.py",
        "d.py",
    ]


def test_hidden_folders_installed_packages_and_links_are_passed_by(root: Path) -> None:
    for name in (".git", "node_modules", ".venv"):
        (root / "own" / name).mkdir()
        (root / "own" / name / "x.py").write_text("")
    (root / "own" / "round").symlink_to(root / "own")
    assert names(root)[:2] == ["own/b.py", "own/deep/d.py"]
    assert not [name for name in names(root) if "x.py" in name or "round" in name]


def test_folders_and_their_entries_are_bounded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(60):
        (root / "own" / f"sub{n:02}").mkdir()
        (root / "own" / f"sub{n:02}" / "x.py").write_text("")
    assert len(names(root)) <= module.MOST_FOLDERS + 5
    monkeypatch.setattr(module, "MOST_ENTRIES", 5)
    assert not [name for name in names(root) if name.startswith("own/")], "too full a folder is no source folder"


def test_a_missing_folder_is_empty(tmp_path: Path) -> None:
    assert list(islice(nearby(f"{tmp_path}/gone/a.py", f"{tmp_path}/gone", PYTHON), 3)) == []
