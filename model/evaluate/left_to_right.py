"""The built-in network as a left-to-right model: a `Filler` that writes a hole greedily, token after token.

The baseline for denoising: the same weights over the same exact context cache, with the keys and values of what is
written cached as well, so that a token costs one position's pass.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.checkpoints.builtin import BuiltinDenoiser, load
from model.errors import BadRequest
from model.framing import Codec, frame, token_table
from model.samplers.length import LONGEST_SINGLE_LINE
from model.tokenizer import Tokenizer
from model.types import Cancelled, Candidate, Fill, FillerInfo, FillRequest, OnEvent


class LeftToRight:
    """See `model.types.Filler`; one hole, one candidate, no drafts."""

    def __init__(self, denoiser: BuiltinDenoiser, codec: Codec, tokenizer: Tokenizer) -> None:
        self._denoiser, self._codec, self._tokenizer = denoiser, codec, tokenizer
        self._table = token_table(codec, vocab_size=denoiser.spec.vocab_size)

    @property
    def info(self) -> FillerInfo:
        context_tokens = self._denoiser.spec.context_tokens
        return FillerInfo(name="left-to-right", device=self._denoiser.device, context_tokens=context_tokens)

    def count_tokens(self, text: str) -> int:
        return self._codec.count(text)

    def fill(
        self,
        request: FillRequest,
        *,
        cancelled: Cancelled = lambda: False,
        on_event: OnEvent | None = None,  # noqa: ARG002
    ) -> Fill:
        """See `Filler.fill`; `forward_passes` are the tokens written, the end included."""
        if len(request.template.holes) != 1:
            raise BadRequest("left to right fills one hole: name one range")
        spec, hole = self._denoiser.spec, request.template.holes[0]
        framed = frame(request.template, self._codec, context_tokens=spec.context_tokens)
        started = time.perf_counter()
        continuation = self._denoiser.prefill(framed.context).continuation()
        read = time.perf_counter()
        ids: list[int] = []
        nats, breaks, passes = 0.0, 0, 0
        most = hole.length_tokens or (LONGEST_SINGLE_LINE if hole.max_lines == 1 else spec.canvas_tokens - 1)
        while len(ids) < most and not cancelled():
            probs = continuation.probabilities()
            passes += 1
            if not ids and framed.context.starts_with[0]:
                probs = self._healed(probs, framed.context.starts_with[0])
            if hole.length_tokens is not None:
                probs[spec.end_of_hole_id] = 0
            token = int(probs.argmax())
            breaks += bool(self._table.newline[token])
            nats += float(np.log(max(probs[token], 1e-12)))
            if token == spec.end_of_hole_id or (hole.max_lines is not None and breaks >= hole.max_lines):
                break
            ids.append(token)
            continuation.write(token)
        text = framed.text(self._codec, 0, np.asarray(ids, dtype=np.int64))
        sure = float(np.exp(nats / max(1, passes)))
        found = () if not text else (Candidate(texts=(text,), confidences=(sure,), confidence=sure),)
        return Fill(
            candidates=found,
            forward_passes=passes,
            tokens=len(ids),
            prefill_ms=1000 * (read - started),
            denoise_ms=1000 * (time.perf_counter() - read),
        )

    def _healed(self, probs: NDArray[np.float32], start: bytes) -> NDArray[np.float32]:
        """`probs` float32 [V] of a hole's first token, which begins with the bytes that healing took off."""
        allowed = self._tokenizer.tokens_starting_with(start)
        kept = np.zeros_like(probs)
        kept[allowed] = probs[allowed] + 1e-9
        return np.asarray(kept / kept.sum(), dtype=np.float32)


def open_left_to_right(directory: Path, *, device: str) -> LeftToRight:
    """The model in `directory` on torch. Raises UnknownModel and UnknownDevice."""
    denoiser, tokenizer = load(directory, device=device)
    return LeftToRight(denoiser, tokenizer, tokenizer)
