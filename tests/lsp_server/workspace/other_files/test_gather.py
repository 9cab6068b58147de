from __future__ import annotations

from pathlib import Path

import pytest

from lsp_server.code.languages.table import language_of
from lsp_server.types import Snapshot
from lsp_server.workspace.exclusions import Exclusions
from lsp_server.workspace.other_files import gather
from lsp_server.workspace.other_files.gather import Gathering, Workspace

CANARY = "PASSWORD = 'canary-7f3a'\n"


def snapshot(path: Path | str, text: str = "x = 1\n") -> Snapshot:
    uri = path if isinstance(path, str) else path.as_uri()
    return Snapshot(uri=uri, version=1, source=text.encode(), language=language_of(uri), tree=None)


def gathered(root: Path, own: Snapshot, *opened: Snapshot) -> tuple[str, ...]:
    workspace = Workspace(folders=(root,), exclusions=Exclusions([root]), opened=opened)
    return Gathering().others(own, workspace, cancelled=lambda: False)


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_open_documents_then_imported_files_then_near_ones(tmp_path: Path) -> None:
    write(tmp_path, own="", near="near\n", deep__far__away="imported\n", deep__other="other\n")
    own = snapshot(tmp_path / "own.py", "from deep.far import away\n")
    opened = snapshot(tmp_path / "deep" / "other.py", "as it is typed\n")
    assert gathered(tmp_path, own, opened, snapshot("untitled:new", "new\n")) == (
        "as it is typed\n",
        "new\n",
        "imported\n",
        "near\n",
    )


def test_imports_are_looked_for_in_the_folders_above_and_in_src(tmp_path: Path) -> None:
    write(tmp_path, src__shop__basket="in src\n", pack__base="above\n", pack__sub__own="")
    own = snapshot(tmp_path / "pack" / "sub" / "own.py", "import shop.basket\nfrom pack.base import x\n")
    assert gathered(tmp_path, own)[:2] == ("in src\n", "above\n")


def test_scripts_of_either_language_are_one(tmp_path: Path) -> None:
    for name in ("a.ts", "b.tsx", "c.js", "d.py"):
        (tmp_path / name).write_text(f"{name}\n")
    assert gathered(tmp_path, snapshot(tmp_path / "a.ts", "import './c'\n")) == ("c.js\n", "b.tsx\n")


def test_the_own_file_is_not_another_by_any_name(tmp_path: Path) -> None:
    write(tmp_path, own="own\n")
    (tmp_path / "alias.py").symlink_to("own.py")
    own = snapshot(tmp_path / "own.py", "import alias, own\n")
    assert gathered(tmp_path, own, snapshot(tmp_path / "alias.py", "own\n")) == ()


def test_an_older_version_of_the_own_file_is_not_another(tmp_path: Path) -> None:
    own = snapshot(tmp_path / "own.py")
    older = snapshot(f"git:{tmp_path.as_posix()}/own.py?HEAD", "what was deleted\n")
    assert gathered(tmp_path, own, older, snapshot("untitled:new", "new\n")) == ("new\n",)


def test_what_is_open_twice_or_on_disk_too_comes_once(tmp_path: Path) -> None:
    write(tmp_path, own="", other="on disk\n")
    (tmp_path / "alias.py").symlink_to("other.py")
    found = gathered(tmp_path, snapshot(tmp_path / "own.py"), snapshot(tmp_path / "other.py", "typed\n"))
    assert found == ("typed\n",)


@pytest.mark.parametrize("ignored", [".dlmignore", ".gitignore"])
def test_what_is_ignored_stays_out_also_if_open_or_imported(tmp_path: Path, ignored: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ignored).write_text("made.py\nbuild/\n")
    write(tmp_path, own="", made=CANARY, build__out=CANARY, free="free\n")
    own = snapshot(tmp_path / "own.py", "import made\nfrom build import out\n")
    assert gathered(tmp_path, own, snapshot(tmp_path / "made.py", CANARY)) == ("free\n",)


def test_secrets_stay_out_behind_links_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(CANARY)
    (tmp_path / "link.py").symlink_to(".env")
    (tmp_path / ".env.py").write_text(CANARY)
    write(tmp_path, own="")
    own = snapshot(tmp_path / "own.py", "import link\n")
    assert gathered(tmp_path, own, snapshot(tmp_path / ".env", CANARY), snapshot("git:/w/.env?HEAD", CANARY)) == ()


def test_outside_the_workspace_only_what_is_open_is_seen(tmp_path: Path) -> None:
    root = tmp_path / "w"
    write(root, own="", inside="inside\n")
    write(tmp_path, outside=CANARY, opened="opened\n")
    (root / "link.py").symlink_to(tmp_path / "outside.py")
    own = snapshot(root / "own.py", "from .. import outside\nimport link\n")
    assert gathered(root, own, snapshot(tmp_path / "opened.py", "opened\n")) == ("opened\n", "inside\n")
    stranger = snapshot(tmp_path / "stranger.py", "import outside\n")
    assert gathered(root, stranger) == ()


def test_a_rule_holds_as_soon_as_it_is_written(tmp_path: Path) -> None:
    write(tmp_path, own="", other=CANARY)
    gathering, own = Gathering(), snapshot(tmp_path / "own.py")
    workspace = Workspace(folders=(tmp_path,), exclusions=Exclusions([tmp_path]))
    assert gathering.others(own, workspace, cancelled=lambda: False) == (CANARY,)
    (tmp_path / ".dlmignore").write_text("other.py\n")
    assert gathering.others(own, workspace, cancelled=lambda: False) == ()


def test_cancelling_stops_the_reading(tmp_path: Path) -> None:
    write(tmp_path, own="", **{f"other{n}": f"{n}\n" for n in range(9)})
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 3

    workspace = Workspace(folders=(tmp_path,), exclusions=Exclusions([tmp_path]))
    assert Gathering().others(snapshot(tmp_path / "own.py"), workspace, cancelled=cancelled) == ()
    assert len(asked) == 4


def test_number_and_size_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, own="", **{f"other{n}": f"{n}" * 10 for n in range(9)})
    monkeypatch.setattr(gather, "MOST_CHARS", 45)
    assert len(gathered(tmp_path, snapshot(tmp_path / "own.py"))) == 4
    monkeypatch.setattr(gather, "MOST_FILES", 2)
    assert len(gathered(tmp_path, snapshot(tmp_path / "own.py"))) == 2
    huge = snapshot(tmp_path / "huge.py", "x" * 300_000)
    assert len(gathered(tmp_path, snapshot(tmp_path / "own.py"), huge)) == 2
