"""`dlm-fill eval refactor` on a small seed: refactorings of real functions preserve what code means; and the judge can tell."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from lsp_server.bench.refactor import eval_refactor
from lsp_server.bench.refactor.behaviour import module_files, why_tests_fail
from lsp_server.bench.refactor.cases import sources
from lsp_server.bench.refactor.rename import unlike_python

SMALL = ("textwrap", "shlex", "fnmatch", "bisect", "getopt")


def small_modules() -> list[Path]:
    return [path for path, name in module_files().items() if name in SMALL]


@pytest.mark.parametrize("transform", list(eval_refactor.TRANSFORMS))
def test_a_few_cases_of_each(transform: str) -> None:
    modules = {path: name for path, name in module_files().items() if name in SMALL}
    if transform != "rename" and not modules:
        pytest.skip("this Python comes without the package test")
    paths = list(modules) or [Path(json.__file__).parent]
    tally = eval_refactor.run(transform, "python", paths, cases=6, seed=3, modules=modules)
    assert tally.made == 6
    assert [(fault.file, fault.line, fault.fault) for fault in tally.faults] == []


def test_the_command_prints_a_table_and_json() -> None:
    folder = str(Path(json.__file__).parent)
    done = CliRunner().invoke(
        eval_refactor.main, ["--transform", "rename", "--source", folder, "--cases", "4"], standalone_mode=False
    )
    assert done.return_value == 0, done.output
    (row,) = json.loads(done.output.splitlines()[-1])
    assert row["cases"] == row["passed"] == 4


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("def f(b):\n    return b + len(b)\n", ""),
        ("def f(b):\n    return a + len(b)\n", "a name means something else"),
        ("def f(b):\n    return b - len(b)\n", "the tree is another one"),
        ("def f(b, b):\n    return b\n", "does not compile"),
        ("def f(b):\n    return b + b(b)\n", "the tree is another one"),
    ],
)
def test_the_judge_of_names_can_tell(after: str, said: str) -> None:
    found = unlike_python("def f(a):\n    return a + len(a)\n", after, {"a": "§", "b": "§"})
    assert found.startswith(said)
    assert bool(found) is bool(said)


def test_the_modules_tests_can_fail() -> None:
    paths = small_modules()
    if not paths:
        pytest.skip("this Python comes without the package test")
    (source,) = sources([next(p for p in paths if p.stem == "shlex")], "python", (".py",), random.Random(0))
    assert why_tests_fail("shlex", source.text) == ""
    broken = source.text.replace("if not self.punctuation_chars", "if self.punctuation_chars")
    assert why_tests_fail(
        "shlex", broken.replace("return '\\'' + s.replace", "return '\"' + s.replace") + "\nquote = None\n"
    )
