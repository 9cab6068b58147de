"""What CUDA graphs do, without CUDA: a pass is recorded once as a tape of operations, and only the tape is replayed.

As there: what Python decided while recording is decided for good, memory stays where it is, nothing may look at a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from model.backends.published.networks.decoder import Decoder, DecoderConfig

LOOKS = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "bincount", "is_nonzero", "equal")
"""Operations whose result or size depends on values: the host would have to wait."""


class Tape(TorchDispatchMode):
    """Records every operation with its arguments and results."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(func.overloadpacket.__name__ == look for look in LOOKS):
            raise RuntimeError(f"{func} looks at a value, which a captured pass cannot")
        made = func(*args, **(kwargs or {}))
        self.operations.append((func, args, kwargs or {}, made))
        return made

    def replay(self) -> None:
        """Every operation again, over the same tensors."""
        for func, args, kwargs, made in self.operations:
            again = func(*args, **kwargs)
            for old, new in zip(tree_leaves(made), tree_leaves(again), strict=True):
                if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


def _looked(tensor: Tensor) -> object:
    raise RuntimeError("a value is looked at, which a captured pass cannot")


def capture(compute: Callable[[], Tensor]) -> tuple[Callable[[], object], Tensor]:
    """A `Capture`: computes once before, as on CUDA; then the tape is all that runs."""
    compute()
    tape = Tape()
    with tape, patch.object(Tensor, "tolist", _looked), patch.object(Tensor, "item", _looked):
        output = compute()
    assert tape.operations
    return tape.replay, output


def refusing(compute: Callable[[], Tensor]) -> tuple[Callable[[], object], Tensor]:
    """A `Capture` of a device that does not take this pass."""
    raise RuntimeError("operation not permitted\nwhen stream is capturing")


def fake_cuda(config: DecoderConfig) -> Decoder:
    """A network in bfloat16 on a CUDA device that is not there: devices and types are checked, nothing computed.

    To be made and used within a FakeTensorMode.
    """
    with torch.device("meta"):
        network = Decoder(config)
    for name, parameter in list(network.named_parameters()):
        owner, _, last = name.rpartition(".")
        there = torch.empty(parameter.shape, dtype=torch.bfloat16, device="cuda")
        network.get_submodule(owner).register_parameter(last, torch.nn.Parameter(there, requires_grad=False))
    network.join()
    return network


@contextmanager
def indexing_without_cuda() -> Iterator[None]:
    """Brackets and `~` ask a build without CUDA for a CUDA device, even for fake tensors: here they are plain operations."""

    def got(tensor: Tensor, index: Any) -> Tensor:
        dim = 0
        for part in index if isinstance(index, tuple) else (index,):
            if part is None:
                tensor, dim = tensor.unsqueeze(dim), dim + 1
            elif isinstance(part, slice):
                tensor, dim = torch.ops.aten.slice.Tensor(tensor, dim, part.start, part.stop), dim + 1
            elif isinstance(part, int):
                tensor = tensor.select(dim, part)
            else:
                assert dim == 0, "rows by number"
                tensor = torch.ops.aten.index.Tensor(tensor, [part])
        return tensor

    def inverted(tensor: Tensor) -> Any:
        return torch.ops.aten.bitwise_not.default(tensor)

    def put(tensor: Tensor, index: Any, value: Any) -> None:
        torch.ops.aten.index_put_.default(tensor, [index], value)

    with (
        patch.object(Tensor, "__getitem__", got),
        patch.object(Tensor, "__setitem__", put),
        patch.object(Tensor, "__invert__", inverted),
    ):
        yield
