"""Traffic of real editors is understood by the server word for word.

It is recorded by `python -m tests.editors.neovim.record`, and by `npm run record` in editors/vscode.

The fixture holds what the editor sent, requests and answers alike; the server's own requests are answered here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from queue import Queue
from typing import Any, BinaryIO

import pytest

from tests.lsp_server.editor import ROOT

FIXTURES = sorted((ROOT / "fixtures" / "traffic").glob("*.jsonl"))
FILL = "first + 'é😀'"
CANCELLED = {-32800, -32801, -32802}
"""RequestCancelled, ContentModified, ServerCancelled."""
PATIENCE_S = 300


class Server:
    """The process, and what it said."""

    def __init__(self, state: Path) -> None:
        fake = str(ROOT / "tests" / "lsp_server" / "fake_server.py")
        self.process = subprocess.Popen(
            [sys.executable, fake, json.dumps({"texts": [FILL], "steps": 2})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(state)},
        )
        assert self.process.stdin
        assert self.process.stdout
        self.stdin, self.said = self.process.stdin, Queue[dict[str, Any]]()
        threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True).start()

    def _listen(self, stream: BinaryIO) -> None:
        while header := stream.readline():
            length = int(header.split(b":")[1])
            while stream.readline().strip():
                pass
            self.said.put(json.loads(stream.read(length)))

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.stdin.flush()

    def answer_to(self, number: Any, heard: dict[Any, dict[str, Any]]) -> dict[str, Any]:
        """Wait for the answer to a request; what the server asks meanwhile is answered."""
        while number not in heard:
            message = self.said.get(timeout=PATIENCE_S)
            if "method" in message and "id" in message:
                self.send({"id": message["id"], "result": answer(message)})
            elif "id" in message:
                assert message["id"] not in heard, f"answered twice: {message}"
                heard[message["id"]] = message
        return heard[number]


def answer(asked: dict[str, Any]) -> Any:
    """What an editor says to a request of the server."""
    if asked["method"] == "workspace/configuration":
        return [None for _ in asked["params"]["items"]]
    return {"applied": True} if asked["method"] == "workspace/applyEdit" else None


def items_of(result: Any) -> list[dict[str, Any]]:
    """The items of an answer, a list or an object."""
    return list(result["items"] if isinstance(result, dict) else result)


def test_there_are_recordings() -> None:
    assert [path.stem for path in FIXTURES] == ["neovim-0.11", "neovim-0.12", "vscode"]


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_each_request_is_answered_once_and_what_is_suggested_is_right(fixture: Path, tmp_path: Path) -> None:
    messages = [json.loads(line) for line in fixture.read_text(encoding="utf-8").splitlines()]
    cancelled = {m["params"]["id"] for m in messages if m.get("method") == "$/cancelRequest"}
    server = Server(tmp_path)
    heard: dict[Any, dict[str, Any]] = {}
    suggested = []
    for message in messages:
        if "method" not in message:  # the editor's answer to what the server asked then
            continue
        server.send({key: message[key] for key in ("id", "method", "params") if key in message})
        if "id" not in message or message["id"] in cancelled:
            continue
        reply = server.answer_to(message["id"], heard)
        assert "error" not in reply or reply["error"]["code"] in CANCELLED, (message, reply)
        if message["method"] == "textDocument/inlineCompletion" and reply.get("result"):
            suggested += [item["insertText"] for item in items_of(reply["result"])]
    for number in cancelled:
        reply = server.answer_to(number, heard)
        assert "error" not in reply or reply["error"]["code"] in CANCELLED
    assert suggested, "something was suggested"
    assert all(FILL.endswith(text) for text in suggested), suggested
    server.send({"id": "end", "method": "shutdown"})
    assert "error" not in server.answer_to("end", heard)
    server.send({"method": "exit"})
    assert server.process.wait(timeout=PATIENCE_S) == 0
