"""The built-in model as a `Denoiser` without torch: what `model.checkpoints.builtin` does with it."""

from __future__ import annotations

from functools import partial

import numpy as np

from model.denoiser import Context, Prefilled
from model.networks.reading import reading_of, spec_of
from model.runtime.prefilled import RuntimePrefilled
from model.runtime.session import Session
from model.runtime.store import Store
from model.tokenizer import Tokenizer

STORE_BYTES = 64_000_000
"""Per reading direction, in float32: about seven thousand tokens of the built-in model; as many take half in bfloat16."""


class RuntimeDenoiser:
    """The built-in network on the CPU; see `Denoiser`."""

    device = "cpu"

    def __init__(self, session: Session, tokenizer: Tokenizer) -> None:
        self._session, self._tokenizer = session, tokenizer
        limit = STORE_BYTES * np.dtype(session.passes.kept).itemsize // np.dtype(np.float32).itemsize
        self._stores = tuple(
            Store(fresh=session.stream, extend=partial(session.extend, side=side), limit_bytes=limit) for side in (0, 1)
        )
        self.computes_by = session.passes.name
        self.spec = spec_of(session.sizes["vocab_size"])

    def prefill(self, context: Context, *, reuse: Prefilled | None = None) -> RuntimePrefilled:
        """See `Denoiser.prefill`: exact; `reuse`'s own tokens may be overwritten, so it is not to be used any more."""
        reading = reading_of(context)
        earlier = reuse if isinstance(reuse, RuntimePrefilled) else None
        ahead, back = self._stores
        return RuntimePrefilled(
            self._session,
            self._tokenizer,
            context,
            reading,
            ahead.read(reading.ahead_ids, released=earlier.ahead if earlier else None),
            back.read(reading.back_ids[::-1], released=earlier.back if earlier else None),
        )
