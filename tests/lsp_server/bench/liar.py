"""A server that does what none should, as its argument says: "twice", "never", "text", "place" or "leaves"."""

from __future__ import annotations

import json
import sys
from typing import Any


def send(message: dict[str, Any]) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    sys.stdout.buffer.flush()


def answer(does: str, number: int, method: str, params: Any) -> None:
    result: Any = None
    if method == "initialize":
        result = {"capabilities": {"positionEncoding": params["capabilities"]["general"]["positionEncodings"][0]}}
    elif method == "$/dlm/memory":
        result = {"blocks": 1, "objects": 1}
    elif method == "$/dlm/text":
        result = {"text": "something else"}
    elif method == "textDocument/inlineCompletion" and does == "place":
        end = {"line": 0, "character": 100_000}
        result = [{"insertText": "x", "range": {"start": end, "end": end}}]
    elif method == "textDocument/inlineCompletion" and does == "leaves":
        sys.exit(3)
    elif method == "textDocument/codeAction" and does == "never":
        return
    send({"id": number, "result": result})
    if method == "textDocument/codeAction" and does == "twice":
        send({"id": number, "result": result})


def main(does: str) -> None:
    while head := sys.stdin.buffer.readline():
        if not head.lower().startswith(b"content-length:"):
            continue
        sys.stdin.buffer.readline()
        message = json.loads(sys.stdin.buffer.read(int(head[15:])))
        if "id" in message and "method" in message:
            answer(does, message["id"], message["method"], message["params"])
        elif message["method"] == "initialized":
            send({"method": "dlm/status", "params": {"state": "ready"}})
        elif message["method"] == "exit":
            return


if __name__ == "__main__":
    main(sys.argv[1])
