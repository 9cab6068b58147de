"""The weights on disk: safetensors files of at most 16 MB, mapped into memory and never copied.

A packed matrix is a uint8 tensor [panels, panel_bytes]; what it means (its `Format`) is in the file's metadata under the
tensor's name. A matrix that is too large for one file is cut between panels, into `name.0`, `name.1`, …. Norms and biases
are float32 vectors. Every tensor begins at a multiple of 64 bytes, so that a line of the cache is never read twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.storage.packing import PANEL, Format
from model.errors import BadRequest, UnknownModel

SHARD_BYTES = 16_000_000
"""A file is at most this long."""
SUMS = "weights.sha256"
"""Lists the sha256 of each file, as `sha256sum --check` reads it."""
ALIGNMENT = 64
"""A tensor's place in its file is a multiple of this."""
_HEADER_BYTES = 256_000  # room that is left for a shard's header
_DTYPES: Mapping[str, np.dtype[Any]] = {
    "U8": np.dtype(np.uint8),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
}
_NAMES = {np.dtype(np.uint8): "U8", np.dtype(np.float32): "F32", np.dtype(np.float16): "F16"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Packed:
    """A packed matrix: uint8 [panels, panel_bytes] in consecutive pieces."""

    format: Format
    pieces: tuple[NDArray[np.uint8], ...]

    def whole(self) -> NDArray[np.uint8]:
        """uint8 [panels, panel_bytes]."""
        return self.pieces[0] if len(self.pieces) == 1 else np.concatenate(self.pieces)


Vectors = Mapping[str, NDArray[np.float32]]
Matrices = Mapping[str, Packed]


def write_shards(folder: Path, matrices: Matrices, vectors: Vectors, *, shard_bytes: int = SHARD_BYTES) -> list[Path]:
    """The files `weights-NN-of-MM.safetensors` with all of these, in their order. Raises BadRequest, OSError."""
    shards: list[list[tuple[str, NDArray[Any], Format | None]]] = [[]]
    room = most = shard_bytes - _HEADER_BYTES
    for name, array, form in _tensors(matrices, vectors, most):
        if array.nbytes > room and shards[-1]:
            shards.append([])
            room = most
        shards[-1].append((name, array, form))
        room -= -(-array.nbytes // ALIGNMENT) * ALIGNMENT
    paths = [shard_path(folder, n, len(shards)) for n in range(len(shards))]
    for path, tensors in zip(paths, shards, strict=True):
        _write(path, tensors)
    return paths


def shard_path(folder: Path, number: int, count: int) -> Path:
    """The file `number`, from 0, of `count`."""
    return folder / f"weights-{number + 1:02}-of-{count:02}.safetensors"


def write_shard(path: Path, matrices: Matrices, vectors: Vectors) -> None:
    """One file with all of these, in their order. Raises BadRequest where they are too many bytes for one, OSError."""
    tensors = list(_tensors(matrices, vectors, SHARD_BYTES))
    size = sum(array.nbytes for _, array, _ in tensors)
    if size > SHARD_BYTES - _HEADER_BYTES:
        raise BadRequest(f"{path.name} would have {size:,} bytes: a file of weights has at most {SHARD_BYTES:,}")
    _write(path, tensors)


def _tensors(matrices: Matrices, vectors: Vectors, most: int) -> Iterator[tuple[str, NDArray[Any], Format | None]]:
    for name, vector in vectors.items():
        yield name, np.ascontiguousarray(vector, dtype=np.float32), None
    for name, matrix in matrices.items():
        whole, form = matrix.whole(), matrix.format
        if whole.shape != (form.panels, form.panel_bytes):
            raise BadRequest(f"{name} is {whole.shape}, not {(form.panels, form.panel_bytes)} bytes")
        step = max(1, most // form.panel_bytes)
        if step >= form.panels:
            yield name, whole, form
            continue
        for n, first in enumerate(range(0, form.panels, step)):
            rows = min(step * PANEL, form.rows - first * PANEL)
            yield f"{name}.{n}", whole[first : first + step], replace(form, rows=rows)


def _write(path: Path, tensors: list[tuple[str, NDArray[Any], Format | None]]) -> None:
    header: dict[str, Any] = {"__metadata__": {name: json.dumps(form.to_json()) for name, _, form in tensors if form}}
    at = 0
    for name, array, _ in tensors:
        if array.nbytes % ALIGNMENT:
            raise BadRequest(
                f"{name} has {array.nbytes} bytes, no multiple of {ALIGNMENT}: what follows it would not be aligned"
            )
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [at, at + array.nbytes],
        }
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % ALIGNMENT)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, array, _ in tensors:
            file.write(array.tobytes())


def open_shards(folder: Path) -> tuple[dict[str, Packed], dict[str, NDArray[np.float32]]]:
    """The matrices and vectors of a model folder, mapped. Raises UnknownModel: a file missing, cut short or damaged."""
    return _opened(_complete(folder))


def open_shard(path: Path) -> tuple[dict[str, Packed], dict[str, NDArray[np.float32]]]:
    """The matrices and vectors of one file, mapped. Raises UnknownModel: it is cut short or damaged."""
    return _opened([path])


def _complete(folder: Path) -> list[Path]:
    """All files of weights of a folder, in order. Raises UnknownModel where some are missing, or of another set."""
    found = sorted(folder.glob("weights-*-of-*.safetensors"))
    if not found:
        raise UnknownModel(f"{folder} holds no weights (weights-NN-of-MM.safetensors): {REMEDY}")
    count = int(found[0].stem.rpartition("-")[2]) if found[0].stem.rpartition("-")[2].isdecimal() else 0
    expected = [shard_path(folder, n, count) for n in range(count)]
    strange = [path.name for path in found if path not in expected]
    if strange:
        raise UnknownModel(f"the weights in {folder} are not one set ({', '.join(strange[:3])}): {REMEDY}")
    if found != expected:
        missing = [path.name for path in expected if path not in found]
        raise UnknownModel(
            f"the model in {folder} is incomplete: {len(found)} of {count} files of weights, without {missing[0]}; "
            f"finish it with `dlm-fill train base --to {folder}`"
        )
    return found


def _opened(paths: Iterable[Path]) -> tuple[dict[str, Packed], dict[str, NDArray[np.float32]]]:
    pieces: dict[str, list[tuple[NDArray[np.uint8], Format]]] = {}
    vectors: dict[str, NDArray[np.float32]] = {}
    for path in paths:
        tensors, metadata = open_tensors(path)
        for name, array in tensors.items():
            if name in metadata:
                pieces.setdefault(re.sub(r"\.\d+$", "", name), []).append(
                    (array, _format(path, name, array, metadata[name]))
                )
            else:
                vectors[name] = array
    return {name: _joined(parts) for name, parts in pieces.items()}, vectors


def sums_of(folder: Path) -> dict[str, str]:
    """The sha256 of each file of weights, by name, as `SUMS` lists them; nothing where there is no list."""
    path = folder / SUMS
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return {name: sum_ for sum_, _, name in (line.partition("  ") for line in lines) if name}


REMEDY = "make the folder again with `dlm-fill train base`, or reinstall dlm-fill"


def _joined(parts: list[tuple[NDArray[np.uint8], Format]]) -> Packed:
    form = replace(parts[0][1], rows=sum(form.rows for _, form in parts))
    return Packed(format=form, pieces=tuple(array for array, _ in parts))


def _format(path: Path, name: str, array: NDArray[Any], said: str) -> Format:
    try:
        form = Format(**json.loads(said))
    except (ValueError, TypeError, BadRequest) as error:
        raise UnknownModel(f"{path}: {name} has no format that this version reads ({error}): {REMEDY}") from error
    if array.dtype != np.uint8 or array.shape != (form.panels, form.panel_bytes):
        raise UnknownModel(f"{path}: {name} is {array.shape}, not {(form.panels, form.panel_bytes)} bytes: {REMEDY}")
    return form


def open_tensors(path: Path, *, aligned: bool = True) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The tensors of one safetensors file, mapped, by name, and its metadata; bfloat16 as uint16.

    Raises UnknownModel: unreadable, cut short, damaged, of other types, or (`aligned`) with a tensor at an odd place.
    """
    try:
        mapped = np.memmap(path, dtype=np.uint8, mode="r")
        length = int.from_bytes(bytes(mapped[:8]), "little")
        if len(mapped) < 8 or length > len(mapped) - 8:
            raise ValueError("it is cut short")
        header = json.loads(bytes(mapped[8 : 8 + length]))
        metadata = {str(name): str(text) for name, text in header.pop("__metadata__", {}).items()}
        body = np.asarray(mapped[8 + length :])
        return {name: _tensor(name, said, body, aligned=aligned) for name, said in header.items()}, metadata
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UnknownModel(f"cannot read the weights {path} ({reason}): {REMEDY}") from error


def _tensor(name: str, said: Mapping[str, Any], body: NDArray[np.uint8], *, aligned: bool) -> NDArray[Any]:
    if said["dtype"] not in _DTYPES:
        raise ValueError(f"{name} has type {said['dtype']}")
    (start, end), shape, dtype = said["data_offsets"], tuple(said["shape"]), _DTYPES[said["dtype"]]
    if not 0 <= start <= end or end - start != int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
        raise ValueError(f"{name} has {end - start} bytes for {shape}")
    if end > len(body):
        raise ValueError("it is cut short")
    part = body[start:end]
    if part.ctypes.data % (ALIGNMENT if aligned else dtype.itemsize):
        if aligned:
            raise ValueError(f"{name} does not begin at a multiple of {ALIGNMENT} bytes")
        part = part.copy()
    found: NDArray[Any] = part.view(dtype).reshape(shape)
    return found
