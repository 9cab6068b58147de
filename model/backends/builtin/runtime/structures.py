"""The structures of `kernel/kernel.h`, field by field."""

from __future__ import annotations

import ctypes

_AT = ctypes.c_void_p
_COUNT = ctypes.c_int64


class Matrix(ctypes.Structure):
    """`dlm_matrix`."""

    _fields_ = [
        *((name, ctypes.c_int32) for name in ("rows", "columns", "bits", "group", "mins", "panels")),
        ("panel", _AT),
    ]


class LowRankPart(ctypes.Structure):
    """`dlm_low_rank`."""

    _fields_ = [("rank", _COUNT), ("down", _AT), ("up", _AT)]


class Layer(ctypes.Structure):
    """`dlm_layer`."""

    _fields_ = [
        ("matrix", Matrix * 7),
        ("low", LowRankPart * 7),
        ("input_norm", _AT),
        ("post_norm", _AT),
        ("bias", _AT * 3),
    ]


class WeightsStruct(ctypes.Structure):
    """`dlm_weights`."""

    _fields_ = [
        *((name, _COUNT) for name in ("layers", "width", "heads", "kv_heads", "head_width", "feed_forward", "vocab")),
        ("norm_epsilon", ctypes.c_float), ("embedding", Matrix), ("norm", _AT), ("mask_embedding", _AT), ("layer", _AT),
    ]  # fmt: skip


class StoreAt(ctypes.Structure):
    """`dlm_store`."""

    _fields_ = [("keys", _AT), ("values", _AT), ("blocks", _COUNT)]


class Pass(ctypes.Structure):
    """`dlm_pass`."""

    _fields_ = [
        *((name, _COUNT) for name in ("n", "reading", "adapter")),
        *((name, _AT) for name in ("ids", "at", "context", "sees", "starts", "cos", "sin")),
        ("stored", StoreAt), ("scratch", StoreAt),
        *((name, _COUNT) for name in ("wanted_n", "target_n", "top")),
        *((name, _AT) for name in ("wanted", "targets", "best", "log_probs", "target_log_probs", "entropy", "full")),
    ]  # fmt: skip
