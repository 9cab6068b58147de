from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.code.text.edits import apply
from lsp_server.transforms.refactoring import Change
from lsp_server.transforms.writing.annotate import Annotate
from lsp_server.transforms.writing.type_patterns import python_type, typescript_type
from lsp_server.types import Edit
from tests.lsp_server.transforms.golden import check, folders, snapshot_of
from tests.lsp_server.transforms.stdlib import functions


@pytest.mark.parametrize("folder", folders("annotate"), ids=lambda path: path.name)
def test_golden(folder: Path) -> None:
    check(Annotate(), folder)


def filled(change: Change, types: list[str]) -> str:
    """The change with its holes filled by types, without their lead, and what that calls for."""
    texts = tuple(gap.hole.old_text.replace("object", of) for gap, of in zip(change.gaps, types, strict=True))
    assert all(re.fullmatch(gap.hole.must_match, text) for gap, text in zip(change.gaps, texts, strict=True))
    edits = [Edit(region=g.region, new_text=t, version=None) for g, t in zip(change.gaps, texts, strict=True)]
    assert change.objection(texts) == ""
    return apply(change.source, [*edits, *change.completion(texts)]).decode()


def untyped(source: str) -> str:
    """The code without any type."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
    return ast.dump(tree)


TYPES = [
    "int",
    "list[str]",
    "dict[str, tuple[int, ...]]",
    "int | None",
    "None",
    '"Node"',
    "Callable[[int], str]",
    "Any",
]


@given(st.sampled_from(functions()), st.data())
@settings(max_examples=300, deadline=None)
def test_types_change_nothing_else(source: str, data: st.DataObject) -> None:
    at = source.index("def ") + 4
    snapshot, region = snapshot_of(source[:at] + "‸" + source[at:], "python")
    if Annotate().title(snapshot, region) is None:
        return
    change = Annotate().change(snapshot, region, answers={})
    types = [data.draw(st.sampled_from(TYPES)) for _ in change.gaps]
    result = filled(change, types)
    function = next(n for n in ast.parse(result).body if not isinstance(n, ast.ImportFrom))
    assert untyped(ast.unparse(function)) == untyped(source)
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
    assert all(argument.annotation for argument in every if argument is not None)
    assert function.returns is not None
    wanted = {name for name in ("Callable", "Any") if any(name in of for of in types)}
    names = {a.name for n in ast.parse(result).body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert wanted == names


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("", "from collections.abc import Callable\nfrom typing import Any\n\n"),
        ('"""Doc."""\n', '"""Doc."""\n\nfrom collections.abc import Callable\nfrom typing import Any\n\n'),
        ("#!/bin/sh\n", "#!/bin/sh\nfrom collections.abc import Callable\nfrom typing import Any\n\n"),
        (
            '"""Doc."""\n\nfrom __future__ import annotations\n\nimport os\n',
            (
                '"""Doc."""\n\nfrom __future__ import annotations\n\nfrom collections.abc import Callable\n'
                "from typing import Any\nimport os\n"
            ),
        ),
        (
            "from typing import Dict, Union\n",
            "from collections.abc import Callable\nfrom typing import Any, Dict, Union\n",
        ),
        (
            "from typing import (Dict,)\n",
            "from collections.abc import Callable\nfrom typing import Any\nfrom typing import (Dict,)\n",
        ),
        ("from typing import Any, Callable\n", "from typing import Any, Callable\n"),
    ],
)
def test_known_names_are_imported(head: str, expected: str) -> None:
    snapshot, region = snapshot_of(head + "def f(‸a):\n    print(a)\n", "python")
    result = filled(Annotate().change(snapshot, region, answers={}), ["Callable[..., Any]"])
    assert result == expected + "def f(a: Callable[..., Any]) -> None:\n    print(a)\n"


def test_a_class_that_is_not_there_yet_postpones_types() -> None:
    snapshot, region = snapshot_of("class A:\n    def f(self, ‸a):\n        print(a)\n", "python")
    assert filled(Annotate().change(snapshot, region, answers={}), ["A"]).startswith(
        "from __future__ import annotations\n\nclass A:"
    )


def test_a_name_that_nobody_knows_is_objected_to() -> None:
    snapshot, region = snapshot_of("def f(‸a):\n    print(a)\n", "python")
    change = Annotate().change(snapshot, region, answers={})
    assert "Widget" in change.objection((": Widget",))
    assert not change.objection((": list[int]",))


@pytest.mark.parametrize(
    ("text", "matches"),
    [("int", True), ("list[int", False), ("x y", False), ("int, b", False), ("Callable[[int, str], None]", True),
     ("Literal['a', 1]", True), ("np.ndarray | None", True), ("int = 3", False), ("", False)],
)  # fmt: skip
def test_types_of_python(text: str, matches: bool) -> None:
    assert bool(re.fullmatch(python_type(), text)) == matches


@pytest.mark.parametrize(
    ("text", "matches"),
    [("number", True), ("string[]", True), ("{ a: number; b?: string }", True), ("(a: number) => void", True),
     ("Map<string, Promise<number[]>>", True), ('"a" | "b"', True), ("number = 1", False), ("a) {", False)],
)  # fmt: skip
def test_types_of_typescript(text: str, matches: bool) -> None:
    assert bool(re.fullmatch(typescript_type(), text)) == matches
