"""What an editor would have beside the file of a case: other files of its package, found without knowing the truth."""

from __future__ import annotations

import ast
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from model.lab.eval.cases import Case

MOST_FILES = 64
"""Offered to the filler, which chooses: imported ones first, then by how near their folders are."""
FILE_CHARACTERS = (1, 200_000)


class EvalWorkspace:
    """Files of the packages that cases were cut from; each is read once."""

    def __init__(self) -> None:
        self._texts: dict[Path, dict[Path, str]] = {}

    def others(self, case: Case) -> tuple[str, ...]:
        """The texts of up to `MOST_FILES` other files of the case's package; none if it is of no file."""
        if case.path is None or case.root is None:
            return ()
        texts = self._package(case.root)
        imported = _imported(case.prefix + case.suffix, case.path, case.root)
        order = sorted(
            (path for path in texts if path != case.path),
            key=lambda path: (path not in imported, _steps(case.path, path), path),
        )
        return tuple(texts[path] for path in order[:MOST_FILES])

    def _package(self, root: Path) -> dict[Path, str]:
        if root not in self._texts:
            read = {path: path.read_text("utf-8", errors="ignore") for path in sorted(root.rglob("*.py"))}
            low, high = FILE_CHARACTERS
            self._texts[root] = {path: text for path, text in read.items() if low <= len(text) <= high}
        return self._texts[root]


def _steps(one: Path | None, other: Path) -> int:
    """How many folders lie on the way from one file to the other."""
    assert one is not None
    relative = os.path.relpath(other.parent, one.parent)
    return 0 if relative == "." else relative.count(os.sep) + 1


def _imported(text: str, path: Path, root: Path) -> set[Path]:
    """The files below the package's folder that the rest of the file, which may not parse, imports line by line."""
    places = set()
    for line in text.split("\n"):
        if line.lstrip().startswith(("import ", "from ")):
            places |= {file for module in _modules(line.strip(), path, root) for file in _files(module)}
    return places


def _modules(statement: str, path: Path, root: Path) -> Iterator[Path]:
    """Where modules of an import statement would lie, without an ending."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (node,) = ast.parse(statement.rstrip("(\\ ") + " *" * statement.endswith("(")).body
    except (SyntaxError, ValueError):
        return
    if isinstance(node, ast.Import):
        yield from (root.parent.joinpath(*name.name.split(".")) for name in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = path.parents[node.level - 1] if 0 < node.level <= len(path.parents) else root.parent
        module = above.joinpath(*(node.module or "").split(".")) if node.module else above
        yield module
        yield from (module / name.name for name in node.names)


def _files(module: Path) -> Iterator[Path]:
    yield module.with_name(f"{module.name}.py")
    yield module / "__init__.py"
