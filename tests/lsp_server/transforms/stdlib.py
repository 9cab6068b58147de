"""Real functions for tests over generated inputs: those of the standard library."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

MODULES = (
    "textwrap", "heapq", "bisect", "shlex", "fnmatch", "calendar", "statistics", "colorsys", "string", "difflib",
    "argparse", "csv", "configparser", "dataclasses", "fractions", "ipaddress", "mailbox", "tarfile", "zipfile/__init__",
)  # fmt: skip
_FOLDER = Path(ast.__file__).parent


@cache
def functions() -> list[str]:
    """The sources of functions and methods, at the margin, decorators included."""
    return [found for module in MODULES if (path := _FOLDER / f"{module}.py").exists() for found in _functions(path)]


def _functions(path: Path) -> Iterator[str]:
    source = path.read_text("utf-8")
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            text = textwrap.dedent("\n".join(lines[first - 1 : node.end_lineno])) + "\n"
            if _alone(text):
                yield text


def _alone(text: str) -> bool:
    try:
        compile(text, "f", "exec", ast.PyCF_ONLY_AST)
    except SyntaxError:
        return False
    return True
