"""In which form an editor gets the entries of a completion list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types as lsp

from lsp_server.code.text.closers import said_again
from lsp_server.handlers.completion.items import EntryForm, _before_closers


def connecting(name: str | None, version: str | None = None, *, snippets: bool = True) -> lsp.InitializeParams:
    item = lsp.ClientCompletionItemOptions(snippet_support=snippets)
    can = lsp.TextDocumentClientCapabilities(completion=lsp.CompletionClientCapabilities(completion_item=item))
    info = lsp.ClientInfo(name=name, version=version) if name is not None else None
    return lsp.InitializeParams(capabilities=lsp.ClientCapabilities(text_document=can), client_info=info)


@pytest.mark.parametrize(
    ("params", "form"),
    [
        (connecting(None), EntryForm()),
        (connecting("Visual Studio Code", "0.9"), EntryForm()),
        (connecting("Neovim", "0.11.4"), EntryForm(inserts_only=True, as_snippet=True)),
        (connecting("Neovim", "0.9.5+v0.9.5"), EntryForm(inserts_only=True, as_snippet=True)),
        (connecting("Neovim", "0.11.4", snippets=False), EntryForm(inserts_only=True)),
        (connecting("Neovim", "0.12.0-dev+g12"), EntryForm(inserts_only=True)),
        (connecting("Neovim", "1.0"), EntryForm(inserts_only=True)),
        (connecting("Neovim"), EntryForm(inserts_only=True)),
    ],
)
def test_the_form_depends_on_the_editor(params: lsp.InitializeParams, form: EntryForm) -> None:
    assert EntryForm.of(params) == form


@given(st.text("ab()[]{},;: \"'", max_size=10), st.text(")]},;\"'", max_size=3))
def test_what_is_inserted_only_says_no_closer_again(head: str, closers: str) -> None:
    kept = _before_closers(head, closers)
    assert head.startswith(kept)
    assert said_again(kept, closers) == 0
    assert (kept == head) == (said_again(head, closers) == 0)
