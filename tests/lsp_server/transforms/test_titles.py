"""What menus ask at each move of the cursor costs little: nothing in a large file reads all of it."""

from __future__ import annotations

import ast

import pytest

from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax import python_syntax
from lsp_server.code.syntax.parse import parse
from lsp_server.transforms.refactoring import Refactoring
from lsp_server.transforms.registry import REFACTORINGS
from lsp_server.types import Region, Snapshot

SOURCE = ("def f(a):\n    return g(a * 2)\n\n\n" * 3000).encode()
KNOWN = by_name("python")
LARGE = Snapshot(uri="", version=1, source=SOURCE, language=KNOWN, tree=parse(SOURCE, KNOWN))


@pytest.mark.parametrize("refactoring", REFACTORINGS, ids=lambda one: one.name)
def test_no_title_parses_a_large_file(refactoring: Refactoring, monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(source: bytes | str, *args: object, **kwargs: object) -> ast.Module:
        assert len(source) < len(SOURCE), "the whole file is parsed for a menu"
        return real(source, *args, **kwargs)  # type: ignore[call-overload, no-any-return]

    real = ast.parse
    monkeypatch.setattr(ast, "parse", parsed)
    assert python_syntax.ast.parse is parsed  # type: ignore[attr-defined]
    at = SOURCE.index(b"a * 2", len(SOURCE) // 2)
    for region in (Region(at, at), Region(at, at + 5)):
        refactoring.title(LARGE, region)
