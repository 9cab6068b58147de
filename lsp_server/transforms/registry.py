"""The refactorings that there are, in the order in which menus list them: a line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lsp_server.transforms.convert.awaiting import ToAwait
from lsp_server.transforms.convert.conversions import CONVERSIONS
from lsp_server.transforms.extract.function import ExtractFunction
from lsp_server.transforms.extract.inline import InlineVariable
from lsp_server.transforms.extract.variable import ExtractVariable
from lsp_server.transforms.refactoring import Refactoring, Refused
from lsp_server.transforms.rename.rename import Rename
from lsp_server.transforms.suspicious.suspicions import NAME as SUSPICIOUS
from lsp_server.transforms.writing.annotate import Annotate
from lsp_server.transforms.writing.document import Document
from lsp_server.transforms.writing.implement import Implement
from lsp_server.transforms.writing.repair import Repair
from lsp_server.transforms.writing.test_skeleton import Test

REFACTORINGS: tuple[Refactoring, ...] = (
    Rename(),
    Implement(),
    Annotate(),
    Document(),
    ExtractVariable(),
    ExtractFunction(),
    InlineVariable(),
    Repair(),
    *CONVERSIONS,
    ToAwait(),
    Test(),
)


@dataclass(frozen=True, kw_only=True)
class KnownRefactoring:
    """What `dlm-fill refactor` takes for a name, and the kind of its code actions."""

    name: str
    kind: str


def known(among: Sequence[Refactoring] = REFACTORINGS) -> tuple[KnownRefactoring, ...]:
    """All that the command line takes, in the order of menus: the refactorings, and `suspicious`, which changes nothing."""
    changing = (KnownRefactoring(name=one.name, kind=one.kind) for one in among)
    return (*changing, KnownRefactoring(name=SUSPICIOUS, kind="quickfix"))


def by_name(name: str, among: Sequence[Refactoring] = REFACTORINGS) -> Refactoring:
    """The refactoring of that name. Raises Refused, which lists those that there are."""
    for refactoring in among:
        if refactoring.name == name:
            return refactoring
    if name == SUSPICIOUS:
        raise Refused(
            f"{name} changes nothing: `dlm-fill refactor {name} FILE:A-B` lists words, and the setting `{name}` has an"
            " editor show them"
        )
    raise Refused(f"no such refactoring: {name}; there are {', '.join(one.name for one in known(among))}")
