"""What is measured of each refactoring: a case is made of a function, and its result is judged."""

from __future__ import annotations

import ast
import io
import random
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from lsp_server.bench.filled.cases import File, Function, arguments, at, named, snapshot_of, without
from lsp_server.bench.filled.doctests import doctests_pass, has_doctest
from lsp_server.transforms.applying import Refactored, change_of
from lsp_server.transforms.refactoring import Refactoring, Refused
from lsp_server.transforms.rename.rename import Rename
from lsp_server.transforms.writing.annotate import Annotate
from lsp_server.transforms.writing.document import Document
from lsp_server.transforms.writing.implement import Implement
from lsp_server.transforms.writing.repair import Repair
from lsp_server.types import Region, Snapshot

Judge: TypeAlias = Callable[[Refactored | None], Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class FilledCase:
    """What to refactor, and who judges: figures by name, each between 0 and what `of` counts."""

    refactoring: Refactoring
    snapshot: Snapshot
    region: Region
    judge: Judge
    candidates: int = 1
    baselines: Mapping[str, float] = field(default_factory=dict)


Make: TypeAlias = Callable[[File, Function, random.Random], FilledCase | None]


def _source(done: Refactored | None) -> str | None:
    return done.results[0].source.decode() if done is not None else None


def annotate(file: File, function: Function, rng: random.Random) -> FilledCase | None:  # noqa: ARG001
    """The types of a function taken out."""
    own = arguments(function)
    if function.returns is None or not own or any(a.annotation is None for a in own) or len(own) > 6:
        return None
    truth = [ast.unparse(a.annotation) for a in own if a.annotation] + [ast.unparse(function.returns)]
    cuts = []
    for argument in own:
        assert argument.annotation is not None
        start = file.offset(argument.lineno, argument.col_offset + len(argument.arg.encode()))
        end = file.offset(argument.annotation.end_lineno or 0, argument.annotation.end_col_offset or 0)
        cuts.append((start, end, ""))
    head = file.text.encode()[: file.offset(function.returns.lineno, function.returns.col_offset)]
    cuts.append(
        (head.rindex(b"->"), file.offset(function.returns.end_lineno or 0, function.returns.end_col_offset or 0), "")
    )
    source = without(file.text, cuts)
    place = at(source, file.offset(function.lineno, function.col_offset) + len("def "))

    def judge(done: Refactored | None) -> Mapping[str, float]:
        after = named(_source(done) or source, function.name, function.lineno)
        found = [ast.unparse(a.annotation) if a.annotation else "" for a in arguments(after)] if after else []
        found += [ast.unparse(after.returns) if after and after.returns else ""]
        return {"right": sum(a == b for a, b in zip(truth, found, strict=False)), "given": sum(map(bool, found)),
                "types": len(truth)}  # fmt: skip

    known = Counter[tuple[str, str]]()
    for other in ast.walk(ast.parse(source)):
        if isinstance(other, ast.arg) and other.annotation is not None:
            known[other.arg, ast.unparse(other.annotation)] += 1
    copied = 0
    for argument, of in zip(own, truth, strict=False):
        same = [(count, t) for (name, t), count in known.items() if name == argument.arg]
        copied += bool(same) and max(same)[1] == of
    most = sum(of == "str" for of in truth[:-1]) + (truth[-1] == "None")
    return FilledCase(refactoring=Annotate(), snapshot=snapshot_of(source, file.path), region=place, judge=judge,
                baselines={"copied from the file": copied, "most frequent (str, -> None)": most})  # fmt: skip


def implement(file: File, function: Function, rng: random.Random) -> FilledCase | None:  # noqa: ARG001
    """The body of a small function with doctests taken out; they have to pass."""
    body = function.body
    if (
        not has_doctest(function)
        or len(body) < 2
        or (body[-1].end_lineno or 0) - body[1].lineno > 12
        or function.col_offset
    ):
        return None
    start, end = (
        file.offset(body[1].lineno, body[1].col_offset),
        file.offset(body[-1].end_lineno or 0, body[-1].end_col_offset or 0),
    )
    if not doctests_pass(file, file.text, function.name):
        return None
    source = without(file.text, [(start, end, "...")])

    def judge(done: Refactored | None) -> Mapping[str, float]:
        text = _source(done)
        return {"passed": float(text is not None and doctests_pass(file, text, function.name))}

    first = arguments(function)
    trivial = without(file.text, [(start, end, f"return {first[0].arg}" if first else "return None")])
    return FilledCase(refactoring=Implement(), snapshot=snapshot_of(source, file.path), region=at(source, start), judge=judge,
                baselines={"returns its argument": float(doctests_pass(file, trivial, function.name))})  # fmt: skip


def document(file: File, function: Function, rng: random.Random) -> FilledCase | None:  # noqa: ARG001
    """The docstring of a function taken out."""
    docstring = ast.get_docstring(function)
    if docstring is None or len(function.body) < 2 or not arguments(function):
        return None
    first, second = function.body[:2]
    start = file.offset(first.lineno, first.col_offset)
    source = without(file.text, [(start, file.offset(second.lineno, second.col_offset), "")])

    def judge(done: Refactored | None) -> Mapping[str, float]:
        after = named(_source(done) or source, function.name, function.lineno)
        said = ast.get_docstring(after) if after else None
        wanted = [a.arg for a in arguments(function)]
        listed = [name for name in wanted if said and f"{name}" in said]
        complete = said is not None and "…" not in said
        return {"parses": float(after is not None), "filled": float(complete), "names all": float(listed == wanted)}

    place = at(source, file.offset(function.lineno, function.col_offset) + len("def "))
    return FilledCase(refactoring=Document(), snapshot=snapshot_of(source, file.path), region=place, judge=judge)


def rename(file: File, function: Function, rng: random.Random) -> FilledCase | None:
    """A local name hidden behind a meaningless one: is it among five proposals?"""
    stores = [
        n for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and len(n.id) > 2
    ]
    if not stores:
        return None
    name = rng.choice(stores)
    place = at(file.text, file.offset(name.lineno, name.col_offset))
    try:
        hidden = change_of(Rename(), snapshot_of(file.text, file.path), place, answers={"name": "v0"})
    except Refused:
        return None

    def judge(done: Refactored | None) -> Mapping[str, float]:
        names = [result.texts[0] for result in done.results] if done is not None else []
        return {"first": float(names[:1] == [name.id]), "among five": float(name.id in names[:5])}

    source = hidden.source.decode()
    others = Counter(
        n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    )
    frequent = [other for other, _ in others.most_common(5)]
    start = hidden.source.find(b"v0", max(0, place.start - 2000 if place.start > 2000 else 0))
    return FilledCase(refactoring=Rename(), snapshot=snapshot_of(source, file.path), region=Region(start, start), judge=judge,
                candidates=5, baselines={"five most frequent names of the file": float(name.id in frequent)})  # fmt: skip


def repair(file: File, function: Function, rng: random.Random) -> FilledCase | None:
    """One token damaged so that its line no longer parses."""
    tokens = list(_tokens(file.text, function))
    rng.shuffle(tokens)
    for token in tokens[:20]:
        start = file.offset(token.start[0], len(token.line[: token.start[1]].encode()))
        text = (
            rng.choice(["", token.string * 2, token.string[:-1]])
            if len(token.string) > 1
            else rng.choice(["", token.string * 2])
        )
        source = without(file.text, [(start, start + len(token.string.encode()), text)])
        try:
            ast.parse(source)
        except SyntaxError as error:
            if error.lineno == token.start[0]:
                return _repairing(file, source, start)
    return None


def _repairing(file: File, source: str, start: int) -> FilledCase:
    def judge(done: Refactored | None) -> Mapping[str, float]:
        text = _source(done)
        parses = 0.0
        if text is not None:
            try:
                ast.parse(text)
                parses = 1.0
            except SyntaxError:
                pass
        return {"exactly": float(text == file.text), "otherwise": float(parses and text != file.text), "parses": parses}

    return FilledCase(
        refactoring=Repair(), snapshot=snapshot_of(source, file.path), region=at(source, start), judge=judge
    )


def _tokens(text: str, function: Function) -> Iterator[tokenize.TokenInfo]:
    lines = range(function.lineno, (function.end_lineno or function.lineno) + 1)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.start[0] in lines and token.type in (tokenize.OP, tokenize.NAME) and token.start[0] == token.end[0]:
            yield token


TRANSFORMS: Mapping[str, Make] = MappingProxyType(
    {"annotate": annotate, "implement": implement, "document": document, "rename": rename, "repair": repair}
)
