"""Cases of `rename`: a name of a real file becomes a new one, or one that is taken."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from lsp_server.bench.refactor.cases import Source
from lsp_server.bench.refactor.meaning import Meaning, meanings, shape
from lsp_server.bench.refactor.outcome import Outcome, attempt
from lsp_server.transforms.rename.rename import Rename
from lsp_server.types import Region


def rename_case(source: Source, rng: random.Random, module: str = "") -> Outcome | None:  # noqa: ARG001
    """One name, drawn by its occurrences; None if the file has none. Half of the new names stand in the file already."""
    occurrences = source.walk.names.occurrences
    places = [o.region for o in occurrences] + [
        Region(a.name.start_byte, a.name.end_byte) for a in source.walk.attributes
    ]
    if not places:
        return None
    place = rng.choice(places)
    taken = sorted({o.name for o in occurrences})
    new = rng.choice(taken) if rng.random() < 0.5 else f"renamed_{rng.randrange(100)}"
    answers: dict[str, str] = {"name": new}
    if rng.random() < 0.7:
        answers["in-this-file"] = "yes"
    return attempt(Rename(), source, place, answers, judge=_judge(source, place, new))


def _judge(source: Source, place: Region, new: str) -> Callable[[str], str]:
    old = source.snapshot.source[place.start : place.end].decode()

    def judge(after: str) -> str:
        return unlike_python(source.text, after, {old: "§", new: "§"})

    return judge


def unlike_python(before: str, after: str, renamed: dict[str, str]) -> str:
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
