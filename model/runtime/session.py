"""The network of a model directory: streams that read, canvases that are predicted, in NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.runtime.blocks import Blocks
from model.runtime.compiled import CompiledPasses, library
from model.runtime.passes import Passes, Rotation
from model.runtime.plain import PlainPasses
from model.runtime.state import StreamState
from model.runtime.weights import read_weights

Ids = NDArray[np.int64]
CHUNK_TOKENS = 256
"""So many tokens of a stream at once: what a pass computes with stays in the caches."""


class Session:
    """The network in `directory`, of these `sizes` ("network" in `config.json`), ready to run.

    Raises OSError, ValueError, LookupError, MemoryError or SafetensorError where files are missing or do not fit, and
    BadRequest as `library` does.
    """

    def __init__(self, directory: Path, sizes: Mapping[str, Any], *, threads: int) -> None:
        self.sizes = sizes
        weights, found = read_weights(directory, sizes), library()
        rotation = Rotation(sizes["width"] // sizes["heads"], sizes["rope_theta"])
        self.passes: Passes = (
            CompiledPasses(found, sizes, weights, rotation, threads=threads)
            if found
            else PlainPasses(sizes, weights, rotation)
        )
        self._blocks = Blocks()

    def stream(self) -> StreamState:
        """A stream with nothing read yet."""
        c = self.sizes
        head = c["width"] // c["heads"]
        return StreamState.empty(
            layers=c["layers"],
            heads=c["kv_heads"],
            width=head,
            pointer=c["pointer_width"],
            blocks=self._blocks,
            kept=self.passes.kept,
        )

    def extend(self, state: StreamState, ids: Ids, *, side: int) -> None:
        """Read `ids` int64 [n] (in reading order) after what `state` has read. side: 0 left to right, 1 the other way.

        A pointer key knows its token and the one before it in the text. Right to left, that one is read later: so the
        last token read before is read once more.
        """
        start = max(0, state.count - side)
        ids = np.concatenate([state.ids[start:], ids])
        state.cut(start)
        state.reserve(start + len(ids))
        for at in range(0, len(ids), CHUNK_TOKENS):
            before = ids[at - 1] if at else (state.ids[-1] if state.count else ids[0])
            chunk = ids[at : at + CHUNK_TOKENS]
            after = ids[at + len(chunk)] if at + len(chunk) < len(ids) else chunk[-1]
            neighbours = np.concatenate([[before], chunk[:-1]]) if side == 0 else np.concatenate([chunk[1:], [after]])
            self.passes.read(state, chunk, neighbours, side=side)
            state.took(chunk)
