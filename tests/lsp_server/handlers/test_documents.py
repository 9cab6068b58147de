"""The editor's and the server's copy of a document stay the same, whatever is typed."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from lsp_server.bench.watched import TEXT
from tests.lsp_server.editor import URI, Editor, connected, within

_LINE_END = re.compile(r"\r\n|\n|\r")
_PIECES = [
    *("x = 1", "\n", "\r\n", "\r", "\x0c", "\x0b", "\u2028", "\u2029", "\x85", "\t", "(", ")", "'", "# ", ""),
    *("é", "e\u0301", "漢", "😀", "👩\u200d👧", "\ufeff", "\0"),
]


def units(text: str, encoding: str) -> int:
    codec, unit_bytes = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[encoding]
    return len(text.encode(codec)) // unit_bytes


def position(text: str, offset: int, encoding: str) -> tuple[int, int]:
    """Line and column of an index into `text` that does not split a `\\r\\n`."""
    ends = [m.end() for m in _LINE_END.finditer(text) if m.end() <= offset]
    return len(ends), units(text[ends[-1] if ends else 0 : offset], encoding)


def place(text: str, chance: random.Random) -> int:
    offset = chance.randint(0, len(text))
    return offset - 1 if text[offset - 1 : offset + 1] == "\r\n" else offset


async def server_text(editor: Editor, uri: str = URI) -> str:
    """What the server believes the document to hold."""
    return str((await within(60, editor.request(TEXT, {"uri": uri}))).text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_random_typing_keeps_both_copies_equal(encoding: str) -> None:
    chance = random.Random(20)
    text = "start\r\n\x0c\u2028😀 = 1\n"
    async with connected(encodings=[encoding]) as editor:
        editor.open(text)
        for _ in range(200):
            changes = []
            for _ in range(chance.randint(1, 3)):
                start, end = sorted((place(text, chance), place(text, chance)))
                end = min(end, start + 9) if text[min(end, start + 9) - 1 :][:2] != "\r\n" else start
                new = "".join(chance.choices(_PIECES, k=3))
                span = (*position(text, start, encoding), *position(text, end, encoding))
                changes.append((span, new))
                text = text[:start] + new + text[end:]
            editor.change(*changes)
            assert await server_text(editor) == text


async def test_a_document_may_be_replaced_as_a_whole_and_opened_anew() -> None:
    async with connected() as editor:
        editor.open("old\n")
        editor.change((None, "new 😀\n"), ((0, 0, 0, 3), "fresh"))
        assert await server_text(editor) == "fresh 😀\n"
        editor.open("again\n", version=1)
        assert await server_text(editor) == "again\n"


async def test_closing_forgets_the_document() -> None:
    async with connected() as editor:
        editor.open("x = \n")
        document = lsp.TextDocumentIdentifier(uri=URI)
        editor.client.text_document_did_close(lsp.DidCloseTextDocumentParams(text_document=document))
        with pytest.raises(JsonRpcException, match="open it in the editor first"):
            await editor.complete(0, 4)


async def test_documents_of_any_language_and_scheme_are_kept(tmp_path: Path) -> None:
    async with connected(texts=["1"], record=tmp_path / "fills") as editor:
        for uri, language in [("untitled:Untitled-1", "python"), ("file:///a/Makefile", "makefile"), ("x:y", "")]:
            editor.open("x = \n", uri=uri, language_id=language)
            assert len(await editor.complete(0, 4, uri=uri)) == 1
