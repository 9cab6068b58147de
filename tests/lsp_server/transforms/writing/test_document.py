from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.code.text.edits import apply
from lsp_server.transforms.writing.document import Document
from lsp_server.types import Edit
from tests.lsp_server.transforms.golden import check, folders, snapshot_of
from tests.lsp_server.transforms.stdlib import functions

STYLES = {
    "google": "Args:\n        x: One.\n",
    "numpy": "Parameters\n    ----------\n    x\n        One.\n",
    "rest": ":param x: One.\n",
}


@pytest.mark.parametrize("folder", folders("document"), ids=lambda path: path.name)
def test_golden(folder: Path) -> None:
    check(Document(), folder)


def without_docstring(source: str) -> str:
    tree = ast.parse(source)
    (node,) = tree.body
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    if ast.get_docstring(node) is not None:
        node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def named(docstring: str, style: str) -> list[str]:
    """The parameters that a docstring lists."""
    if style == "rest":
        return re.findall(r"^:param (\S+):", docstring, re.MULTILINE)
    if style == "google":
        section = re.search(r"^Args:\n((?: +.*\n?)+)", docstring, re.MULTILINE)
        return re.findall(r"^ +(\S+):", section[1], re.MULTILINE) if section else []
    section = re.search(r"^Parameters\n-+\n((?:.+\n?)+)", docstring, re.MULTILINE)
    return re.findall(r"^(\S+)", section[1], re.MULTILINE) if section else []


@given(st.sampled_from(functions()), st.sampled_from(list(STYLES)))
@settings(max_examples=300, deadline=None)
def test_a_docstring_names_exactly_the_parameters_and_changes_nothing_else(source: str, style: str) -> None:
    source = without_docstring(source)
    other = f'def other(x):\n    """One.\n\n    {STYLES[style]}    """\n\n\n'
    at = source.index("def ") + 4
    snapshot, region = snapshot_of(other + source[:at] + "‸" + source[at:] + "\n", "python")
    change = Document().change(snapshot, region, answers={})
    said = "Some words."
    assert all(re.fullmatch(gap.hole.must_match, said) for gap in change.gaps)
    result = apply(change.source, [Edit(region=g.region, new_text=said, version=None) for g in change.gaps]).decode()
    node = ast.parse(result).body[1]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    docstring = ast.get_docstring(node)
    assert docstring is not None
    assert docstring.startswith(said)
    parameters = node.args
    every = [*parameters.posonlyargs, *parameters.args, parameters.vararg, *parameters.kwonlyargs, parameters.kwarg]
    # Of keyword-only parameters and *args, the order is that of the file.
    assert sorted(name.lstrip("*") for name in named(docstring, style)) == sorted(p.arg for p in every if p)
    node.body = node.body[1:]
    assert ast.unparse(node) == source
