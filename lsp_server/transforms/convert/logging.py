"""`print` becomes a call of `logging`, of which the model says the level."""

from __future__ import annotations

import ast
import re

from lsp_server.transforms.convert.place import Place
from lsp_server.transforms.refactoring import Blank, Replacement
from model.types import Hole

LEVELS = ("debug", "info", "warning", "error")
_LOGGER = re.compile(rb"^(log|logger|_log|_logger|LOG|LOGGER)\s*=\s*logging\.getLogger", re.MULTILINE)


def to_logging(place: Place) -> Replacement | str:
    """The print at the cursor as a logging call; why not, if not."""
    for node in place.holding(ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id != "print":
            continue
        if not node.args or any(isinstance(a, ast.Starred) for a in node.args):
            return "a print of nothing, or of *values, has no message"
        if any(k.arg != "file" or place.text(k.value) != "sys.stderr" for k in node.keywords):
            return "a log line has no sep, end or flush, and its own stream"
        found = _LOGGER.search(place.source)
        logger = found[1].decode() if found else "logging"
        hole = Hole(max_lines=1, must_match="|".join(LEVELS))
        return place.span(node), [f"{logger}.", Blank(placeholder="info", hole=hole), f"({_message(place, node)})"]
    return "no print here"


def _message(place: Place, node: ast.Call) -> str:
    """What is logged: one text as it is, several values by %s."""
    texts = [place.text(argument) for argument in node.args]
    first = node.args[0]
    if len(texts) == 1 and (
        isinstance(first, ast.JoinedStr) or (isinstance(first, ast.Constant) and isinstance(first.value, str))
    ):
        return texts[0]
    return ", ".join([f'"{" ".join(["%s"] * len(texts))}"', *texts])
