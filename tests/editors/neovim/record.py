"""What Neovim and the server tell each other, as a fixture: `python -m tests.editors.neovim.record [VERSION …]`.

A session is played in the real Neovim on the server with known fills, and what Neovim sends is written to
`fixtures/traffic/neovim-VERSION.jsonl`, a message a line; paths of this machine, its process and its user are replaced.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

from tests.editors.neovim.conftest import PYTHON
from tests.editors.neovim.neovim import ROOT, Neovim, editing, installed, scripted

FOLDER = ROOT / "fixtures" / "traffic"
FILLS = ["first + 'é😀'"]
PLACE = "/workspace"


def messages(stream: BinaryIO) -> list[bytes]:
    """The bodies of a stream of framed messages."""
    found, data = [], stream.read()
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        found.append(rest[:length])
        data = rest[length:]
    return found


def session(editor: Neovim) -> None:
    """Type, accept, ask, fill, undo, save."""
    editor.type("Go    word = 'é😀'; y = ")
    editor.until(editor.ghost, "ghost text")
    editor.type("f")
    editor.until(lambda: editor.ghost() == [FILLS[0][1:]], "the rest of it")
    editor.type("<Tab>")
    editor.until(lambda: editor.text()[-1].endswith("y = " + FILLS[0]), "accepted")
    editor.type("<CR>z = <M-Bslash>")
    editor.until(lambda: editor.text()[-1].endswith("z = ") and editor.ghost() == FILLS, "ghost text again")
    editor.type("<M-Right><Esc>")
    editor.until(lambda: editor.text()[-1].endswith("z = first"), "a word of it")
    editor.type("6G0wwvg_:Dlm fill<CR>")
    editor.until(lambda: "accepts" in "".join(editor.screen.text_in("DlmFillHint")), "a fill")
    editor.command("Dlm accept")
    editor.type("u:w<CR>")
    editor.until(editor.idle, "written")


def main() -> None:
    """Record each Neovim that is here."""
    FOLDER.mkdir(exist_ok=True)
    for version, binary in installed().items():
        if sys.argv[1:] and version not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as work:
            raw, path = Path(work) / "raw", Path(work) / "project" / "shop.py"
            path.parent.mkdir()
            path.write_text(PYTHON)
            server = scripted(texts=FILLS, steps=2)
            tee = ("sh", "-c", 'raw=$1; shift; tee "$raw" | "$@"', "tee", str(raw), *server)
            with editing(binary, path, server=tee) as editor:
                session(editor)
                process = editor.pid
            with raw.open("rb") as stream:
                lines = [plain(body, path.parent, process) for body in messages(stream) if not is_end(body)]
        (FOLDER / f"neovim-{version}.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        print(f"{version}: {len(lines)} messages")


def is_end(body: bytes) -> bool:
    """Whether the editor leaves: the replay does that by itself."""
    return json.loads(body).get("method") in ("shutdown", "exit")


def plain(body: bytes, folder: Path, process: int) -> str:
    """A message as one line, that tells nothing of this machine."""
    message = json.loads(body.replace(str(folder).encode(), PLACE.encode()))
    params = message.get("params")
    if message.get("method") == "initialize" and isinstance(params, dict):
        assert params["processId"] == process
        params["processId"] = None
    return json.dumps(message, ensure_ascii=False, sort_keys=True)


if __name__ == "__main__":
    main()
