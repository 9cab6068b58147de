"""What a rename has to change: the places, and what they become around the new name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsp_server.code.scopes.names import Occurrence
from lsp_server.transforms.refactoring import Refused
from lsp_server.types import Region

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tree_sitter import Node

    from lsp_server.code.scopes.names import Binding


@dataclass(frozen=True, order=True)
class Spot:
    """A place that becomes `before` + the new name + `after`."""

    region: Region
    before: str = ""
    after: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All places of the name `old`. `attributes`: these are attributes, which are no scope's names."""

    old: str
    spots: tuple[Spot, ...]
    attributes: bool = False


def spots_of(binding: Binding) -> Iterable[Spot]:
    """The places of a binding; where the old name says more than itself, it stays beside the new one."""
    for occurrence in binding.occurrences:
        yield spot_of(occurrence)


def spot_of(occurrence: Occurrence) -> Spot:
    before = {
        "import": f"{occurrence.name} as ",
        "shorthand": f"{occurrence.name}: ",
        "shorthand-bind": f"{occurrence.name}: ",
    }.get(occurrence.role, "")
    after = ""
    if occurrence.role == "export":
        after = f" as {occurrence.name}"
    return Spot(occurrence.region, before, after)


def line_of(node: Node) -> int:
    """Its line, counted from 1."""
    return node.start_point.row + 1


def text_of(node: Node | None) -> str:
    return node.text.decode("utf-8") if node is not None and node.text is not None else ""


def refuse(reason: str) -> Refused:
    return Refused(f"not renamed: {reason}")
