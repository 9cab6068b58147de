"""The real server on stdio with a FakeFiller: `python fake_server.py '{"texts": ["x"], …}'`.

The JSON holds FakeFiller's fields ("{model}" in `texts` is the model's name) and: `load_s` (how long opening takes),
`load_error` (its message; a ModelError, or with `load_crash` a RuntimeError), `record` (a file that gets one JSON line
per finished fill; the file beside it that ends in `.begun` gets a line per fill that began).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from lsp_server.server import create_server, leave, serve
from model.errors import UnknownModel
from model.types import Fill, FillRequest
from tests.fakes import FakeFiller


class RecordingFiller(FakeFiller):
    """Writes to `record` what each fill was asked and how it ended, and beside it that one began."""

    record: Path | None = None

    def fill(self, request: FillRequest, **kwargs: Any) -> Fill:
        if not any(request.template.pieces):  # an empty document: the editor waits for the model to be loaded
            return FakeFiller(self.texts, steps=1).fill(request, **kwargs)
        before = self.steps_done
        if not self.requests:
            print("standard output belongs to the protocol: this must not reach the client")
        if self.record is not None:
            with begun_beside(self.record).open("a", encoding="utf-8") as file:
                file.write("begun\n")
        fill = super().fill(request, **kwargs)
        if self.record is not None:
            line = {
                "stopped": fill.stopped,
                "steps": self.steps_done - before,
                "pieces": list(request.template.pieces),
                "holes": len(request.template.holes),
                "strengths": [hole.strength for hole in request.template.holes],
                "candidates": request.candidates,
                "max_time_s": request.budget.max_time_s,
            }
            with self.record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        return fill


def begun_beside(record: Path) -> Path:
    """The file that gets a line per fill that began."""
    return record.with_suffix(".begun")


def main() -> None:
    config = json.loads(sys.argv[1])
    load_s, record = config.pop("load_s", 0.0), config.pop("record", None)
    load_error, load_crash = config.pop("load_error", None), config.pop("load_crash", None)

    def open_filler(name: str, *, device: str) -> FakeFiller:
        time.sleep(load_s)
        if load_error is not None:
            raise UnknownModel(load_error)
        if load_crash is not None:
            raise RuntimeError(load_crash)
        filler = RecordingFiller(**{**config, "texts": [text.replace("{model}", name) for text in config["texts"]]})
        filler.record = Path(record) if record else None
        return filler

    leave(serve(create_server(open_filler)))


if __name__ == "__main__":
    main()
