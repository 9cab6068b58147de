"""The network's products as an ONNX graph of MatMulNBits."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.storage.packing import unpack
from model.backends.builtin.storage.shards import Matrices, Packed
from model.backends.builtin.storage.weights import EMBEDDING, PROJECTIONS, projection

DOMAIN, OPSET, IR_VERSION = "com.microsoft", 17, 9
EIGHT_BIT_ACTIVATIONS = 4


def products(matrices: Matrices, *, head: bool) -> bytes:
    """A model from "states" float32 [R, width]; mins are left out, which changes what comes out and no time of note."""
    helper, proto = import_module("onnx.helper"), import_module("onnx").TensorProto
    nodes: list[Any] = []
    held: list[Any] = []
    outputs: list[str] = []

    def node(kind: str, *inputs: str) -> str:
        nodes.append(helper.make_node(kind, list(inputs), [f"{kind}{len(nodes)}"]))
        return f"{kind}{len(nodes) - 1}"

    def multiplied(name: str, states: str) -> str:
        codes, scales = _stored(matrices[name])
        form, into = matrices[name].format, f"{name}/out"
        for part, array in (("codes", codes), ("scales", scales)):
            held.append(import_module("onnx.numpy_helper").from_array(array, f"{name}/{part}"))
        nodes.append(
            helper.make_node(
                "MatMulNBits", [states, f"{name}/codes", f"{name}/scales"], [into], domain=DOMAIN, K=form.columns, N=form.rows,
                bits=form.bits, block_size=form.group, accuracy_level=EIGHT_BIT_ACTIVATIONS,
            )
        )  # fmt: skip
        return into

    states = "states"
    layers = (len(matrices) - 1) // len(PROJECTIONS)
    for n in range(layers):
        q, k, v, o, gate, up, down = (f"{projection(n, name)}.weight" for name in PROJECTIONS)
        outputs.append(node("Add", multiplied(k, states), multiplied(v, states)))
        states = node("Add", states, multiplied(o, multiplied(q, states)))
        states = node("Add", states, multiplied(down, node("Mul", multiplied(gate, states), multiplied(up, states))))
    outputs.append(multiplied(EMBEDDING, states) if head else states)
    width = matrices[EMBEDDING].format.columns
    graph = helper.make_graph(
        nodes, "products", [helper.make_tensor_value_info("states", proto.FLOAT, ["rows", width])],
        [helper.make_tensor_value_info(name, proto.FLOAT, None) for name in outputs], held,
    )  # fmt: skip
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)]
    model: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION).SerializeToString()
    return model


def _stored(matrix: Packed) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Codes, uint8 [N, K / group, bytes of a group], the first of two in the low half; scales, float32 [N · K / group]."""
    form = matrix.format
    codes, scales, _ = unpack(matrix.whole(), form)
    if form.bits == 4:
        codes = np.bitwise_or(codes[:, 0::2], codes[:, 1::2] << 4, dtype=np.uint8)
    return codes.reshape(form.rows, form.groups, -1), scales.astype(np.float32).reshape(-1)
