"""The refactoring `rename`: one new text in all places of a name, given by the user or found by the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from lsp_server.code.scopes.analysis import leaf_at, walk_of
from lsp_server.code.scopes.table import TABLES
from lsp_server.code.syntax.parse import parse
from lsp_server.transforms.refactoring import Answers, Blank, Change, Replacement, rewritten
from lsp_server.transforms.rename import javascript, local, python
from lsp_server.transforms.rename.plan import Plan, refuse, text_of
from lsp_server.transforms.rename.words import IDENTIFIER, why_no_name
from lsp_server.types import Region, Snapshot
from model.types import Hole

if TYPE_CHECKING:
    from tree_sitter import Node

    from lsp_server.code.scopes.walk import Walk

_NAME_KINDS = frozenset(
    {
        "identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern", "type_identifier",
        "shorthand_field_identifier",
    }
)  # fmt: skip
_CANDIDATES = 8
"""Five are shown; some of what comes is in the way of another name."""


class Planner(Protocol):
    """What a language knows of renaming."""

    def __call__(self, walk: Walk, leaf: Node, *, file: str, only_here: bool) -> Plan:
        """The places of the name at `leaf`. Raises Refused."""
        ...


PLANNERS: Mapping[str, Planner] = {
    "python": python.plan,
    **dict.fromkeys(("javascript", "typescript", "tsx"), javascript.plan),
    **dict.fromkeys(TABLES, local.plan),
}


@dataclass(frozen=True, kw_only=True)
class Rename:
    """The answers: `name` the new name; `in-this-file` (any text): rename also what other files may use."""

    name: str = "rename"
    kind: str = "refactor.rename"

    def title(self, snapshot: Snapshot, region: Region) -> str | None:
        leaf = name_at(snapshot, region)
        return None if leaf is None else f"Rename {text_of(leaf)} to what it means"

    def change(self, snapshot: Snapshot, region: Region, *, answers: Answers) -> Change:
        plan, walk = planned(snapshot, region, only_here=bool(answers.get("in-this-file")))
        new = answers.get("name")
        if new is None:
            return _proposed(snapshot, walk, plan)
        if problem := _problem(snapshot, walk, plan, new):
            raise refuse(problem)
        return _renamed(snapshot, plan, new)


def name_at(snapshot: Snapshot, region: Region) -> Node | None:
    """The name under the cursor, or the one that is selected; None where there is none, or no scope analysis for it."""
    leaf = leaf_at(snapshot, region) if snapshot.language.name in PLANNERS else None
    return leaf if leaf is not None and leaf.type in _NAME_KINDS else None


def planned(snapshot: Snapshot, region: Region, *, only_here: bool = False) -> tuple[Plan, Walk]:
    """What is to be changed to rename the name there. Raises Refused."""
    leaf, walk = name_at(snapshot, region), walk_of(snapshot)
    if leaf is None or walk is None:
        known = snapshot.language.name in PLANNERS
        raise refuse(
            "there is no name; put the cursor on one" if known else f"{snapshot.language.name} is not analysed"
        )
    file = snapshot.uri.rpartition("/")[2]
    return PLANNERS[snapshot.language.name](walk, leaf, file=file, only_here=only_here), walk


def _renamed(snapshot: Snapshot, plan: Plan, new: str) -> Change:
    replacements = [(spot.region, [f"{spot.before}{new}{spot.after}"]) for spot in plan.spots]
    return rewritten(snapshot, replacements, summary=f"rename {plan.old} to {new}")


def _proposed(snapshot: Snapshot, walk: Walk, plan: Plan) -> Change:
    hole = Hole(tie="name", must_match=IDENTIFIER, max_lines=1)
    blank = Blank(placeholder=plan.old, hole=hole)
    replacements: list[Replacement] = [(spot.region, [spot.before, blank, spot.after]) for spot in plan.spots]
    change = rewritten(snapshot, replacements, summary=f"rename {plan.old}")
    return replace(
        change, objection=_objection(snapshot, walk, plan), candidates=_CANDIDATES, confirm=len(plan.spots) > 1
    )


def _objection(snapshot: Snapshot, walk: Walk, plan: Plan) -> Callable[[tuple[str, ...]], str]:
    return lambda texts: f"no name found: {problem}" if (problem := _problem(snapshot, walk, plan, texts[0])) else ""


def _problem(snapshot: Snapshot, walk: Walk, plan: Plan, new: str) -> str:
    """Why `new` will not do; "" if every name of the file means with it what it meant before."""
    if new == plan.old:
        return f"{new} is its name already"
    if no_name := why_no_name(new, snapshot.language.name):
        return no_name
    if plan.attributes and any(text_of(a.name) == new for a in walk.attributes):
        return f"there is an attribute {new} already"
    if reason := walk.reserved.get(new):
        return f"{new} {reason}"
    source = _renamed(snapshot, plan, new).source
    after = walk_of(replace(snapshot, source=source, tree=parse(source, snapshot.language)))
    if after is None or after.names.pattern() != walk.names.pattern() or after.clashes > walk.clashes:
        return f"{new} would mean something else there: another {new} is in the way"
    return ""
