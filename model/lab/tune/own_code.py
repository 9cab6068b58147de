"""A user's own code as a corpus: the source files below one folder, parted into training and held-out files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pathspec import GitIgnoreSpec

from model.errors import BadRequest
from model.lab.train.corpus import FILE_CHARACTERS, VENDORED, Package, deduplicate, sources

SUFFIXES = (
    *(".py", ".pyi", ".pyx", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".go", ".rs", ".java"),
    *(".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".cs", ".kt", ".scala", ".swift", ".rb", ".php", ".lua"),
    *(".sh", ".bash", ".sql"),
)
BUILT = frozenset({"__pycache__", "build", "dist", "target", "venv", "env"})
HELD_OUT_SHARE = 0.15
HELD_OUT_CHARACTERS = 10_000
"""If the files that the hash picks hold less, the next ones in its order are held out too."""
LEAST_TOKENS = 20_000

_Rules: TypeAlias = tuple[tuple[Path, GitIgnoreSpec], ...]


@dataclass(frozen=True, kw_only=True)
class OwnCode:
    """The texts of files to train on and of held-out ones, and how many tokens each of both takes."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]
    tokens: int
    held_out_tokens: int


def _constraints_of(folder: Path) -> _Rules:
    file = folder / ".gitignore"
    if not file.is_file():
        return ()
    return ((folder, GitIgnoreSpec.from_lines(file.read_text("utf-8", errors="replace").splitlines())),)


def _rules_above(folder: Path) -> _Rules:
    """The rules of the repository that `folder` lies in, outermost first; none outside a repository."""
    above: _Rules = ()
    for parent in folder.parents if not (folder / ".git").exists() else ():
        above = _constraints_of(parent) + above
        if (parent / ".git").exists():
            return above
    return ()


def _ignored(path: Path, constraints: _Rules, *, is_folder: bool) -> bool:
    """Whether git would ignore it: the nearest `.gitignore` that says anything decides."""
    for base, spec in reversed(constraints):
        said = spec.check_file(path.relative_to(base).as_posix() + "/" * is_folder).include
        if said is not None:
            return said
    return False


def source_files(folder: Path, *, may_read: Callable[[Path], bool]) -> Iterator[Path]:
    """Source files below `folder` that git would not ignore and that `may_read` lets through.

    No links, nothing hidden, vendored or built.
    """
    constraints = {folder: _rules_above(folder)}
    for place, folders, names in os.walk(folder):
        here = Path(place)
        mine = constraints.pop(here) + _constraints_of(here)
        folders[:] = sorted(f for f in folders if _is_own(here / f) and not _ignored(here / f, mine, is_folder=True))
        constraints.update(dict.fromkeys((here / f for f in folders), mine))
        for path in (here / name for name in sorted(names)):
            ours = path.suffix in SUFFIXES and _is_readable(path) and not _ignored(path, mine, is_folder=False)
            if ours and may_read(path):
                yield path


def _is_own(folder: Path) -> bool:
    return not (
        folder.name.startswith(".")
        or folder.name in BUILT
        or VENDORED.match(folder.name)
        or folder.is_symlink()
        or (folder / "pyvenv.cfg").exists()
    )


def _is_readable(path: Path) -> bool:
    """An ordinary file, and no larger than a source file can be."""
    return path.is_file() and not path.is_symlink() and path.stat().st_size <= 4 * FILE_CHARACTERS[1]


def split(texts: dict[str, str]) -> tuple[list[str], list[str]]:
    """Training and held-out texts of {path: text}.

    A file's side follows from its path alone, so that tuning again does not train on what is then held out;
    only where the hash picks too little do the next files in its order follow.
    """

    def draw(path: str) -> int:
        return int.from_bytes(hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest()[:8], "big")

    train, held_out, characters = [], [], 0
    for path in sorted(texts, key=draw):
        if draw(path) < HELD_OUT_SHARE * 2**64 or characters < HELD_OUT_CHARACTERS:
            held_out.append(texts[path])
            characters += len(texts[path])
        else:
            train.append(texts[path])
    return train, held_out


def read(folder: Path, *, may_read: Callable[[Path], bool], count: Callable[[str], int]) -> OwnCode:
    """The code below `folder`. Copies of held-out files are not trained on.

    `may_read`: whether a model may see a file; count: how many tokens a text takes.

    Raises BadRequest if there is no such folder, or too little code in it.
    """
    if not folder.is_dir():
        raise BadRequest(f"no folder {folder}: name the folder that holds your code")
    root = folder.resolve()
    texts = {
        path.relative_to(root).as_posix(): text for path, text in sources(root, source_files(root, may_read=may_read))
    }
    train, held_out = (Package("own code", "", "own", files) for files in split(texts))
    held_out.held_out = True
    deduplicate([train, held_out], package_characters=sum(map(len, texts.values())), seed=0)
    tokens, apart = (sum(map(count, package.files)) for package in (train, held_out))
    if not train.files or tokens + apart < LEAST_TOKENS:
        raise BadRequest(
            f"too little code in {folder}: {tokens + apart:,} tokens in {len(texts)} files, without ignored, vendored, "
            f"generated and repeated ones; tuning needs {LEAST_TOKENS:,} tokens, some {LEAST_TOKENS * 3 // 1000} kB, in several files"
        )
    return OwnCode(train=tuple(train.files), held_out=tuple(held_out.files), tokens=tokens, held_out_tokens=apart)
