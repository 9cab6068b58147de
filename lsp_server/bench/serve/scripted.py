"""A `dlm-fill serve` whose model answers at once: what is measured is the server."""

from __future__ import annotations

from lsp_server.serve.gate.keys import Limits
from lsp_server.serve.server import listen_and_serve
from lsp_server.serve.settings import ServeSettings
from model.types import Cancelled, Candidate, Fill, Filler, FillerInfo, FillRequest, OnEvent


class Scripted:
    """Fills each hole with the same text."""

    info = FillerInfo(name="scripted", device="cpu", context_tokens=4096)

    def count_tokens(self, text: str) -> int:
        """About as many as a real one would count."""
        return len(text) // 4 + 1

    def fill(
        self,
        request: FillRequest,
        *,
        cancelled: Cancelled = lambda: False,  # noqa: ARG002
        on_event: OnEvent | None = None,  # noqa: ARG002
    ) -> Fill:
        """The text, whatever is asked."""
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

    def open(self, model: str) -> Filler:  # noqa: ARG002
        return Scripted()


def main() -> None:
    settings = ScriptedSettings(port=0, rate=1e6, concurrency=Limits.concurrency * 1000)
    listen_and_serve(settings, settings.served(), settings.doors())


if __name__ == "__main__":
    main()
