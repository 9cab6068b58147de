"""Cases of extracting and inlining: an expression, statements or a variable of a real file."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from lsp_server.bench.refactor.behaviour import why_tests_fail
from lsp_server.bench.refactor.cases import CaseSource
from lsp_server.bench.refactor.javascript import Judge, unlike_javascript
from lsp_server.bench.refactor.meaning import meanings
from lsp_server.bench.refactor.outcome import Outcome, attempt
from lsp_server.bench.refactor.package_tests import PackageTests
from lsp_server.transforms.extract.function import ExtractFunction
from lsp_server.transforms.extract.inline import InlineVariable
from lsp_server.transforms.extract.javascript.syntax import EXPRESSIONS as JAVASCRIPT_EXPRESSIONS
from lsp_server.transforms.extract.syntax import EXPRESSIONS, below
from lsp_server.transforms.extract.variable import ExtractVariable
from lsp_server.transforms.refactoring import Refactoring
from lsp_server.types import Region

if TYPE_CHECKING:
    from tree_sitter import Node

    from lsp_server.code.scopes.names import Binding

Make: TypeAlias = Callable[[CaseSource, random.Random, str], Outcome | None]
_NEW = "_extracted_here"


def variable_case(source: CaseSource, rng: random.Random, module: str = "") -> Outcome | None:
    """One expression gets a name."""
    places = [n for n in _nodes(source) if n.type in EXPRESSIONS and n.type != "identifier"]
    if not places:
        return None
    node = rng.choice(places)
    region = Region(node.start_byte, node.end_byte)
    return attempt(ExtractVariable(), source, region, {"name": _NEW}, judge=_judge(source, module))


def function_case(source: CaseSource, rng: random.Random, module: str = "") -> Outcome | None:
    """One to four statements, or an expression, become a function."""
    blocks = [n for n in _nodes(source) if n.type == "block" and _in_function(n)]
    if not blocks:
        return None
    block = rng.choice(blocks)
    if rng.random() < 0.25:
        inside = [n for n in below(block) if n.type in EXPRESSIONS and n.type != "identifier"]
        first = last = rng.choice(inside or [block])
    else:
        statements = [n for n in block.named_children if n.type != "comment"]
        start = rng.randrange(len(statements))
        first, last = statements[start], statements[min(start + rng.randrange(4), len(statements) - 1)]
    region = Region(first.start_byte, last.end_byte)
    return attempt(ExtractFunction(), source, region, {"name": _NEW}, judge=_judge(source, module))


def inline_case(source: CaseSource, rng: random.Random, module: str = "") -> Outcome | None:
    """One variable goes."""
    names = [b.occurrences[0].node for b in source.walk.names.bindings if _may_go(b)]
    if not names:
        return None
    node = rng.choice(names)
    region = Region(node.start_byte, node.end_byte)
    return attempt(InlineVariable(), source, region, {}, judge=_judge(source, module))


def cases_in_javascript(judge: Judge, tests: PackageTests | None) -> Mapping[str, Make]:
    """The cases of JavaScript and TypeScript by the refactoring's name; where there are tests, of files that these load."""

    def variable(source: CaseSource, rng: random.Random, _: str) -> Outcome | None:
        places = [
            n for n in _nodes(source) if n.type in JAVASCRIPT_EXPRESSIONS and n.type not in ("identifier", "this")
        ]
        return made(ExtractVariable(), source, rng.choice(places), {"name": _NEW}) if places else None

    def function(source: CaseSource, rng: random.Random, _: str) -> Outcome | None:
        blocks = [n for n in _nodes(source) if n.type == "statement_block" and n.named_children]
        if not blocks:
            return None
        statements = [n for n in rng.choice(blocks).named_children if n.type != "comment"] or blocks[:1]
        first = rng.randrange(len(statements))
        chosen = statements[first : first + rng.randrange(1, 5)]
        return made(ExtractFunction(), source, chosen[0], {"name": _NEW}, end=chosen[-1].end_byte)

    def inline(source: CaseSource, rng: random.Random, _: str) -> Outcome | None:
        names = [b.occurrences[0].node for b in source.walk.names.bindings if _may_go_in_javascript(source, b)]
        return made(InlineVariable(), source, rng.choice(names), {}) if names else None

    def made(
        refactoring: Refactoring, source: CaseSource, node: Node, answers: Mapping[str, str], *, end: int | None = None
    ) -> Outcome | None:
        if tests is not None and not tests.load(source.path):
            return None
        region = Region(node.start_byte, node.end_byte if end is None else end)

        def judged(after: str) -> str:
            said = unlike_javascript(source.text, after, None, judge)
            return said or (tests.why_fail(source.path, after) if tests is not None else "")

        return attempt(refactoring, source, region, answers, judge=judged)

    return {"extract-variable": variable, "extract-function": function, "inline-variable": inline}


def _may_go_in_javascript(source: CaseSource, binding: Binding) -> bool:
    uses = [o for o in binding.occurrences if o.role in ("use", "shorthand")]
    bound = [o for o in binding.occurrences if o.role == "bind"]
    return binding.scope.function is not source.walk.module and len(bound) == 1 and 1 <= len(uses) <= 3


def _may_go(binding: Binding) -> bool:
    """Whether it is a variable of a function with one value and few uses: most others are refused."""
    uses = [o for o in binding.occurrences if o.role == "use"]
    bound = [o for o in binding.occurrences if o.role == "bind"]
    return binding.scope.kind == "function" and len(bound) == 1 and 1 <= len(uses) <= 2


def _nodes(source: CaseSource) -> Iterator[Node]:
    assert source.snapshot.tree is not None
    return below(source.snapshot.tree.root_node)


def _in_function(node: Node) -> bool:
    around = node.parent
    while around is not None and around.type != "function_definition":
        around = around.parent
    return around is not None


def _judge(source: CaseSource, module: str) -> Callable[[str], str]:
    def judge(after: str) -> str:
        try:
            now = meanings(after)
        except SyntaxError as error:
            return f"does not compile: {error.msg}"
        known = {m.name for m in meanings(source.text) if m.scope is None}
        lost = {m.name for m in now if m.scope is None} - known
        if lost:
            return f"nothing declares {', '.join(sorted(lost))} any more"
        return why_tests_fail(module, after) if module else ""

    return judge
