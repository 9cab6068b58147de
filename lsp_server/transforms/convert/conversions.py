"""The conversions as refactorings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from lsp_server.code.syntax.python_syntax import syntax_error
from lsp_server.transforms.convert.branches import to_match
from lsp_server.transforms.convert.logging import to_logging
from lsp_server.transforms.convert.loops import to_comprehension, to_loop
from lsp_server.transforms.convert.place import Place
from lsp_server.transforms.convert.strings import to_f_string
from lsp_server.transforms.refactoring import (
    READ_FOR_A_TITLE_BYTES,
    Answers,
    Blank,
    Change,
    Refused,
    Replacement,
    rewritten,
)
from lsp_server.types import Edit, Region, Snapshot

Convert: TypeAlias = Callable[[Place], Replacement | str]


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """See `Refactoring`. `into`: what it makes of the construct, as the menu says; `imports`: a module that it needs."""

    name: str
    into: str
    convert: Convert
    imports: str = ""
    kind: str = "refactor.rewrite.convert"

    def title(self, snapshot: Snapshot, region: Region) -> str | None:
        """What the menu says where the construct can be converted."""
        if len(snapshot.source) > READ_FOR_A_TITLE_BYTES:
            return None
        return None if isinstance(self._found(snapshot, region), str) else f"Convert to {self.into}"

    def change(self, snapshot: Snapshot, region: Region, *, answers: Answers) -> Change:  # noqa: ARG002
        """The construct in its new form. Raises Refused."""
        found = self._found(snapshot, region)
        if isinstance(found, str):
            raise Refused(f"not converted to {self.into}: {found}")
        change = rewritten(snapshot, [found], summary=f"convert to {self.into}")
        if self.imports and f"import {self.imports}".encode() not in snapshot.source:
            change = replace(change, completion=lambda _: _importing(change, snapshot, self.imports))
        return change

    def _found(self, snapshot: Snapshot, region: Region) -> Replacement | str:
        place = Place.of(snapshot, region)
        if place is None:
            return "only Python that parses is converted"
        found = self.convert(place)
        if isinstance(found, str):
            return found
        span, parts = found
        text = "".join(part.placeholder if isinstance(part, Blank) else part for part in parts)
        source = snapshot.source[: span.start] + text.encode() + snapshot.source[span.end :]
        return "the result would not parse: this is a limit of the conversion" if syntax_error(source) else found


def _importing(change: Change, snapshot: Snapshot, module: str) -> tuple[Edit, ...]:
    """The edit that imports the module, above the first import or statement that is no docstring."""
    place = Place.of(replace(snapshot, source=change.source), Region(0, 0))
    if place is None:
        return ()
    at = 0
    for number, statement in enumerate(place.tree.body):
        docstring = number == 0 and type(statement).__name__ == "Expr"
        future = getattr(statement, "module", "") == "__future__"
        if not (docstring or future):
            at = place.starts[statement.lineno - 1]
            break
    return (Edit(region=Region(at, at), new_text=f"import {module}\n", version=snapshot.version),)


CONVERSIONS = (
    Conversion(name="to-comprehension", into="a comprehension", convert=to_comprehension),
    Conversion(name="to-loop", into="a loop", convert=to_loop),
    Conversion(name="to-f-string", into="an f-string", convert=to_f_string),
    Conversion(name="to-match", into="match", convert=to_match),
    Conversion(name="to-logging", into="a logging call", convert=to_logging, imports="logging"),
)
