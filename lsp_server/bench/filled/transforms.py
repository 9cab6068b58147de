"""What is measured of each refactoring: a case is made of a function, and its result is judged."""

from __future__ import annotations

import ast
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from lsp_server.bench.filled.cases import File, Function, arguments, at, named, snapshot_of, without
from lsp_server.bench.filled.doctests import doctests_pass, has_doctest
from lsp_server.bench.filled.filled_case import FilledCase, Make, source_of
from lsp_server.bench.filled.project_tests import ProjectTests
from lsp_server.bench.filled.repairs import repair
from lsp_server.transforms.applying import Refactored, change_of
from lsp_server.transforms.refactoring import Refused
from lsp_server.transforms.rename.rename import Rename
from lsp_server.transforms.writing.annotate import Annotate
from lsp_server.transforms.writing.document import Document
from lsp_server.transforms.writing.implement import Implement
from lsp_server.types import Region

_MOST_BODY_LINES = 12
_SECTIONS = (
    (re.compile(r"^Args:\n((?:[ ].*\n?)+)", re.MULTILINE), re.compile(r"^ {4}\**(\w+):", re.MULTILINE)),
    (re.compile(r"^Parameters\n-+\n((?:.+\n?)+)", re.MULTILINE), re.compile(r"^\**(\w+)(?: : .*)?$", re.MULTILINE)),
)
"""Where parameters are listed, and how each begins."""


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
        after = named(source_of(done) or source, function.name, function.lineno)
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
    return FilledCase(refactoring=Annotate(), snapshot=snapshot_of(source, file.path), region=place, judge=judge, right=truth,
                baselines={"copied from the file": copied, "most frequent (str, -> None)": most})  # fmt: skip


def implement(
    file: File,
    function: Function,
    rng: random.Random,  # noqa: ARG001
    *,
    tests: ProjectTests | None = None,
) -> FilledCase | None:
    """The body of a small function taken out: its doctests have to pass, or `tests`, where these need that body."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    if not body or (body[-1].end_lineno or 0) - body[0].lineno > _MOST_BODY_LINES or body[0].lineno == function.lineno:
        return None
    first, last = body[0], body[-1]
    start = file.offset(first.lineno, first.col_offset)
    end = file.offset(last.end_lineno or 0, last.end_col_offset or 0)
    passed = _judge_of(file, function, tests)
    if passed is None or passed(without(file.text, [(start, end, "raise NotImplementedError")])):
        return None
    source = without(file.text, [(start, end, "...")])

    def judge(done: Refactored | None) -> Mapping[str, float]:
        text = source_of(done)
        return {"passed": float(text is not None and passed(text))}

    own = arguments(function)
    trivial = without(file.text, [(start, end, f"return {own[0].arg}" if own else "return None")])
    return FilledCase(refactoring=Implement(), snapshot=snapshot_of(source, file.path), region=at(source, start), judge=judge,
                right=[file.text.encode()[start:end].decode()],
                baselines={"returns its argument": float(passed(trivial))})  # fmt: skip


def _judge_of(file: File, function: Function, tests: ProjectTests | None) -> Callable[[str], bool] | None:
    """Whether a text of the file passes the tests of the function; None if it has none that pass as it is."""
    if tests is not None:
        tests.check(file.path)
        return partial(tests.passed, file.path)
    if not has_doctest(function) or function.col_offset or not doctests_pass(file, file.text, function.name):
        return None
    return partial(doctests_pass, file, function=function.name)


def document(file: File, function: Function, rng: random.Random) -> FilledCase | None:  # noqa: ARG001
    """The docstring of a function taken out."""
    docstring = ast.get_docstring(function)
    if docstring is None or len(function.body) < 2 or not arguments(function):
        return None
    first, second = function.body[:2]
    start = file.offset(first.lineno, first.col_offset)
    source = without(file.text, [(start, file.offset(second.lineno, second.col_offset), "")])

    def judge(done: Refactored | None) -> Mapping[str, float]:
        after = named(source_of(done) or source, function.name, function.lineno)
        said = ast.get_docstring(after) if after else None
        wanted, listed = [a.arg for a in arguments(function)], listed_in(said or "")
        complete = said is not None and "…" not in said
        return {
            "parses": float(after is not None),
            "filled": float(complete),
            "names exactly the parameters": float(complete and listed == wanted),
            "is a summary, as others in the file": float(complete and not listed),
        }

    place = at(source, file.offset(function.lineno, function.col_offset) + len("def "))
    return FilledCase(refactoring=Document(), snapshot=snapshot_of(source, file.path), region=place, judge=judge,
                right=[docstring])  # fmt: skip


def listed_in(docstring: str) -> list[str]:
    """The parameters that a docstring lists, in its order, by the conventions of reST, Google and NumPy."""
    found = re.findall(r"^\s*:param \**(\w+):", docstring, re.MULTILINE)
    for section, name in _SECTIONS:
        for lines in section.findall(docstring):
            found += name.findall(lines)
    return found


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
                candidates=5, right=[name.id], baselines={"five most frequent names of the file": float(name.id in frequent)})  # fmt: skip


TRANSFORMS: Mapping[str, Make] = MappingProxyType(
    {"annotate": annotate, "implement": implement, "document": document, "rename": rename, "repair": repair}
)
