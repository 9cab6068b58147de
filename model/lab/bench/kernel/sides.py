"""The sides of the benchmark: each reads a context, and runs passes of a few rows behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.runtime.compiled import threads_here
from model.backends.builtin.runtime.network import Network
from model.backends.builtin.runtime.rows import Rows
from model.backends.builtin.storage.shards import open_shards
from model.lab.bench.kernel.graph import products
from model.measuring import timed_ms

Ids = NDArray[np.int64]
TOP = 32


class Side(Protocol):
    """Both return milliseconds. name: for the table."""

    name: str

    def read(self, ids: Ids) -> float:
        """Read these tokens from nothing."""
        ...

    def run(self, ids: Ids) -> float:
        """Run one pass over these rows, behind the context that was read last."""
        ...


class OurKernel:
    """`Network` with the best instruction set, or at most a named one; predictions of every row of a pass."""

    def __init__(self, network: Network, context_tokens: int) -> None:
        self.name = f"kernel ({network.kernel})"
        self._cache = network.cache(context_tokens=context_tokens, scratch_tokens=256)

    def read(self, ids: Ids) -> float:
        self._cache.read(ids[:0])
        return timed_ms(lambda: self._cache.read(ids))

    def run(self, ids: Ids) -> float:
        count, context = len(ids), len(self._cache.ids)
        starts = np.cumsum([0, *range(1, count + 1)])
        every = np.arange(count)
        rows = Rows(
            ids=ids, positions=context + every, slots=every, context=np.full(count, context),
            sees=np.concatenate([every[: n + 1] for n in every]), starts=starts, wanted=every,
            targets=np.empty((count, 0), dtype=np.int64), top=TOP,
        )  # fmt: skip
        return timed_ms(lambda: self._cache.forward(rows))


class OnnxRuntime:
    """The same codes and scales in MatMulNBits (accuracy level 4: 8-bit activations): products alone, no attention, no
    norms, no key or value kept. A pass also multiplies the head, for every row; reading does not.
    """

    name = "onnxruntime (products alone)"

    def __init__(self, folder: Path) -> None:
        onnxruntime = import_module("onnxruntime")
        matrices, _ = open_shards(folder)
        self._sessions: dict[bool, Any] = {}
        for head in (False, True):
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads_here()
            model = products(matrices, head=head)
            self._sessions[head] = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._width = self._sessions[True].get_inputs()[0].shape[1]

    def read(self, ids: Ids) -> float:
        return self._run(len(ids), head=False)

    def run(self, ids: Ids) -> float:
        return self._run(len(ids), head=True)

    def _run(self, rows: int, *, head: bool) -> float:
        states = np.random.default_rng(0).standard_normal((rows, self._width), dtype=np.float32)
        return timed_ms(lambda: self._sessions[head].run(None, {"states": states}))


class LlamaCppSide:
    """llama.cpp on a GGUF file, by its own clock: a pass of one row is a token that it writes, one of more rows is that many
    tokens read behind a prompt that it remembers (it predicts from the last alone).
    """

    name = "llama.cpp"
    WRITTEN = 8

    def __init__(self, file: Path, context_tokens: int) -> None:
        xllamacpp = import_module("xllamacpp")
        params = xllamacpp.CommonParams()
        params.model.path = str(file)
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads_here()
        params.n_ctx, params.n_parallel, params.warmup, params.verbosity = context_tokens, 1, True, -1
        self._server = xllamacpp.Server(params)
        self._read: Ids = np.empty(0, dtype=np.int64)

    def read(self, ids: Ids) -> float:
        self._read = ids
        said = self._timings(ids, written=1, remember=False)
        return float(said["prompt_ms"]) / 1e3

    def run(self, ids: Ids) -> float:
        if len(ids) == 1:
            return float(self._timings(self._read, written=self.WRITTEN)["predicted_per_token_ms"]) / 1e3
        self._timings(self._read, written=1)  # so that the next prompt shares exactly the context
        said = self._timings(np.concatenate([self._read, ids]), written=1)
        return float(said["prompt_ms"]) / 1e3 * len(ids) / float(said["prompt_n"])

    def _timings(self, ids: Ids, *, written: int, remember: bool = True) -> Mapping[str, Any]:
        asked = {
            "prompt": ids.tolist(),
            "n_predict": written,
            "cache_prompt": remember,
            "ignore_eos": True,
            "temperature": 0,
        }
        said = self._server.handle_completions(asked)
        if "timings" not in said:
            raise RuntimeError(f"llama.cpp: {said}")
        timings: Mapping[str, Any] = said["timings"]
        return timings


def sides(folder: Path, gguf: Path | None, context_tokens: int) -> Iterator[Side]:
    """The sides that can run here, ours first."""
    yield OurKernel(Network.open(folder), context_tokens)
    if find_spec("onnxruntime") and find_spec("onnx"):
        yield OnnxRuntime(folder)
    if gguf and find_spec("xllamacpp"):
        yield LlamaCppSide(gguf, context_tokens)
