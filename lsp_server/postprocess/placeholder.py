"""A placeholder in place of a placeholder: whoever asks for `...` to be filled gets something else, or nothing."""

from __future__ import annotations

from lsp_server.code.text.undone import is_placeholder
from lsp_server.postprocess.around import Around


def unless_placeholder_again(text: str, around: Around) -> str:
    """Drops a text that is a placeholder, where one was to be filled."""
    language = around.language
    both = is_placeholder(around.old, language=language) and is_placeholder(text, language=language)
    return "" if both else text
