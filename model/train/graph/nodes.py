"""Nodes, weights and constants of an ONNX graph while they are being put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from model.runtime.weights import shapes

CONTRIB = "com.microsoft"


class Graph:
    """Nodes, weights and constants while they are being put together; every name is used once."""

    def __init__(self, config: Mapping[str, int]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._constants: dict[tuple[int, ...], str] = {}
        self.names = count()
        for name, shape in shapes(config).items():
            self._weight(name, shape)

    def _weight(self, name: str, shape: Sequence[int]) -> None:
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="weights")
        self.initializers.append(tensor)

    def add(
        self, operator: str, *inputs: str, outputs: int | Sequence[str] = 1, domain: str = "", **options: Any
    ) -> list[str]:
        names = [f"t{next(self.names)}" for _ in range(outputs)] if isinstance(outputs, int) else list(outputs)
        self.nodes.append(helper.make_node(operator, inputs, names, domain=domain, **options))
        return names

    @contextmanager
    def branch(self) -> Iterator[list[onnx.NodeProto]]:
        """What is added meanwhile goes into the list that this gives, for a branch of an `If`."""
        around, self.nodes = self.nodes, []
        try:
            yield self.nodes
        finally:
            self.nodes = around

    def either(
        self,
        condition: str,
        then: Sequence[onnx.NodeProto],
        otherwise: Sequence[onnx.NodeProto],
        outputs: Mapping[str, tuple[int, tuple[str, str]]],
    ) -> None:
        """Only one of the branches is run. outputs: element type, and what each branch calls it, by their names here."""

        def body(nodes: Sequence[onnx.NodeProto], which: int) -> onnx.GraphProto:
            made = [helper.make_tensor_value_info(own[which], kind, None) for kind, own in outputs.values()]
            return helper.make_graph(nodes, f"branch_{next(self.names)}", [], made)

        self.add("If", condition, outputs=list(outputs), then_branch=body(then, 0), else_branch=body(otherwise, 1))

    def one(self, operator: str, *inputs: str, domain: str = "", name: str = "", **options: Any) -> str:
        return self.add(operator, *inputs, outputs=[name] if name else 1, domain=domain, **options)[0]

    def ints(self, *values: int) -> str:
        """A constant int64 vector."""
        if values not in self._constants:
            self._constants[values] = f"ints_{len(self._constants)}"
            self.initializers.append(
                numpy_helper.from_array(np.asarray(values, dtype=np.int64), self._constants[values])
            )
        return self._constants[values]

    def array(self, values: NDArray[np.generic]) -> str:
        name = f"c{next(self.names)}"
        self.initializers.append(numpy_helper.from_array(values, name))
        return name

    def matrix(self, x: str, name: str, *bias: str) -> str:
        """`x` [n, in] times the weights `name` [out, in], transposed."""
        return self.one("Gemm", x, name, *bias, transB=1)

    def norm(self, x: str, scale: str, epsilon: float) -> str:
        return self.one("SimplifiedLayerNormalization", x, scale, axis=-1, epsilon=epsilon, stash_type=1)
