"""Where a project keeps its tests and in which framework they are, told by the files that lie there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

_ROOTS = ("pyproject.toml", "setup.py", "setup.cfg", "package.json", "go.mod", ".git")
_LOOKED_AT = 20
_HEAD_BYTES = 4_000
_SCRIPTS = {".js": ".js", ".jsx": ".jsx", ".ts": ".ts", ".tsx": ".tsx", ".mjs": ".mjs"}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """`path` of the test file, `framework` (pytest, unittest, jest, vitest, go), `module`: how a test imports the file."""

    path: Path
    framework: str
    module: str


def layout_of(path: Path) -> Layout | None:
    """Where a test of the file `path` belongs; None for languages whose tests are not known here."""
    root = next((folder for folder in path.parents if any((folder / name).exists() for name in _ROOTS)), path.parent)
    if path.suffix == ".py":
        folder = next((root / name for name in ("tests", "test") if (root / name).is_dir()), path.parent)
        unittest = any(_imports_unittest(file) for file in islice(_tests(folder), _LOOKED_AT))
        return Layout(
            path=folder / f"test_{path.stem}.py", framework="unittest" if unittest else "pytest", module=_module(path)
        )
    if path.suffix in _SCRIPTS:
        package = root / "package.json"
        vitest = package.is_file() and "vitest" in package.read_text("utf-8", errors="replace")
        name = f"{path.stem}.test{path.suffix}"
        return Layout(path=path.with_name(name), framework="vitest" if vitest else "jest", module=f"./{path.stem}")
    if path.suffix == ".go":
        return Layout(path=path.with_name(f"{path.stem}_test.go"), framework="go", module="")
    return None


def _tests(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.glob("test_*.py"))


def _imports_unittest(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return re.search(rb"^import unittest\b", head, re.MULTILINE) is not None and b"import pytest" not in head


def _module(path: Path) -> str:
    """The dotted name by which the file is imported: packages above it are those with an `__init__.py`."""
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)
