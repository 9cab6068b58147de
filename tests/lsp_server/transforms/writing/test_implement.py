from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.code.text.edits import apply
from lsp_server.transforms.writing.implement import Implement
from lsp_server.types import Edit
from tests.lsp_server.transforms.golden import check, folders, snapshot_of
from tests.lsp_server.transforms.stdlib import functions

UNDONE = ("pass", "...", "raise NotImplementedError", "raise NotImplementedError('later')", "# TODO\npass", "")


@pytest.mark.parametrize("folder", folders("implement"), ids=lambda path: path.name)
def test_golden(folder: Path) -> None:
    check(Implement(), folder)


def undone(source: str, placeholder: str, *, docstring: bool) -> tuple[str, str]:
    """(the function with the placeholder for a body, the body that it had), at the margin and in a class."""
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    body = node.body
    has = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and len(body) > 1
    first = body[1 if has else 0]
    lines = source.split("\n")
    head = lines[: (body[0].end_lineno or 0) if has and docstring else body[0].lineno - 1]
    code = "\n".join(lines[first.lineno - 1 :]).strip()
    indent = " " * first.col_offset
    if not placeholder and not (has and docstring):
        placeholder = "pass"
    return "\n".join(head) + "\n" + "".join(f"{indent}{p}\n" for p in placeholder.split("\n") if p), code


def stands_apart(source: str) -> bool:
    """Whether every statement of the body begins a line, and is indented by white space as the file's lines are."""
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    lines = source.split("\n")
    last = node.body[0].lineno - 1
    decorated = [line for line in lines[:last] if line.lstrip().startswith("#")]
    first = node.body[1 if len(node.body) > 1 and isinstance(node.body[0], ast.Expr) else 0]
    starts = [lines[s.lineno - 1][: s.col_offset].strip() == "" for s in (node.body[0], first)]
    return all(starts) and not decorated


WHOLE = [source for source in functions() if stands_apart(source)]


@given(st.sampled_from(WHOLE), st.sampled_from(UNDONE), st.booleans(), st.data())
@settings(max_examples=300, deadline=None)
def test_the_body_that_was_taken_out_fits_into_the_hole(
    source: str, placeholder: str, docstring: bool, data: st.DataObject
) -> None:
    text, body = undone(source, placeholder, docstring=docstring)
    at = data.draw(st.integers(text.index("def "), len(text.rstrip())))
    snapshot, region = snapshot_of(text[:at] + "‸" + text[at:], "python")
    change = Implement().change(snapshot, region, answers={})
    ast.parse(change.source)
    (gap,) = change.gaps
    filled = apply(change.source, [Edit(region=gap.region, new_text=body, version=None)])
    whole, parsed = ast.parse(source).body[0], ast.parse(filled).body[0]
    assert isinstance(whole, ast.FunctionDef | ast.AsyncFunctionDef)
    assert isinstance(parsed, ast.FunctionDef | ast.AsyncFunctionDef)
    kept = len(parsed.body)
    assert [ast.dump(s) for s in parsed.body] == [ast.dump(s) for s in whole.body[-kept:]]
    assert ast.dump(parsed.args) == ast.dump(whole.args)


def test_callers_and_siblings_stand_in_the_context() -> None:
    filler = "\n".join(f"x{n} = {n}" for n in range(40))
    text = (
        "class A:\n    def area(self):\n        return self.w * self.h\n\n" + filler
        + "\nclass B:\n    def area(self):\n        ‸pass\n\n" + filler + "\ntotal = shape.area()\n"
    )  # fmt: skip
    snapshot, region = snapshot_of(text, "python")
    change = Implement().change(snapshot, region, answers={})
    assert "# called as: total = shape.area()" in change.context
    assert "return self.w * self.h" in change.context
    assert all(line.strip().startswith("#") for line in change.context.splitlines())


@given(st.sampled_from(WHOLE))
@settings(max_examples=200, deadline=None)
def test_no_real_body_is_objected_to(source: str) -> None:
    """What a function of the standard library names besides is defined around it, as in its module."""
    node = ast.parse(source).body[0]
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    text, body = undone(source, "pass", docstring=True)
    head = "".join(f"{name} = 0\n" for name in sorted(names)) + "\n\n"
    at = text.index("def ") + 4
    snapshot, region = snapshot_of(head + text[:at] + "‸" + text[at:], "python")
    change = Implement().change(snapshot, region, answers={})
    assert change.objection((body,)) == ""


def test_what_nobody_defines_is_objected_to_and_unused_parameters_come_last() -> None:
    snapshot, region = snapshot_of("import os\n\ndef merge(left, right):\n    ‸pass\n", "python")
    change = Implement().change(snapshot, region, answers={})
    assert "default" in change.objection(("return default",))
    assert change.objection(("for x in left:\n        os.remove(x)",)) == ""
    assert change.order is not None
    texts = ["return None", "return left", "return left + right"]
    order = change.order
    assert sorted(texts, key=lambda text: order((text,))) == texts[::-1]
