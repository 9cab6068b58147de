"""Folders and files with awkward names: rules, settings and context hold for them as for any others."""

from __future__ import annotations

from pathlib import Path

import pytest
from pygls.exceptions import JsonRpcException

from tests.lsp_server.editor import connected

NAMES = ["50%20off", "%41", "%2e%2e", "c#", "what?", "a b", "ünï", "100%", "a&b;c", "[x]", "😀", "%252f"]


@pytest.mark.asyncio
@pytest.mark.parametrize("name", NAMES)
async def test_rules_settings_and_context_hold_in_a_folder_of_any_name(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    (folder / ".dlmignore").write_text("private.py\n")
    (folder / "dlm-fill.toml").write_text("maxTimeMs = 1234\n")
    (folder / "near.py").write_text("near = 1\n")
    own, private = folder / "own.py", folder / "private.py"
    own.write_text("x = 1\n")
    private.write_text("key = 1\n")
    async with connected(folders=[folder]) as editor:
        assert (await editor.fill((0, 4, 0, 5), uri=own.as_uri()))["applied"], "read from the workspace's disk"
        editor.open("x = 1\n", uri=own.as_uri())
        assert await editor.complete(0, 5, uri=own.as_uri())
        asked = editor.recorded()[-1]
        assert (asked["max_time_s"], asked["other_files"]) == (1.234, ["near = 1\n"])
        editor.open("key = 1\n", uri=private.as_uri())
        assert await editor.complete(0, 7, uri=private.as_uri()) == []
        with pytest.raises(JsonRpcException, match=r"excluded by private.py \(.dlmignore:1\)"):
            await editor.fill((0, 0, 0, 3), uri=private.as_uri())
        assert len(editor.recorded()) == 2


@pytest.mark.asyncio
async def test_a_command_may_escape_a_uri_otherwise_than_the_document_that_is_open(tmp_path: Path) -> None:
    async with connected() as editor:
        editor.open("x = 1\n", uri="file:///w/a%40b%2B%28c%29.py")
        assert (await editor.fill((0, 4, 0, 5), uri="file:///w/a@b+(c).py", version=1))["applied"]
