"""The grammar of a language, from its wheel."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import tree_sitter

if TYPE_CHECKING:
    from lsp_server.code.languages.language import Language


def grammar_of(language: Language) -> tree_sitter.Language:
    """The grammar of a language that has one; its wheel is imported here."""
    assert language.grammar is not None
    module, function = language.grammar
    return tree_sitter.Language(getattr(import_module(module), function)())
