"""Annotate: a hole at each missing type of a function, of what is selected, or of a class, all filled jointly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from lsp_server.code.definitions.annotations import Untyped, untyped, untyped_attributes
from lsp_server.code.definitions.functions import class_at, function_at, functions
from lsp_server.code.definitions.type_names import IMPORTABLE, imports_for, known_names, names_in
from lsp_server.transforms.refactoring import Answers, Blank, Change, Refused, Replacement, rewritten
from lsp_server.transforms.writing.type_patterns import python_type, typescript_type
from lsp_server.types import Edit, Region, Snapshot
from model.types import Hole

_LANGUAGES = ("python", "typescript", "tsx")
_MOST_HOLES = 24
"""Ask for at most this many types at once: all share one context, and each costs a fill."""


class Annotate:
    """See `Refactoring`."""

    name = "annotate"
    kind = "refactor.rewrite.annotate"

    def title(self, snapshot: Snapshot, region: Region) -> str | None:
        """What the menu says where a type is missing."""
        places = _places(snapshot, region)
        if not 0 < _holes(places) <= _MOST_HOLES and not (places and not _holes(places)):
            return None
        return f"Add the type of {places[0].what}" if len(places) == 1 else f"Add {len(places)} missing types"

    def change(self, snapshot: Snapshot, region: Region, *, answers: Answers) -> Change:  # noqa: ARG002
        """A hole for each type. Raises Refused."""
        if snapshot.language.name not in _LANGUAGES:
            raise Refused(f"types are added in Python and TypeScript, and this file is {snapshot.language.name}")
        places = _places(snapshot, region)
        if not places:
            raise Refused("no type is missing here: put the cursor on a function or a class that lacks some")
        if _holes(places) > _MOST_HOLES:
            raise Refused(f"{_holes(places)} types are missing here, more than {_MOST_HOLES}: select fewer functions")
        named = places[0].what if len(places) == 1 else f"{len(places)} types"
        change = rewritten(snapshot, [_replacement(place, snapshot) for place in places], summary=f"add {named}")
        if snapshot.language.name != "python":
            return change
        names = _Names(snapshot, [place for place in places if not place.fixed], change)
        return replace(change, objection=names.objection, completion=names.completion)


class _Names:
    """What the names in new types ask for: an import, or another type where nobody knows them."""

    def __init__(self, snapshot: Snapshot, holes: Sequence[Untyped], change: Change) -> None:
        self._snapshot = snapshot
        self._changed = replace(snapshot, source=change.source)
        self._places = [hole.region.start for hole in holes]
        self._moved = [gap.region.start for gap in change.gaps]
        self._known = known_names(snapshot)
        self._local = set(re.findall(r"\b[A-Z]\w*\b", snapshot.source.decode("utf-8", "replace")))

    def objection(self, texts: tuple[str, ...]) -> str:
        """Why the types will not do: nobody knows one of their names."""
        for text in texts:
            for name in names_in(_type_of(text)):
                if name not in self._known and name not in IMPORTABLE and name not in self._local:
                    return f"the model named a type that the file does not know: {name}; try another seed"
        return ""

    def completion(self, texts: tuple[str, ...]) -> tuple[Edit, ...]:
        """The imports that the types need, as edits of the changed file."""
        wanted, postponed = list[str](), False
        for at, text in zip(self._places, texts, strict=True):
            for name in names_in(_type_of(text)):
                if name not in self._known:
                    wanted += [name] if name in IMPORTABLE else []
                else:
                    postponed = postponed or self._known[name] > at
        return imports_for(self._changed, wanted, postponed=postponed) if wanted or postponed else ()


def _type_of(text: str) -> str:
    return text.strip().removeprefix("->").removeprefix(":").strip()


def _holes(places: Sequence[Untyped]) -> int:
    return sum(not place.fixed for place in places)


def _places(snapshot: Snapshot, region: Region) -> list[Untyped]:
    """The types that are missing in the selection, in the function at the cursor, or in the class there."""
    if snapshot.language.name not in _LANGUAGES:
        return []
    if region.start < region.end and b"\n" in snapshot.source[region.start : region.end]:
        inside = [f for f in functions(snapshot) if _within(Region(f.node.start_byte, f.body.start_byte), region)]
        if inside:
            return _ordered([place for function in inside for place in untyped(function)])
    function = function_at(snapshot, region)
    if function is not None:
        found = list(untyped(function))
        if function.name in ("__init__", "constructor") and function.holder is not None:
            found += untyped_attributes(function.holder, snapshot.language.name)
        return _ordered(found)
    holder = class_at(snapshot, region)
    if holder is None:
        return []
    span = Region(holder.start_byte, holder.end_byte)
    own = [
        f
        for f in functions(snapshot)
        if f.holder is not None and _within(Region(f.node.start_byte, f.node.end_byte), span)
    ]
    found = [place for function in own for place in untyped(function)]
    return _ordered([*found, *untyped_attributes(holder, snapshot.language.name)])


def _within(inner: Region, outer: Region) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _ordered(places: list[Untyped]) -> list[Untyped]:
    return sorted(places, key=lambda place: place.region)


def _replacement(place: Untyped, snapshot: Snapshot) -> Replacement:
    if place.fixed:
        return place.region, [f"{place.before}{place.lead}{place.fixed}{place.after}"]
    python = snapshot.language.name == "python"
    pattern = python_type() if python else typescript_type()
    hole = Hole(max_lines=1, must_match=re.escape(place.lead).replace("\\ ", " ") + pattern)
    trivial = place.lead + ("object" if python else "unknown")
    return place.region, [place.before, Blank(placeholder=trivial, hole=hole), place.after]
