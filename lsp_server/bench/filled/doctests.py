"""Whether the doctests of one function pass in a copy of its package, in a process of its own."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsp_server.bench.filled.cases import File, Function

_TIMEOUT_S = 60
_RUN = """
import doctest, importlib, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
sys.path.insert(0, ".")
module = importlib.import_module(sys.argv[1])
function = getattr(module, sys.argv[2])
function = getattr(function, "__wrapped__", function)
tests = [t for t in doctest.DocTestFinder(recurse=False).find(function, sys.argv[2], globs=dict(vars(module))) if t.examples]
runner = doctest.DocTestRunner(verbose=False)
for test in tests:
    runner.run(test, out=lambda text: None)
sys.exit(0 if tests and not runner.summarize(verbose=False).failed else 1)
"""


def has_doctest(function: Function) -> bool:
    """Whether its docstring holds an example."""
    return ">>>" in (ast.get_docstring(function) or "")


def doctests_pass(file: File, text: str, function: str) -> bool:
    """Whether the function's doctests pass with `text` in the file's place."""
    top = file.path.parent
    while (top / "__init__.py").exists():
        top = top.parent
    inside = file.path.relative_to(top)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        source = top / inside.parts[0]
        if source.is_dir():
            shutil.copytree(source, copy / inside.parts[0], ignore=shutil.ignore_patterns("__pycache__"))
        (copy / inside).write_text(text, "utf-8")
        module = ".".join(inside.with_suffix("").parts).removesuffix(".__init__")
        try:
            done = subprocess.run(
                [sys.executable, "-c", _RUN, module, function],
                cwd=copy,
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 0
