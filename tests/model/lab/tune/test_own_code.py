from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from model.errors import BadRequest
from model.lab.tune import own_code
from model.lab.tune.own_code import source_files, split
from tests.model import toy


def anything(path: Path) -> bool:
    return path.is_file()


def test_only_ones_own_source_files_are_read(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    kept = ["here/a.py", "here/deep/b.ts", "here/deep/kept.py", "here/logs.py"]
    left = [
        "above.py",
        "here/notes.txt",
        "here/.hidden/c.py",
        "here/node_modules/d.js",
        "here/third_party/e.py",
        "here/dist/f.py",
        "here/surroundings/pyvenv.cfg",
        "here/surroundings/g.py",
        "here/made.gen.py",
        "here/logs/h.py",
        "here/deep/i.py",
        "here/large.py",
    ]
    for name in kept + left:
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("x" * (1_000_000 if "large" in name else 10))
    (repository / ".git").mkdir()
    (repository / ".gitignore").write_text("*.gen.py\nlogs/\nkept.py\n")
    (repository / "here" / "deep" / ".gitignore").write_text("i.py\n!kept.py\n")
    (repository / "here" / "link.py").symlink_to(repository / "above.py")
    (repository / "here" / "linked").symlink_to(tmp_path)
    found = [path.relative_to(repository).as_posix() for path in source_files(repository / "here", may_read=anything)]
    assert sorted(found) == sorted(kept)


def test_git_agrees_on_what_it_ignores(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("/top.py\na/**/b.py\n!a/x/b.py\nq*/\n\\#odd.py\n")
    names = ["top.py", "s/top.py", "a/b.py", "a/x/b.py", "a/x/y/b.py", "qs/z.py", "s/q.py", "#odd.py"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard", "*.py"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    found = source_files(tmp_path, may_read=anything)
    assert sorted(p.relative_to(tmp_path).as_posix() for p in found) == sorted(listed)


def test_a_files_side_follows_from_its_path() -> None:
    texts = {f"folder/{n}.py": f"{n} " * 500 for n in range(400)}
    train, held_out = split(texts)
    assert sorted(train + held_out) == sorted(texts.values())
    assert 0.10 < len(held_out) / len(texts) < 0.20
    fewer = {path: text + "more" for path, text in texts.items() if not path.endswith("7.py")}
    train_of_fewer, held_out_of_fewer = split(fewer)
    assert {t.removesuffix("more") for t in train_of_fewer} <= set(train)
    assert {t.removesuffix("more") for t in held_out_of_fewer} <= set(held_out)
    few, apart = split({f"{n}.py": "x" * 5000 for n in range(6)})
    assert (len(few), len(apart)) == (4, 2), "of few files enough are held out all the same"


def test_copies_of_held_out_files_are_not_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_code, "LEAST_TOKENS", 1)
    (tmp_path / "code").mkdir()
    for n in range(40):
        (tmp_path / "code" / f"{n}.py").write_text(toy.source(n % 20))
    found = own_code.read(tmp_path / "code", may_read=anything, count=len)
    assert len(found.held_out) >= 4
    assert len(found.train) <= 20
    assert not set(found.train) & set(found.held_out)
    assert (found.tokens, found.held_out_tokens) == tuple(sum(map(len, part)) for part in (found.train, found.held_out))
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "all.py").write_text(toy.source(1))
    with pytest.raises(BadRequest, match=r"in 1 files.* in several files"):
        own_code.read(tmp_path / "one", may_read=anything, count=len)
