"""Which way a network doubts a text: see `weighing` and `leave_out`."""

from __future__ import annotations

from collections.abc import Sequence

from model.backend import Backend, ReadsAhead
from model.errors import BadRequest
from model.infill.doubts.leave_out import left_out
from model.infill.doubts.text import StandingText
from model.infill.doubts.weighing import Thresholds, Weighing
from model.infill.encoding import Codec, EncodedPrompt
from model.types import Cancelled, Doubt, Template


def doubted(
    template: Template,
    encoded: EncodedPrompt,
    backend: Backend,
    codec: Codec,
    *,
    wanted: Sequence[tuple[int, int]],
    cancelled: Cancelled,
    thresholds: Thresholds | None = None,
) -> tuple[Doubt, ...] | None:
    """See `Doubts.doubts`."""
    spec = backend.spec
    if encoded.holes != 1:
        raise BadRequest(f"{encoded.holes} holes: a text stands in one")
    if not (spec.capabilities.denoises or spec.capabilities.scores):
        raise BadRequest("this model cannot tell how probable a text is: use `builtin`")
    text = StandingText.of(encoded, codec, template.holes[0].old_text)
    if len(text.ids) >= spec.canvas_tokens:
        raise BadRequest(
            f"a text of {len(text.ids)} tokens: this model judges at most {spec.canvas_tokens - 1} at once"
        )
    parts = [text.bytes_of(part) for part in wanted]
    if not len(text.ids) or not parts:
        return ()
    if isinstance(backend, ReadsAhead) and not backend.read(encoded.context, stop=cancelled):
        return None
    if cancelled():
        return None
    cached, limits = backend.prefill(encoded.context), thresholds or Thresholds()
    if spec.capabilities.denoises:
        return left_out(text, cached, codec, spec, wanted=parts, thresholds=limits)
    weighing = Weighing(text, cached, codec, spec=spec, thresholds=limits, cancelled=cancelled)
    return weighing.doubts(parts)
