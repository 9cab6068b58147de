"""The real server on stdio with a FakeFiller: `python fake_server.py '{"texts": ["x"], …}'`.

The JSON holds FakeFiller's fields ("{model}" in `texts` is the model's name) and: `load_s` (how long opening takes),
`load_error` (its message; a ModelError, or with `load_crash` a RuntimeError), `record` (a file that gets one JSON line
per finished fill; the file beside it that ends in `.begun` gets a line per fill that began), `load_gate` and
`fill_gate` (loading, each step of a fill waits until this file exists, or the fill is cancelled), `step_gate` (a file: no
fill takes more steps than the number in it, as long as it is there), `deaf` (a fill that waits does not notice that it
is cancelled), `list_deadline_s` (how long the completion list waits for a fill),
`confirm_s` (how long the editor may take to tell of an edit that it says it has applied; 0: it is taken at its word),
`forgets` (the filler does not remember what it was asked) and `noise_bytes` (so much each fill writes to standard error).

Otherwise the server is as patient as can be, so that a busy machine changes no outcome.
"""

from __future__ import annotations

import json
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsp_server.bench.watched import watch
from lsp_server.handlers import progress
from lsp_server.handlers.completion import menu as completion
from lsp_server.handlers.connection import configuration
from lsp_server.handlers.filling import deliver
from lsp_server.server import create_server, leave, serve
from model.errors import UnknownModel
from model.types import Cancelled, Fill, FillRequest
from tests.fakes import FakeFiller

PATIENCE_S = 300.0


class RecordingFiller(FakeFiller):
    """Writes to `record` what each fill was asked and how it ended, and beside it that one began."""

    record: Path | None = None
    forgets: bool = False
    noise_bytes: int = 0
    gate: Gate | StepGate | None = None

    def fill(self, request: FillRequest, *, cancelled: Cancelled = lambda: False, **kwargs: Any) -> Fill:
        if not any(request.template.pieces):  # an empty document: the editor waits for the model to be loaded
            return FakeFiller(self.texts, steps=1).fill(request, **kwargs)
        before = self.steps_done
        if not self.requests:
            print("standard output belongs to the protocol: this must not reach the client")
        if self.record is not None:
            with begun_beside(self.record).open("a", encoding="utf-8") as file:
                file.write("begun\n")
        gate = self.gate
        fill = super().fill(request, cancelled=gate.watched(cancelled) if gate else cancelled, **kwargs)
        sys.stderr.write("noise " * (self.noise_bytes // 6))
        sys.stderr.flush()
        if self.forgets:
            self.requests.clear()
            self.stopped.clear()
        if self.record is not None:
            line = {
                "stopped": fill.stopped,
                "steps": self.steps_done - before,
                "pieces": list(request.template.pieces),
                "other_files": list(request.other_files),
                "holes": len(request.template.holes),
                "strengths": [hole.strength for hole in request.template.holes],
                "candidates": request.candidates,
                "max_time_s": request.budget.max_time_s,
            }
            with self.record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        return fill


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Shut until `file` exists. `deaf`: who waits here does not hear that it is cancelled."""

    file: Path
    deaf: bool = False

    def wait(self, cancelled: Cancelled = lambda: False) -> None:
        while not self.file.exists() and (self.deaf or not cancelled()):
            time.sleep(0.002)

    def watched(self, cancelled: Cancelled) -> Cancelled:
        """`cancelled`, which is answered once the gate is open or the answer is yes."""

        def asked() -> bool:
            self.wait(cancelled)
            return cancelled()

        return asked


@dataclass(frozen=True, kw_only=True)
class StepGate:
    """Lets each fill take as many steps as the number in `file` says; all, if it is not there."""

    file: Path

    def watched(self, cancelled: Cancelled) -> Cancelled:
        """`cancelled`, which is asked before each step, and answered when that may be taken or the answer is yes."""
        taken = 0

        def asked() -> bool:
            nonlocal taken
            taken += 1
            while taken > self._allowed() and not cancelled():
                time.sleep(0.002)
            return cancelled()

        return asked

    def _allowed(self) -> float:
        try:
            return int(self.file.read_text() or 0)
        except FileNotFoundError:
            return math.inf


def begun_beside(record: Path) -> Path:
    """The file that gets a line per fill that began."""
    return record.with_suffix(".begun")


def main() -> None:
    config = json.loads(sys.argv[1])
    load_s, record = config.pop("load_s", 0.0), config.pop("record", None)
    load_error, load_crash = config.pop("load_error", None), config.pop("load_crash", None)
    load_gate, fill_gate, deaf = config.pop("load_gate", None), config.pop("fill_gate", None), config.pop("deaf", False)
    step_gate = config.pop("step_gate", None)
    forgets, noise_bytes = config.pop("forgets", False), config.pop("noise_bytes", 0)
    completion.DEADLINE_S = config.pop("list_deadline_s", PATIENCE_S)
    deliver.PATIENCE_S = config.pop("confirm_s", 0.0)
    configuration.PATIENCE_S = progress.PATIENCE_S = PATIENCE_S

    def open_filler(name: str, *, device: str) -> FakeFiller:
        time.sleep(load_s)
        if load_gate is not None:
            Gate(file=Path(load_gate)).wait()
        if load_error is not None:
            raise UnknownModel(load_error)
        if load_crash is not None:
            raise RuntimeError(load_crash)
        filler = RecordingFiller(**{**config, "texts": [text.replace("{model}", name) for text in config["texts"]]})
        filler.record = Path(record) if record else None
        filler.forgets, filler.noise_bytes = forgets, noise_bytes
        filler.gate = Gate(file=Path(fill_gate), deaf=deaf) if fill_gate else None
        if step_gate:
            filler.gate = StepGate(file=Path(step_gate))
        return filler

    leave(serve(watch(create_server(open_filler))))


if __name__ == "__main__":
    main()
