"""The built-in network as an ONNX graph without weights: what `dlm-fill` runs on a CPU, with no torch.

One graph does everything: a pass of some tokens over keys and values that are there already, of two streams. The
streams' own passes are passes over one of them and nothing else; the canvas' passes see both. Tokens of all rows
stand in one list [N]; who sees whom is one additive mask, so rows need no padding and every product is a large one.
Head and copy are computed for the rows that are asked for, and not at all in a stream's pass. Values lie with the
tokens along their rows: a product over them reads them as they lie, where it would have to copy them otherwise.

The weights are named here and come from the safetensors file when the graph is loaded (`model.runtime.weights`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import onnx
from onnx import TensorProto, helper

from model.reading import TOP_K
from model.tokenizer import END_OF_HOLE_ID, RESERVED_TOKENS
from model.train.graph.nodes import CONTRIB, Graph

OPSET = 20
_Shapes: TypeAlias = dict[str, list[str | int | None]]
_FLOAT, _INT = TensorProto.FLOAT, TensorProto.INT64
PREDICTED = ("top", "top_ids", "total", "plogp", "current", "distributions")
"""The outputs of the head."""


def graph(config: Mapping[str, int]) -> bytes:
    """The serialised graph of a network with the sizes `config` (`config.json`'s "network").

    Inputs: ids int64 [N]; role int64 [1], 0 to 2; cos, sin, back_cos, back_sin float32 [N, D/2]; per layer
    ahead_keys [1, KV, P, D], ahead_values [1, KV, D, P], back_keys, back_values (S), written_keys, written_values (W,
    tokens of the canvas that were read before); mask float32 [N, P + S + W + N].
    key_rows int64 [M] and key_ids int64 [M, 2] (token, the one before it): what to make pointer keys of.
    rows int64 [R]; standing int64 [Q, 2] (of R, id); ahead_pointers [P, W], back_pointers [S, W], following int64 [P + S],
    copy_mask float32 [R, P + S]: what to predict. whole int64 [F]: rows (of R) whose distribution is wanted.
    predicts bool [1]: whether anything is to be predicted; entropies bool [1]: whether plogp is wanted.

    Outputs: keys.n [1, KV, N, D], values.n [1, KV, D, N]; pointers [M, W]; top, top_ids [R, K], total, plogp [R, 1],
    current [Q] (unnormalised: divide by total) over end of hole and text tokens alone; distributions [F, …]. What is
    not wanted is a single 0.
    """
    made = Graph(config)
    states = _layers(made, config)
    _pointer_keys(made, states, config)
    _head(made, states, config)
    serialised: bytes = _model(made, config).SerializeToString()
    return serialised


def _layers(g: Graph, c: Mapping[str, int]) -> str:
    """Normed states [N, width]; keys and values of every layer become outputs."""
    x = g.one("Add", g.one("Gather", "embedding", "ids"), g.one("Gather", "role", "role_id"))
    zero = g.ints(0)
    states = g.norm(x, "0.attention_norm", c["norm_eps"])
    for n in range(c["layers"]):
        mixed = _attention(g, c, n, states, zero)
        states, x = _skip_norm(g, x, g.matrix(mixed, f"{n}.o"), f"{n}.feed_norm", c)
        gate, up = g.add("Split", g.matrix(states, f"{n}.gate_up"), outputs=2, axis=-1, num_outputs=2)
        fed = g.one("Mul", g.one("QuickGelu", gate, domain=CONTRIB, alpha=1.0), up)
        after = f"{n + 1}.attention_norm" if n + 1 < c["layers"] else "norm"
        states, x = _skip_norm(g, x, g.matrix(fed, f"{n}.down"), after, c)
    return states


def _skip_norm(g: Graph, x: str, added: str, scale: str, c: Mapping[str, int]) -> tuple[str, str]:
    """(norm(x + added), x + added)"""
    normed, total = f"t{next(g.names)}", f"t{next(g.names)}"
    g.add("SkipSimplifiedLayerNormalization", x, added, scale, outputs=[normed, "", "", total], domain=CONTRIB,
          epsilon=c["norm_eps"])  # fmt: skip
    return normed, total


def _attention(g: Graph, c: Mapping[str, int], n: int, states: str, zero: str) -> str:
    """[N, H × D]: one softmax over three sets of keys, the right-to-left ones with a query rotated for them."""
    head, heads, shared = c["width"] // c["heads"], c["heads"], c["kv_heads"]
    joined = g.matrix(states, f"{n}.qkv", *([f"{n}.qkv_bias"] if c["qkv_bias"] else []))
    apart = g.one("Reshape", joined, g.ints(1, -1, heads + 2 * shared, head))
    q, k, v = g.add("Split", apart, g.ints(heads, shared, shared), outputs=3, axis=2)
    q, k = (g.one("Transpose", part, perm=[0, 2, 1, 3]) for part in (q, k))
    if c["qk_norm"]:
        q, k = g.norm(q, f"{n}.q_norm", c["norm_eps"]), g.norm(k, f"{n}.k_norm", c["norm_eps"])

    def rotated(x: str, side: str, name: str = "") -> str:
        return g.one("RotaryEmbedding", x, zero, f"{side}cos", f"{side}sin", domain=CONTRIB, interleaved=0, name=name)

    def by_keys(x: str) -> str:
        return x if heads == shared else g.one("Reshape", x, g.ints(1, shared, -1, head))

    own = g.one("Concat", f"written_keys.{n}", rotated(k, "", f"keys.{n}"), axis=2)
    own_values = g.one("Transpose", v, perm=[0, 2, 3, 1], name=f"values.{n}")
    own_values = g.one("Concat", f"written_values.{n}", own_values, axis=3)
    ahead, back = by_keys(rotated(q, "")), by_keys(rotated(q, "back_"))
    pairs = ((ahead, f"ahead_keys.{n}"), (back, f"back_keys.{n}"), (ahead, own))
    scores = g.one("Concat", *(g.one("FusedMatMul", a, b, domain=CONTRIB, transB=1) for a, b in pairs), axis=-1)
    if heads != shared:
        scores = g.one("Reshape", scores, g.one("Concat", g.ints(1, heads, -1), "span", axis=0))
    weights = g.one("Softmax", g.one("Add", scores, "mask"), axis=-1)
    if heads != shared:
        weights = g.one("Reshape", weights, g.one("Concat", g.ints(1, shared, -1), "span", axis=0))
    parts = g.add("Split", weights, "spans", outputs=3, axis=-1)
    values = (f"ahead_values.{n}", f"back_values.{n}", own_values)
    sums = (g.one("FusedMatMul", w, t, domain=CONTRIB, transB=1) for w, t in zip(parts, values, strict=True))
    mixed = g.one("Sum", *sums)
    if heads != shared:
        mixed = g.one("Reshape", mixed, g.ints(1, heads, -1, head))
    return g.one("Reshape", g.one("Transpose", mixed, perm=[0, 2, 1, 3]), g.ints(-1, heads * head))


def _pointer_keys(g: Graph, states: str, c: Mapping[str, int]) -> None:
    of_states = g.one(
        "MatMul",
        g.one("Gather", states, "key_rows"),
        g.one("Squeeze", g.one("Gather", "pointer_states", "side"), g.ints(0)),
    )
    tokens = g.one("Reshape", g.one("Gather", "embedding", "key_ids"), g.ints(-1, 2 * c["width"]))
    g.one("Add", of_states, g.one("Gemm", tokens, "pointer_tokens", transB=1), name="pointers")


def _head(g: Graph, states: str, c: Mapping[str, int]) -> None:
    """What the engine wants to know of the predictions; nothing of it is computed where none is wanted."""
    with g.branch() as wanted:
        probs = _mixed(g, states)
        made = {"current": g.one("GatherND", probs, "standing")}
        end = g.one("Slice", probs, g.ints(END_OF_HOLE_ID), g.ints(END_OF_HOLE_ID + 1), g.ints(1))
        text = g.one("Slice", probs, g.ints(RESERVED_TOKENS), g.ints(c["vocab_size"]), g.ints(1))
        kept = g.one("Concat", end, text, axis=1)
        made["top"], made["top_ids"] = g.add("TopK", kept, g.ints(TOP_K), outputs=2, axis=1)
        made["total"] = g.one("ReduceSum", kept, g.ints(1), keepdims=1)
        made["plogp"] = _plogp(g, kept)
        made["distributions"] = g.one("Gather", kept, "whole")
    with g.branch() as nothing:
        none = {name: g.one("Identity", _zero(g, name)) for name in made}
    g.either("predicts", wanted, nothing, {name: (_type_of(name), (made[name], none[name])) for name in made})


def _mixed(g: Graph, states: str) -> str:
    """Probabilities [R, V] of the vocabulary and of what is copied."""
    picked = g.one("Gather", states, "rows")
    query = g.one("Gemm", picked, "pointer_query", transB=1)
    near = [g.one("FusedMatMul", query, f"{side}_pointers", domain=CONTRIB, transB=1) for side in ("ahead", "back")]
    weights = g.one("Softmax", g.one("Add", g.one("Concat", *near, axis=-1), "copy_mask"), axis=-1)
    seen = g.one("ReduceMax", "copy_mask", g.ints(-1), keepdims=1)
    odds = g.one("Add", g.one("Gemm", picked, "pointer_gate", "pointer_gate_bias", transB=1), seen)
    copy, write = g.one("Sigmoid", odds), g.one("Sigmoid", g.one("Neg", odds))
    written = g.one("Mul", g.one("Softmax", g.matrix(picked, "head"), axis=-1), write)
    copied = g.one("Mul", weights, copy)
    where = g.one("Expand", "following", g.one("Shape", copied))
    return g.one("ScatterElements", written, where, copied, axis=1, reduction="add")


def _plogp(g: Graph, kept: str) -> str:
    """Only where entropies are wanted: logarithms of a vocabulary take as long as a layer."""
    with g.branch() as wanted:
        logs = g.one("Log", g.one("Max", kept, g.array(np.array([1e-12], dtype=np.float32))))
        made = g.one("ReduceSum", g.one("Mul", kept, logs), g.ints(1), keepdims=1)
    with g.branch() as nothing:
        none = g.one("Identity", _zero(g, "plogp"))
    name = f"t{next(g.names)}"
    g.either("entropies", wanted, nothing, {name: (_FLOAT, (made, none))})
    return name


def _type_of(name: str) -> int:
    return _INT if name == "top_ids" else _FLOAT


def _zero(g: Graph, name: str) -> str:
    return g.array(np.zeros((1, 1), dtype=np.int64 if _type_of(name) == _INT else np.float32))


def _model(g: Graph, c: Mapping[str, int]) -> onnx.ModelProto:
    head, shared, pointer = c["width"] // c["heads"], c["kv_heads"], c["pointer_width"]
    layers = range(c["layers"])
    wide: _Shapes = {f"{side}{part}": ["N", head // 2] for side in ("", "back_") for part in ("cos", "sin")}
    sets: _Shapes = {
        f"{side}_{part}.{n}": [1, shared, length, head] if part == "keys" else [1, shared, head, length]
        for n in layers for side, length in (("ahead", "P"), ("back", "S"), ("written", "W")) for part in ("keys", "values")
    }  # fmt: skip
    floats = wide | sets | {"mask": ["N", "T"], "ahead_pointers": ["P", pointer], "back_pointers": ["S", pointer],
                            "copy_mask": ["R", "C"]}  # fmt: skip
    ints: _Shapes = {"ids": ["N"], "role_id": [1], "side": [1], "spans": [3], "span": [1], "key_rows": ["M"], "key_ids": ["M", 2],
            "rows": ["R"], "standing": ["Q", 2], "following": ["C"], "whole": ["F"]}  # fmt: skip
    inputs = [helper.make_tensor_value_info(k, _FLOAT, v) for k, v in floats.items()]
    inputs += [helper.make_tensor_value_info(k, _INT, v) for k, v in ints.items()]
    inputs += [helper.make_tensor_value_info(k, TensorProto.BOOL, [1]) for k in ("predicts", "entropies")]
    made: _Shapes = {f"keys.{n}": [1, shared, "N", head] for n in layers}
    made |= {f"values.{n}": [1, shared, head, "N"] for n in layers}
    made["pointers"] = ["M", pointer]
    outputs = [helper.make_tensor_value_info(k, _FLOAT, v) for k, v in made.items()]
    outputs += [helper.make_tensor_value_info(name, _type_of(name), None) for name in PREDICTED]
    body = helper.make_graph(g.nodes, "streams", inputs, outputs, initializer=g.initializers)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=10)
