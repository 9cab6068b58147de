"""Suggestions as entries of a completion list, in the form that the editor at hand puts into the text as a whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lsprotocol import types as lsp

from lsp_server.code.text.closers import said_again
from lsp_server.code.text.positions import Encoding, line_around
from lsp_server.handlers.positions import to_lsp
from lsp_server.suggestions.question import Question
from lsp_server.suggestions.suggestion import Suggestion
from lsp_server.types import Region

_TOOL = "dlm-fill"
_WORD_BEFORE = re.compile(r"\w*\Z")
_LINE_END = re.compile(r"\r\n|\n|\r")
_AFTER_OTHERS = "zzzz"  # as `sortText`: entries that others are sure of come first
_OF_SNIPPETS = re.compile(r"[\\$}]")


@dataclass(frozen=True, kw_only=True)
class EntryForm:
    """What the editor makes of an entry.

    `inserts_only`: it replaces nothing behind the cursor, whatever the range says. `as_snippet`: of a plain text it
    takes the first word only, of a snippet the whole.
    """

    inserts_only: bool = False
    as_snippet: bool = False

    @classmethod
    def of(cls, params: lsp.InitializeParams) -> EntryForm:
        """The form for who connects. Neovim's own list ignores the end of a range; up to 0.11 it inserts `^%S*` of a plain text."""
        info, can = params.client_info, params.capabilities.text_document
        if info is None or info.name != "Neovim":
            return cls()
        item = can.completion.completion_item if can is not None and can.completion is not None else None
        takes_snippets = item is not None and bool(item.snippet_support)
        return cls(inserts_only=True, as_snippet=takes_snippets and _before_0_12(info.version or ""))


def entries(
    question: Question, suggestions: Sequence[Suggestion], *, encoding: Encoding, form: EntryForm
) -> list[lsp.CompletionItem]:
    """An entry for each different first line. Its edit begins with the word at the cursor, by which clients filter."""
    source, offset = question.snapshot.source, question.offset
    found = _WORD_BEFORE.search(source[line_around(source, offset).start : offset].decode("utf-8"))
    word, closers = found.group() if found else "", question.gap.closers
    heads = [_LINE_END.split(s.text, maxsplit=1)[0] for s in suggestions]
    if form.inserts_only:
        heads = [_before_closers(head, closers) for head in heads]
    items = []
    for place, head in enumerate(filter(str.strip, dict.fromkeys(heads))):
        span = Region(offset - len(word.encode()), offset + said_again(head, closers))
        text = word + head
        snippet = form.as_snippet
        items.append(
            lsp.CompletionItem(
                label=text
                if snippet
                else text.strip(),  # which Neovim 0.11 puts there while one looks through the list
                label_details=lsp.CompletionItemLabelDetails(description=_TOOL),
                detail=_TOOL,
                kind=lsp.CompletionItemKind.Text,
                sort_text=f"{_AFTER_OTHERS}{place:02}",
                filter_text=text,
                insert_text_format=lsp.InsertTextFormat.Snippet if snippet else lsp.InsertTextFormat.PlainText,
                text_edit=lsp.TextEdit(
                    range=to_lsp(question.index, span, encoding),
                    new_text=_OF_SNIPPETS.sub(r"\\\g<0>", text) if snippet else text,
                ),
            )
        )
    return items


def _before_closers(head: str, closers: str) -> str:
    """The text up to the first of the closers that stand behind the cursor already."""
    if not said_again(head, closers):
        return head
    return head[: next(n for n in range(1, len(head) + 1) if said_again(head[:n], closers)) - 1]


def _before_0_12(version: str) -> bool:
    """Whether a version of Neovim, such as 0.11.4 or 0.12.0-dev+g1234, is older than 0.12."""
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) < (0, 12)
