"""Ollama's own client completes code, this server in the place of Ollama's."""

from __future__ import annotations

import ollama
import pytest

from tests.fakes import FakeFiller
from tests.lsp_server.serve.serving import served_by
from tests.lsp_server.serve.test_sockets import listening

PREFIX, SUFFIX = "def volume(width, height, depth):\n    return ", "\n\n\nprint(volume(2, 3, 4))\n"
TEXT = "width * height * depth"


async def test_it_completes_between_a_prompt_and_a_suffix() -> None:
    filler = FakeFiller([TEXT])
    async with listening(served_by(filler)) as port:
        client = ollama.AsyncClient(host=f"http://127.0.0.1:{port}")
        whole = await client.generate(model="qwen2.5-coder", prompt=PREFIX, suffix=SUFFIX, options={"num_predict": 64})
        parts = [
            part.response
            async for part in await client.generate(model="qwen2.5-coder", prompt=PREFIX, suffix=SUFFIX, stream=True)
        ]
    assert (whole.response, whole.done_reason) == (TEXT, "stop")
    assert "".join(map(str, parts)) == TEXT
    assert filler.requests[0].template.pieces == (PREFIX, SUFFIX)


async def test_it_lists_and_shows_models_and_says_what_is_wrong() -> None:
    async with listening(served_by(FakeFiller([TEXT]))) as port:
        client = ollama.AsyncClient(host=f"http://127.0.0.1:{port}")
        await client.generate(model="any", prompt=PREFIX, suffix=SUFFIX)
        models = (await client.list()).models
        shown = await client.show("fake")
        with pytest.raises(ollama.ResponseError, match="seed") as refused:
            await client.generate(model="any", prompt="x = ", options={"seed": "one"})
    assert [model.model for model in models] == ["fake"]
    assert shown.capabilities == ["completion", "insert"]
    assert refused.value.status_code == 400
