"""A pass of the network by the compiled library `native/kernel.so`: see `native/kernel.h` for what it takes."""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.backends.running import Running
from model.errors import BadRequest
from model.networks.reading import TOP_K
from model.runtime.native import CHOICE, CHOICES, LIBRARY
from model.runtime.native.sources import FINGERPRINT_LENGTH, fingerprint
from model.runtime.passes import PREDICTED_FIRST, Floats, Ids, Rotation, Said, Tokens, Wanted
from model.runtime.state import StreamArrays, StreamState
from model.runtime.structures import (
    BEYOND_ROTATION,
    LAYER,
    SIZES,
    UNKNOWN_TOKEN,
    VECTORS,
    WEIGHTS,
    Asked,
    Layer,
    Reading,
    Sizes,
    Stream,
    Weights,
)
from model.runtime.structures import Rotation as Rotations
from model.runtime.weights import Halves, widened
from model.tokenizer import END_OF_HOLE_ID


def library() -> ctypes.CDLL | None:
    """The compiled library; None where there is none, or one of other sources, or `DLM_FILL_KERNEL=numpy` asks for none.

    Raises BadRequest where that variable names nothing that there is.
    """
    wanted = os.environ.get(CHOICE, "")
    if wanted not in CHOICES:
        raise BadRequest(f"{CHOICE}={wanted}: name numpy, base, avx2, avx512 or avx512bf16, or leave it out")
    if wanted == "numpy":
        return None
    try:
        found = ctypes.CDLL(str(LIBRARY))
    except OSError:
        return None
    if not _fits(found):
        return None
    found.dlm_variant.restype, found.dlm_variant.argtypes = ctypes.c_char_p, [ctypes.c_char_p]
    found.dlm_kept_bytes.argtypes = [ctypes.c_char_p]
    found.dlm_open.restype = ctypes.c_void_p
    found.dlm_open.argtypes = [ctypes.POINTER(Sizes), ctypes.POINTER(Weights), ctypes.c_int, ctypes.c_char_p]
    found.dlm_close.restype, found.dlm_close.argtypes = None, [ctypes.c_void_p]
    found.dlm_read.argtypes = [ctypes.c_void_p, ctypes.POINTER(Reading)]
    found.dlm_predict.argtypes = [ctypes.c_void_p, ctypes.POINTER(Asked)]
    return found


def _fits(found: ctypes.CDLL) -> bool:
    """Whether it was made from the sources that lie here; not where they were renewed and nobody has compiled them."""
    try:
        made_from = (ctypes.c_char * FINGERPRINT_LENGTH).in_dll(found, "dlm_sources")
    except ValueError:
        return False
    return made_from.value.decode() == fingerprint()


def variant(found: ctypes.CDLL) -> str:
    """The instruction set that it uses here: "avx512bf16", "avx512", "avx2" or "base"."""
    name: bytes = found.dlm_variant(_wanted_set())
    return name.decode()


def _wanted_set() -> bytes:
    return os.environ.get(CHOICE, "").encode()


class CompiledPasses:
    """See `Passes`. Raises MemoryError where there is none for the weights or for a pass."""

    def __init__(
        self,
        found: ctypes.CDLL,
        sizes: Mapping[str, Any],
        weights: Mapping[str, Halves],
        rotation: Rotation,
        *,
        threads: int,
    ) -> None:
        self._library, self._rotation, self._vocab_size = found, rotation, sizes["vocab_size"]
        nothing = np.empty((0, 0), dtype=np.float32)
        self._tabled = (nothing, nothing, Rotations())
        self.kept = np.uint16 if found.dlm_kept_bytes(_wanted_set()) == 2 else np.float32
        self.name = f"compiled ({variant(found)})"
        # The library reads embedding and vectors where they lie: the arrays have to stay.
        self._kept: dict[str, NDArray[Any]] = {
            name: np.ascontiguousarray(part if part.ndim == 2 and name not in VECTORS else widened(part))
            for name, part in weights.items()
        }
        described = Sizes(*(int(sizes[name]) for name in SIZES), sizes["norm_eps"])
        opened = found.dlm_open(described, self._weights(sizes["layers"]), threads, _wanted_set())
        if not opened:
            raise MemoryError("no memory for the weights")
        self._network = ctypes.c_void_p(opened)
        self._running = Running()
        # Not when Python ends: a thread may be in the middle of a pass then, and the system takes all back in any case.
        weakref.finalize(self, found.dlm_close, self._network).atexit = False

    def _weights(self, layers: int) -> Weights:
        def at(name: str) -> int | None:
            return self._kept[name].ctypes.data if name in self._kept else None

        each = (Layer * layers)(*(Layer(*(at(f"blocks.{n}.{name}") for name in LAYER)) for n in range(layers)))
        pointers = [at(name) for name in WEIGHTS]
        pointers[1] = pointers[1] or pointers[0]  # tied
        return Weights(*pointers, float(self._kept["pointer_gate.bias"][0]), each)

    def read(self, state: StreamState, ids: Ids, before: Ids, *, side: int) -> None:
        self._rotation.reach(state.count + len(ids) - 1)
        both, stream, tables = np.stack([ids, before]), _held(state), self._tables()
        at = _address(both)
        asked = Reading(len(ids), side, state.count, at, at + 8 * len(ids), tables[2], _stream(stream))
        with self._running:
            found = self._library.dlm_read(self._network, asked)
        self._checked(found)

    def predict(
        self, ahead: StreamState, back: StreamState, own: StreamState | None, tokens: Tokens, wanted: Wanted
    ) -> Said:
        said, n = Said.empty(wanted, vocab_size=self._vocab_size), len(tokens.ids)
        # All arrays keep a name until the pass is over: a stream may get others from another thread meanwhile.
        streams, tables = [_held(ahead), _held(back), _held(own) if own else None], self._tables()
        seen, asked_for = np.ascontiguousarray(tokens.own_seen), (wanted.rows, wanted.standing, wanted.whole)
        kept = [np.ascontiguousarray(part) for part in asked_for]
        numbers, floats = _address(tokens.numbers), _address(said.floats)
        parts = (said.top, said.total, said.plogp, said.current)
        ends = [floats + 4 * size for size in accumulate((part.size for part in parts), initial=0)]
        asked = Asked(
            n, *(numbers + 8 * n * row for row in range(5)), _address(seen), tables[2],
            *(_stream(held) if held else Stream() for held in streams), seen.shape[1] - n, *map(len, kept),
            TOP_K, END_OF_HOLE_ID, PREDICTED_FIRST, wanted.entropies, *map(_address, kept), *ends, _address(said.top_ids),
        )  # fmt: skip
        with self._running:
            found = self._library.dlm_predict(self._network, asked)
        if found == BEYOND_ROTATION:
            self._rotation.reach(int(max(tokens.position.max(), tokens.back_position.max())))
            return self.predict(ahead, back, own, tokens, wanted)
        self._checked(found)
        return said

    def _tables(self) -> tuple[Floats, Floats, Rotations]:
        """The rotary tables and where they lie."""
        if self._tabled[0] is not self._rotation.cos:
            cos, sin = self._rotation.cos, self._rotation.sin
            self._tabled = (cos, sin, Rotations(_address(cos), _address(sin), len(cos)))
        return self._tabled

    def _checked(self, found: int) -> None:
        if found == UNKNOWN_TOKEN:
            raise IndexError(f"a token that the network does not have: it has {self._vocab_size}")
        if found:
            raise MemoryError("no memory for a pass")


def _held(state: StreamState) -> tuple[StreamArrays, Ids]:
    return state.arrays, state.ids


def _stream(held: tuple[StreamArrays, Ids]) -> Stream:
    arrays, ids = held
    return Stream(*arrays.addresses, _address(ids), arrays.values.shape[-2])


def _address(array: NDArray[Any]) -> int:
    at: int = array.__array_interface__["data"][0]  # half the time of `array.ctypes.data`
    return at
