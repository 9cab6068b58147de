"""What git ignores is no context, by whichever of its files; asked of git itself, and by hand where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.workspace import git as git_module
from lsp_server.workspace.exclusions import Exclusions
from lsp_server.workspace.git import Git, Stamps

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")
PATHS = ["a.py", "b.py", "build/a.py", "src/a.py", "src/b.py", "src/build/a.py", "src/deep/er/c.py", "ä ö.py", "-x.py"]
LINES = ["*.py", "!a.py", "build/", "/build", "src", "!src/", "src/*", "!src/b.py", "/a.py", "**/c.py", "deep/**"]
LINES += ["er", "ä*", "# c", "", "\\!x", "a.py ", "[ab].py", "-x.py"]
LINE = st.sampled_from(LINES)
RULES = st.lists(LINE, max_size=3).map("\n".join)


def git(root: Path, *command: str) -> str:
    return subprocess.run(["git", "-C", root, *command], check=True, capture_output=True, text=True).stdout


def write(root: Path, *names: str, text: str = "x = 1\n") -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def ignored(root: Path, *names: str, exclusions: Exclusions | None = None) -> list[bool]:
    found = (exclusions or Exclusions([root])).each_excluded([root / n for n in names], opened=False, for_context=True)
    return [rule is not None for rule in found]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return home


@pytest.fixture(params=["asked", "by hand"])
def root(request: pytest.FixtureRequest, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    subprocess.run(["git", "init", "-q", tmp_path / "w"], check=True)
    if request.param == "by hand":
        monkeypatch.setattr(git_module, "which", lambda _: None)
    return tmp_path / "w"


@settings(max_examples=60)
@given(top=RULES, nested=RULES, excluded=RULES, everywhere=RULES, tracked=st.sets(st.sampled_from(PATHS), max_size=2))
def test_both_ways_say_what_git_says(
    top: str, nested: str, excluded: str, everywhere: str, tracked: set[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root, home = tmp_path_factory.mktemp("w"), tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.delenv("XDG_CONFIG_HOME", raising=False)
        subprocess.run(["git", "init", "-q", root], check=True)
        write(root, *PATHS)
        git(root, "add", "-f", *[f"./{name}" for name in sorted(tracked)]) if tracked else None
        write(root, ".gitignore", text=top)
        write(root, "src/.gitignore", text=nested)
        write(root, ".git/info/exclude", text=excluded)
        write(home, ".config/git/ignore", text=everywhere)
        seen = set(git(root, "ls-files", "-z", "-o", "-c", "--exclude-standard").split("\0"))
        expected = [name not in seen for name in PATHS]
        assert ignored(root, *PATHS) == expected
        if "!src/" in f"{top}\n{excluded}\n{everywhere}".split("\n"):
            return  # by hand a folder that is taken back takes back what is in it, against rules that count less
        patch.setattr(git_module, "which", lambda _: None)
        by_hand = ignored(root, *PATHS)
        assert [one for one, name in zip(by_hand, PATHS, strict=True) if name not in tracked] == [
            one for one, name in zip(expected, PATHS, strict=True) if name not in tracked
        ]


def test_every_file_with_rules_counts(root: Path, home: Path) -> None:
    write(root, *(f"{name}.py" for name in "abcdef"))
    (root / ".gitignore").write_text("a.py\n")
    (root / ".git" / "info" / "exclude").write_text("b.py\n")
    write(home, ".config/git/ignore", text="c.py\n")
    names = [f"{name}.py" for name in "abcdef"]
    assert ignored(root, *names) == [True, True, True, False, False, False]
    write(home, "mine", text="d.py\n")
    (home / ".gitconfig").write_text("[user]\n\tname = x\n[core]\n\texcludesFile = ~/mine\n")
    assert ignored(root, *names) == [True, True, False, True, False, False]


def test_a_rule_holds_as_soon_as_it_is_written(root: Path) -> None:
    exclusions = Exclusions([root])
    write(root, "src/a.py", "b.py")
    assert ignored(root, "src/a.py", "b.py", exclusions=exclusions) == [False, False]
    (root / ".git" / "info" / "exclude").write_text("b.py\n")
    assert ignored(root, "src/a.py", "b.py", exclusions=exclusions) == [False, True]
    (root / "src" / ".gitignore").write_text("*\n")
    assert ignored(root, "src/a.py", "b.py", exclusions=exclusions) == [True, True]
    (root / "src" / ".gitignore").unlink()
    assert ignored(root, "src/a.py", "b.py", exclusions=exclusions) == [False, True]


def test_worktrees_have_the_rules_of_their_repository(root: Path, tmp_path: Path) -> None:
    git(root, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--allow-empty", "-m", "x")
    git(root, "worktree", "add", "-q", str(tmp_path / "tree"))
    (root / ".git" / "info" / "exclude").write_text("b.py\n")
    write(tmp_path / "tree", "a.py", "b.py")
    assert ignored(tmp_path / "tree", "a.py", "b.py") == [False, True]


def test_a_repository_in_an_ignored_folder_is_ignored_and_one_beside_has_its_own_rules(root: Path) -> None:
    for name in ("vendored", "own"):
        write(root, f"{name}/a.py", f"{name}/b.py")
        subprocess.run(["git", "init", "-q", root / name], check=True)
    (root / ".gitignore").write_text("/vendored\n")
    (root / "own" / ".gitignore").write_text("b.py\n")
    found = ignored(root, "vendored/a.py", "own/a.py", "own/b.py", "vendored/b.py")
    assert found == [True, False, True, True]


def test_what_lies_beyond_an_ignored_link_is_ignored(root: Path, tmp_path: Path) -> None:
    write(root, "real/a.py")
    (root / "link").symlink_to(root / "real")
    (root / ".gitignore").write_text("link\n")
    assert ignored(root, "link/a.py", "real/a.py") == [True, False]


def test_one_call_tells_of_all_paths_and_answers_are_kept(tmp_path: Path, home: Path) -> None:
    root = tmp_path / "w"
    subprocess.run(["git", "init", "-q", root], check=True)
    write(root, *PATHS)
    calls = tmp_path / "calls"
    fake = tmp_path / "git"
    fake.write_text(f'#!/bin/sh\necho "$GIT_DIR" >> "{calls}"\nexec {shutil.which("git")} "$@"\n')
    fake.chmod(0o755)
    asked = Git(str(fake))
    for _ in range(3):
        assert asked.ignored(str(root), [str(root / name) for name in PATHS], Stamps()) is not None
    assert calls.read_text() == "\n"


def test_another_repository_in_the_environment_is_not_asked(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root, "a.py", "b.py")
    (root / ".gitignore").write_text("b.py\n")
    subprocess.run(["git", "init", "-q", tmp_path / "other"], check=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
    assert ignored(root, "a.py", "b.py") == [False, True]


@pytest.mark.parametrize("script", ["exit 128", "kill -9 $$", "echo garbage", "exit 0"])
def test_a_git_that_fails_is_done_without(
    script: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "w", ".git/HEAD", "a.py", "b.py")
    (tmp_path / "w" / ".gitignore").write_text("b.py\n")
    (tmp_path / "git").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert ignored(tmp_path / "w", "a.py", "b.py") == [False, True]


def test_a_submodule_has_its_own_rules_and_changes_nothing_for_the_repository_around_it(
    root: Path, tmp_path: Path, home: Path
) -> None:
    inner = tmp_path / "inner"
    write(inner, "kept.py")
    (inner / ".gitignore").write_text("left.py\n")
    git(tmp_path, "init", "-q", str(inner))
    git(inner, "add", "-A")
    git(inner, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x")
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "part")
    (root / ".git" / "info" / "exclude").write_text("private.py\n")
    (root / ".git" / "modules" / "part" / "info" / "exclude").write_text("own.py\n")
    names = ["x.py", "private.py", "part/kept.py", "part/left.py", "part/own.py", "part/private.py"]
    write(root, *names)
    assert ignored(root, *names) == [False, True, False, True, True, False]
