"""Every message that the server can show keeps its remedy in a line of a terminal."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.handlers.messages import LINE_LENGTH, one_line, remedy_of

SOURCES = Path(__file__).parents[3] / "lsp_server"
ELSEWHERE = {"bench", "command_line", "serve", "evaluate"}
"""What the command line prints is not cut."""
SHOWN = {
    *("InputError", "Excluded", "SwitchedOff", "NothingFilled", "StaleDocument", "Refused"),
    *("_not_applied", "tell", "_reason", "interrupt"),
}
SAMPLES = ["", "x", "a_name_of_some_length.py", "file:///home/somebody/projects/a-long-name/source/module.py"]
"""What may stand in the place of a value."""
KEPT = 40
"""So much of a remedy is always there: it begins with what to do, alternatives follow."""


def texts(node: ast.expr, sample: str) -> Iterator[str]:
    """What an expression may say, values filled in; nothing where it is no text of its own."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else sample for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (*texts(node.body, sample), *texts(node.orelse, sample))
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from texts(value, sample)


def messages() -> set[str]:
    """All that is raised to be shown, or shown, and what functions that say a reason return."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        if ELSEWHERE & set(path.relative_to(SOURCES).parts):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            said: list[ast.expr] = []
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                said = [*node.args, *(word.value for word in node.keywords)] if name in SHOWN else []
                said += [word.value for word in node.keywords if word.arg in ("reason", "refusal")]
            elif isinstance(node, ast.Return) and node.value is not None and "filling" in path.parts:
                said = [node.value]
            found |= {f"dlm-fill: {text}" for one in said for sample in SAMPLES for text in texts(one, sample)}
    found = {" ".join(message.split()) for message in found}
    return {message for message in found if " " in message.removeprefix("dlm-fill: ")}


def test_there_are_messages() -> None:
    found = messages()
    assert len(found) > 40
    assert "dlm-fill: nothing filled: newer text came each time; ask again when you pause" in found
    assert any("put the cursor on" in message for message in found), "refactorings are among them"


@pytest.mark.parametrize("message", sorted(messages()))
def test_the_remedy_survives(message: str) -> None:
    line = one_line(message)
    assert len(line) <= LINE_LENGTH
    remedy = remedy_of(message)
    if not remedy:
        assert line == message or line.endswith("…")
    elif len(remedy) <= KEPT:
        assert line.endswith(remedy)
    else:
        assert remedy[: KEPT - 12] in line, "what to do first"
    assert line.startswith(message[:12])


@given(st.text("ab :;é\n", max_size=200))
def test_any_text_becomes_a_line(text: str) -> None:
    line = one_line(text)
    assert len(line) <= LINE_LENGTH
    assert "\n" not in line
    if len(" ".join(text.split())) <= LINE_LENGTH:
        assert line == " ".join(text.split())
