"""Cases of `rename`: a name of a real file becomes a new one, or one that is taken."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from lsp_server.bench.refactor.cases import CaseSource
from lsp_server.bench.refactor.compiled import Compiler
from lsp_server.bench.refactor.javascript import Judge, unlike_javascript
from lsp_server.bench.refactor.meaning import Meaning, meanings, shape
from lsp_server.bench.refactor.outcome import Outcome, attempt
from lsp_server.transforms.rename.rename import Rename
from lsp_server.types import Region

Unlike: TypeAlias = Callable[[str, str, Mapping[str, str]], str]


def rename_case(source: CaseSource, rng: random.Random, module: str = "") -> Outcome | None:  # noqa: ARG001
    """One name, drawn by its occurrences; None if the file has none. Half of the new names stand in the file already."""
    return _case(source, rng, unlike_python)


def rename_case_in_javascript(judge: Judge) -> Callable[[CaseSource, random.Random, str], Outcome | None]:
    """The same in JavaScript and TypeScript."""
    return lambda source, rng, _: _case(source, rng, partial(unlike_javascript, judge=judge))


def rename_case_of_locals(compiler: Compiler) -> Callable[[CaseSource, random.Random, str], Outcome | None]:
    """The same of what functions declare, in a file that compiles."""

    def case(source: CaseSource, rng: random.Random, _: str) -> Outcome | None:
        names = source.walk.names
        places = [o.region for o in names.occurrences if names.binding_of(o) is not None]
        if not places or not compiler.compiles(source.path, source.text):
            return None
        return _case(source, rng, partial(compiler.unlike, source.path), places=places)

    return case


def _case(
    source: CaseSource, rng: random.Random, unlike: Unlike, *, places: Sequence[Region] | None = None
) -> Outcome | None:
    occurrences = source.walk.names.occurrences
    if places is None:
        attributes = (Region(a.name.start_byte, a.name.end_byte) for a in source.walk.attributes)
        places = [*(o.region for o in occurrences), *attributes]
    if not places:
        return None
    place = rng.choice(places)
    taken = sorted({o.name for o in occurrences})
    new = rng.choice(taken) if rng.random() < 0.5 else f"renamed_{rng.randrange(100)}"
    old = source.snapshot.source[place.start : place.end].decode()
    answers: dict[str, str] = {"name": new}
    if rng.random() < 0.7:
        answers["in-this-file"] = "yes"
    return attempt(
        Rename(), source, place, answers, judge=lambda after: unlike(source.text, after, {old: "§", new: "§"})
    )


def unlike_python(before: str, after: str, renamed: Mapping[str, str]) -> str:
    """How the meaning of a Python file has changed; "" if only the renamed names have."""
    try:
        now = meanings(after)
    except SyntaxError as error:
        return f"does not compile: {error.msg}"
    if shape(before, renamed) != shape(after, renamed):
        return "the tree is another one"
    if _pattern(meanings(before)) != _pattern(now):
        return "a name means something else"
    return ""


def _pattern(found: Sequence[Meaning]) -> list[object]:
    first: dict[object, int] = {}
    return [
        first.setdefault((m.name, m.scope), number) if m.scope is not None else m.name for number, m in enumerate(found)
    ]
