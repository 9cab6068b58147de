"""Connections that several tests share the shape of."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.lsp_server.editor import Editor, connected


@pytest_asyncio.fixture
async def editor_of_three_lines() -> AsyncIterator[Editor]:
    """A connection with a document of three lines, the last one empty."""
    async with connected() as editor:
        editor.open("x = 1\ny = 2\n")
        yield editor
