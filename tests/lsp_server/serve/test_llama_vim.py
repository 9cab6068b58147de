"""llama.vim itself (fixtures/clients/llama.vim, under its licence) completes code in Neovim, this server behind it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from lsp_server.serve.app import Doors
from lsp_server.serve.gate.keys import VARIABLE, Keys
from tests.editors.neovim.neovim import Neovim, bare, installed
from tests.fakes import FakeFiller
from tests.lsp_server.serve.serving import served_by
from tests.lsp_server.serve.test_sockets import listening

CLIENT = Path(__file__).parents[3] / "fixtures" / "clients" / "llama.vim"
SOURCE = "def volume(width, height, depth):\n    \n\n\nprint(volume(2, 3, 4))\n"
TOKEN = "a-token-of-more-than-16-characters"
HINT = "llama_hl_fim_hint"


def configured(editor: Neovim, port: int, **more: Any) -> None:
    """Load the plugin, set to a server at that port, as docs/serve.md says."""
    config = {"endpoint_fim": f"http://127.0.0.1:{port}/infill", "show_info": 0, **more}
    editor.rpc.vars["llama_config"] = config
    editor.command("runtime plugin/llama.vim")
    editor.command("doautocmd VimEnter")


def completed(binary: str, port: int, path: Path) -> list[str]:
    """The lines after a suggestion was accepted."""
    with bare(binary, "-u", "NONE", "--cmd", f"set rtp^={CLIENT} noautoindent") as editor:
        configured(editor, port, api_key=TOKEN)
        editor.command(f"edit {path}")
        editor.type("jAreturn ")
        editor.until(lambda: "width * height * depth" in editor.screen.text_in(HINT), "the suggestion is shown")
        editor.type("<Tab>")
        editor.until(lambda: "depth" in editor.text()[1], "it is accepted")
        return editor.text()


@pytest.mark.parametrize("binary", sorted(installed().values()), ids=sorted(installed()))
async def test_a_suggestion_is_shown_and_accepted(binary: str, tmp_path: Path) -> None:
    path, filler = tmp_path / "shapes.py", FakeFiller(["width * height * depth"])
    path.write_text(SOURCE)
    doors = Doors(keys=Keys(None, {VARIABLE: f"ann:{TOKEN}"}))
    async with listening(served_by(filler), doors=doors) as port:
        lines = await asyncio.to_thread(completed, binary, port, path)
    assert lines == SOURCE.replace("    \n", "    return width * height * depth\n").splitlines()
    asked = [request for request in filler.requests if request.template.pieces[0].endswith("return ")]
    assert asked, "the line that was typed reached the model"
    assert asked[0].template.pieces[1].startswith("\n\n\nprint(volume")
    assert asked[0].language == "python"
