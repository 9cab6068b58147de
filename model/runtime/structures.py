"""The structures of `native/kernel.h`, field by field, for ctypes."""

from __future__ import annotations

import ctypes
from typing import Any

DONE, NO_MEMORY, UNKNOWN_TOKEN, BEYOND_ROTATION = range(4)
"""What a pass may come to."""
_Field = tuple[str, Any]


def _each(kind: Any, *names: str) -> tuple[_Field, ...]:
    return tuple((name, kind) for name in names)


def _pointers(*names: str) -> tuple[_Field, ...]:
    return _each(ctypes.c_void_p, *names)


def _wholes(*names: str) -> tuple[_Field, ...]:
    return _each(ctypes.c_int64, *names)


SIZES = ("vocab_size", "width", "layers", "heads", "kv_heads", "feed_forward", "pointer_width", "qkv_bias", "qk_norm")
"""As `config.json` calls them, in the order of `dlm_sizes`."""
LAYER = (
    "attention_norm.weight",
    "feed_norm.weight",
    "attention.q_norm.weight",
    "attention.k_norm.weight",
    "attention.q.bias",
    "attention.k.bias",
    "attention.v.bias",
    "attention.q.weight",
    "attention.k.weight",
    "attention.v.weight",
    "attention.o.weight",
    "gate.weight",
    "up.weight",
    "down.weight",
)
"""A layer's weights in the order of `dlm_layer`."""
WEIGHTS = (
    "embedding.weight",
    "head.weight",
    "pointer_query.weight",
    "pointer_ahead.weight",
    "pointer_back.weight",
    "pointer_tokens.weight",
    "role",
    "norm.weight",
    "pointer_gate.weight",
)
"""All others, in the order of `dlm_weights`."""
VECTORS = frozenset({"role", "pointer_gate.weight"})
"""Taken as float32 although they have two dimensions."""


class Sizes(ctypes.Structure):
    _fields_ = (*_each(ctypes.c_int32, *SIZES), ("norm_eps", ctypes.c_float))


class Layer(ctypes.Structure):
    _fields_ = _pointers(*LAYER)


class Weights(ctypes.Structure):
    _fields_ = (*_pointers(*WEIGHTS), ("pointer_gate_bias", ctypes.c_float), ("layers", ctypes.POINTER(Layer)))


class Stream(ctypes.Structure):
    _fields_ = (*_pointers("keys", "values", "pointers", "ids"), ("room", ctypes.c_int64))


class Rotation(ctypes.Structure):
    _fields_ = (*_pointers("cos", "sin"), ("positions", ctypes.c_int64))


class Reading(ctypes.Structure):
    _fields_ = (
        *_wholes("n", "side", "start"),
        *_pointers("ids", "before"),
        ("rotation", Rotation),
        ("stream", Stream),
    )


class Asked(ctypes.Structure):
    """`dlm_prediction`"""

    _fields_ = (
        *_wholes("n"),
        *_pointers("ids", "position", "back_position", "ahead_seen", "back_seen", "own_seen"),
        ("rotation", Rotation),
        *_each(Stream, "ahead", "back", "own"),
        *_wholes("own_start", "rows_n", "standing_n", "whole_n", "top_k", "end_id", "first_id", "entropies"),
        *_pointers("rows", "standing", "whole", "top", "total", "plogp", "current", "distributions", "top_ids"),
    )
