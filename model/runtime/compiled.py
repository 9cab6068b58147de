"""A pass of the network by the compiled library `native/kernel.so`: see `native/kernel.h` for what it takes."""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import BadRequest
from model.reading import TOP_K
from model.runtime.native import CHOICE, CHOICES, LIBRARY
from model.runtime.native.sources import FINGERPRINT_LENGTH, fingerprint
from model.runtime.passes import PREDICTED_FIRST, Ids, Rotation, Said, Tokens, Wanted
from model.runtime.state import StreamState
from model.runtime.structures import LAYER, SIZES, VECTORS, WEIGHTS, Asked, Layer, Reading, Sizes, Stream, Weights
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
    """The instruction set that it uses here: "avx512", "avx2" or "base"."""
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
        weakref.finalize(self, found.dlm_close, self._network)

    def _weights(self, layers: int) -> Weights:
        def at(name: str) -> int | None:
            return self._kept[name].ctypes.data if name in self._kept else None

        each = (Layer * layers)(*(Layer(*(at(f"blocks.{n}.{name}") for name in LAYER)) for n in range(layers)))
        pointers = [at(name) for name in WEIGHTS]
        pointers[1] = pointers[1] or pointers[0]  # tied
        return Weights(*pointers, float(self._kept["pointer_gate.bias"][0]), each)

    def read(self, state: StreamState, ids: Ids, before: Ids, *, side: int) -> None:
        self._known(ids)
        ids, before = np.ascontiguousarray(ids), np.ascontiguousarray(before)
        self._rotation.reach(state.count + len(ids) - 1)
        cos, sin, stream = self._rotation.cos, self._rotation.sin, _held(state)
        asked = Reading(len(ids), side, state.count, *_addresses(ids, before, cos, sin), _stream(stream))
        if self._library.dlm_read(self._network, asked):
            raise MemoryError("no memory for a pass")

    def predict(
        self, ahead: StreamState, back: StreamState, own: StreamState | None, tokens: Tokens, wanted: Wanted
    ) -> Said:
        self._known(tokens.ids)
        self._known(wanted.standing[:, 1])
        said = Said.empty(wanted, vocab_size=self._vocab_size)
        self._rotation.reach(int(max(tokens.position.max(), tokens.back_position.max())))
        # All arrays keep a name until the pass is over: a stream may get others from another thread meanwhile.
        streams = [_held(ahead), _held(back), _held(own) if own else None]
        tables = self._rotation.cos, self._rotation.sin
        parts: list[NDArray[Any]] = [*vars(tokens).values(), *tables]  # in the order of `Asked`
        read = [np.ascontiguousarray(part) for part in parts]
        asked_for = [np.ascontiguousarray(part) for part in (wanted.rows, wanted.standing, wanted.whole)]
        written: list[NDArray[Any]] = [said.top, said.total, said.plogp, said.current, said.distributions, said.top_ids]
        asked = Asked(
            len(tokens.ids), *_addresses(*read), *(_stream(held) if held else Stream() for held in streams),
            tokens.own_seen.shape[1] - len(tokens.ids), *map(len, asked_for), TOP_K, END_OF_HOLE_ID, PREDICTED_FIRST,
            wanted.entropies, *_addresses(*asked_for), *_addresses(*written),
        )  # fmt: skip
        if self._library.dlm_predict(self._network, asked):
            raise MemoryError("no memory for a pass")
        return said

    def _known(self, ids: Ids) -> None:
        """The library would read beyond its tables. Raises IndexError."""
        if len(ids) and not 0 <= ids.min() <= ids.max() < self._vocab_size:
            raise IndexError(f"a token from 0 to {self._vocab_size - 1} is wanted, not {ids.min()} to {ids.max()}")


def _held(state: StreamState) -> Sequence[NDArray[Any]]:
    return state.keys, state.values, state.pointers, state.ids


def _stream(held: Sequence[NDArray[Any]]) -> Stream:
    return Stream(*_addresses(*held), held[1].shape[-2])


def _addresses(*arrays: NDArray[Any]) -> list[int]:
    return [array.ctypes.data for array in arrays]
