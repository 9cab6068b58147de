"""Whether a checkpoint fits where it is to run, and what is said when it does not: with sizes, before anything is loaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path

import torch

from model.errors import NotEnoughMemory, UnknownModel

SPARE = 1.05
"""Beside the weights there are keys, values and logits."""
FreeBytes = Callable[[torch.device], "int | None"]


def free_bytes(device: torch.device) -> int | None:
    """Memory that nobody uses on the device; None where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def weights_bytes(files: Sequence[Path], dtype: torch.dtype) -> int:
    """What the tensors of these safetensors files take in `dtype`, as their headers say."""
    count = 0
    for path in files:
        try:
            with path.open("rb") as file:
                header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            count += sum(prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")
        except (OSError, ValueError, LookupError, TypeError, AttributeError, MemoryError, OverflowError) as error:
            raise UnknownModel(f"{path} is truncated or damaged: download the checkpoint again") from error
    return count * dtype.itemsize


def check_room(
    directory: Path, files: Sequence[Path], *, device: torch.device, dtype: torch.dtype, free: FreeBytes = free_bytes
) -> None:
    """Raises NotEnoughMemory if the weights do not fit: no part of a model is ever kept elsewhere."""
    there = free(device)
    if there is None:
        return
    needed = weights_bytes(files, dtype)
    if needed * SPARE <= there:
        return
    kind = str(dtype).removeprefix("torch.")
    remedy = "" if device.type == "cpu" else ", or --device cpu"
    raise NotEnoughMemory(
        f"{directory.name} takes {_gb(needed)} in {kind}, {device.type} has {_gb(there)} free: end what else uses it, choose"
        f" a smaller model (dlm-fill models){remedy}; models are not split between memories, each pass would wait for that"
    )


@contextmanager
def sizes_told(
    device: torch.device, *, rows: int, tokens: int, release: Callable[[], None], free: FreeBytes = free_bytes
) -> Iterator[None]:
    """What is raised when memory runs out meanwhile is NotEnoughMemory, and names sizes; `release` gives up what is kept."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not ran_out(error):
            raise
        release()
        if device.type == "cuda":
            torch.cuda.empty_cache()
        there = free(device)
        left = "" if there is None else f", {_gb(there)} free without it"
        raise NotEnoughMemory(
            f"out of memory on {device.type}{left}: {rows} text{'s' if rows > 1 else ''} of {tokens} tokens at once; ask for"
            " fewer candidates or a smaller gap, end what else uses it, or choose a smaller model"
        ) from error


def ran_out(error: BaseException) -> bool:
    """Whether memory ran out: each allocator has its own way to say so."""
    said = str(error).lower()
    return (
        isinstance(error, MemoryError | torch.OutOfMemoryError) or "out of memory" in said or "can't allocate" in said
    )


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
