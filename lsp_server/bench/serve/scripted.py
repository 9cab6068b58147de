"""A `dlm-fill serve` whose model takes the milliseconds that are its argument, asleep: what is measured is the server."""

from __future__ import annotations

import sys
import time

from lsp_server.serve.gate.keys import Limits
from lsp_server.serve.server import listen_and_serve
from lsp_server.serve.settings import ServeSettings
from model.types import Cancelled, Candidate, Fill, Filler, FillerInfo, FillRequest, OnEvent

_STEPS = 5


class Scripted:
    """Fills each hole with the same text, in `fill_s`."""

    def __init__(self, fill_s: float) -> None:
        self._step_s = fill_s / _STEPS

    info = FillerInfo(name="scripted", device="cpu", context_tokens=4096)

    def count_tokens(self, text: str) -> int:
        """About as many as a real one would count."""
        return len(text) // 4 + 1

    def fill(
        self,
        request: FillRequest,
        *,
        cancelled: Cancelled = lambda: False,
        on_event: OnEvent | None = None,  # noqa: ARG002
    ) -> Fill:
        """The text, whatever is asked."""
        for _ in range(_STEPS if self._step_s else 0):
            if cancelled():
                return Fill(
                    candidates=(), forward_passes=0, tokens=0, prefill_ms=0.0, denoise_ms=0.0, stopped="cancelled"
                )
            time.sleep(self._step_s)
        texts = ("None",) * len(request.template.holes)
        return Fill(
            candidates=(Candidate(texts=texts, confidences=(1.0,) * len(texts), confidence=1.0, parses=True),),
            forward_passes=1,
            tokens=len(texts),
            prefill_ms=0.0,
            denoise_ms=0.0,
        )


class ScriptedSettings(ServeSettings):
    """The settings of `dlm-fill serve`, but for the model."""

    def open(self, model: str) -> Filler:
        return Scripted(float(model) / 1000)


def main(fill_ms: str) -> None:
    settings = ScriptedSettings(model=fill_ms, port=0, rate=1e6, concurrency=Limits.concurrency * 1000)
    listen_and_serve(settings, settings.served(), settings.doors())


if __name__ == "__main__":
    main(sys.argv[1])
