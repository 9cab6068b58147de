"""Test: a new file with a test of the function at the cursor, by the project's convention, a hole for each assertion."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

from lsp_server.code.definitions.functions import Function, function_at, text_of
from lsp_server.code.definitions.outcomes import raised
from lsp_server.transforms.refactoring import Answers, Blank, Change, Refused, rewritten
from lsp_server.types import Region, Snapshot
from lsp_server.workspace.test_layout import Layout, layout_of
from lsp_server.workspace.uris import path_of
from model.types import Hole

_ASSERTIONS = 3
_GO_PACKAGE = re.compile(rb"^package\s+(\w+)", re.MULTILINE)

Parts: TypeAlias = list["str | Blank"]


class Test:
    """See `Refactoring`."""

    name = "test"
    kind = "refactor.rewrite.test"

    def title(self, snapshot: Snapshot, region: Region) -> str | None:
        """What the menu says on a function that a test file can be made for."""
        function, layout = _function(snapshot, region), _layout(snapshot)
        if function is None or layout is None or layout.path.exists():
            return None
        return f"Write a test of {function.name} in {layout.path.name}"

    def change(self, snapshot: Snapshot, region: Region, *, answers: Answers) -> Change:  # noqa: ARG002
        """The new file. Raises Refused."""
        function, layout = _function(snapshot, region), _layout(snapshot)
        if layout is None:
            raise Refused("no test is made for this file: save it as Python, JavaScript, TypeScript or Go first")
        if function is None:
            raise Refused("no function of the module here: put the cursor on one that is no method and has a name")
        if layout.path.exists():
            raise Refused(f"{layout.path} exists: add the test there by hand, where its fixtures are")
        empty = replace(snapshot, source=b"", version=None, tree=None)
        parts = _FRAMEWORKS[layout.framework](function, layout, snapshot)
        change = rewritten(empty, [(Region(0, 0), parts)], summary=f"test {function.name}")
        return replace(change, context=text_of(function.outer) + "\n", context_at=0, new_file=str(layout.path))


def _function(snapshot: Snapshot, region: Region) -> Function | None:
    function = function_at(snapshot, region)
    return (
        function if function is not None and function.name and not function.is_method and not function.indent else None
    )


def _layout(snapshot: Snapshot) -> Layout | None:
    path = path_of(snapshot.uri)
    known = path is not None and snapshot.language.name in ("python", "javascript", "typescript", "tsx", "go")
    return layout_of(path) if known and path is not None else None


def _pytest(function: Function, layout: Layout, snapshot: Snapshot) -> Parts:  # noqa: ARG001
    errors = raised(function)
    called = f"{'await ' if text_of(function.node).startswith('async') else ''}{function.name}"
    define = "async def" if called.startswith("await") else "def"
    parts: Parts = ["import pytest\n\n" if errors else "", f"from {layout.module} import {function.name}\n\n\n"]
    parts.append(f"{define} test_{function.name}(){_ARROW}:\n")
    for _ in range(_ASSERTIONS):
        parts += [f"    assert {called}(", _blank(r"[^\n]*\) (?:==|is|!=|in) [^\n]+", ") == None"), "\n"]
    for error in errors:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", error.rpartition(".")[2]).lower()
        parts += [f"\n\n{define} test_{function.name}_raises_{name}(){_ARROW}:\n    with pytest.raises({error}):\n"]
        parts += [f"        {called}(", _blank(r"[^\n]*\)", ")"), "\n"]
    return parts


_ARROW = " -> None"


def _unittest(function: Function, layout: Layout, snapshot: Snapshot) -> Parts:  # noqa: ARG001
    title = "".join(word.capitalize() for word in function.name.split("_"))
    parts: Parts = [f"import unittest\n\nfrom {layout.module} import {function.name}\n\n\n"]
    parts.append(f"class {title}Test(unittest.TestCase):\n    def test_{function.name}(self):\n")
    for _ in range(_ASSERTIONS):
        parts += [f"        self.assertEqual({function.name}(", _blank(r"[^\n]*\), [^\n]+\)", "), None)"), "\n"]
    parts.append('\n\nif __name__ == "__main__":\n    unittest.main()\n')
    return parts


def _jest(function: Function, layout: Layout, snapshot: Snapshot) -> Parts:  # noqa: ARG001
    parts: Parts = [f"import {{ {function.name} }} from '{layout.module}';\n\n"]
    if layout.framework == "vitest":
        parts.insert(0, "import { expect, test } from 'vitest';\n")
    parts.append(f"test('{function.name}', () => {{\n")
    for _ in range(_ASSERTIONS):
        parts += [f"  expect({function.name}(", _blank(r"[^\n]*\)\)\.to\w+\([^\n]*\)", ")).toBeDefined()"), ";\n"]
    return [*parts, "});\n"]


def _go(function: Function, layout: Layout, snapshot: Snapshot) -> Parts:  # noqa: ARG001
    found = _GO_PACKAGE.search(snapshot.source)
    package = found[1].decode() if found else "main"
    title = function.name[:1].upper() + function.name[1:]
    parts: Parts = [f'package {package}\n\nimport "testing"\n\nfunc Test{title}(t *testing.T) {{\n']
    for _ in range(_ASSERTIONS):
        parts += [f"\tif got := {function.name}(", _blank(r"[^\n]*\); got != [^\n{]+", "); got != nil"), " {\n"]
        parts.append('\t\tt.Errorf("got %v", got)\n\t}\n')
    return [*parts, "}\n"]


def _blank(pattern: str, placeholder: str) -> Blank:
    return Blank(placeholder=placeholder, hole=Hole(max_lines=1, must_match=pattern))


_FRAMEWORKS: Mapping[str, Callable[[Function, Layout, Snapshot], Parts]] = MappingProxyType(
    {"pytest": _pytest, "unittest": _unittest, "jest": _jest, "vitest": _jest, "go": _go}
)
