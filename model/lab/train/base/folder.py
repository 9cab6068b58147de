"""The model folder on disk while it is made: a file per layer, in order, so that work that was cut off goes on after the last.

The embedding is cut in two: its first half stands before the layers, the other behind them. So each half of the files is
half of the bytes, and the halves may be made and kept apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.storage.config import ModelConfig, read_config, write_config
from model.backends.builtin.storage.packing import PANEL
from model.backends.builtin.storage.shards import (
    SUMS,
    Matrices,
    Packed,
    Vectors,
    open_shard,
    shard_path,
    sums_of,
    write_shard,
)
from model.backends.builtin.storage.weights import EMBEDDING
from model.errors import BadRequest, UnknownModel

FIRST_PERCENT = 49
"""Of the embedding's rows, so many stand in the first file: the first half of the files is to stay below 108.5 MB."""


@dataclass(frozen=True, kw_only=True)
class FinishedFiles:
    """What a folder holds so far: the layers that are complete; whether each half of the embedding is there, too."""

    layers: frozenset[int]
    halves: frozenset[int]


class Folder:
    """Files 1, 2 … layers + 1, layers + 2 of a model folder: half of the embedding, the layers, the other half."""

    def __init__(self, path: Path, config: ModelConfig) -> None:
        self.path, self._config, self.count = path, config, config.layers + 2

    def begin(self, tokenizer: bytes) -> FinishedFiles:
        """Write config and tokenizer, or take up a folder of the same settings; what is not complete is taken away.

        Raises BadRequest where the folder holds a model of other settings, or a file that is not the one written.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        there = list(self.path.glob("weights-*"))
        if there or (self.path / "config.json").exists():
            self._check_settings()
        sums, complete = sums_of(self.path), set[int]()
        for path in there:
            number = next((n for n in range(self.count) if self._file(n) == path), None)
            if number is None or path.name not in sums:
                path.unlink()
                continue
            if sha256(path) != sums[path.name]:
                raise BadRequest(f"{path} is not the file that {SUMS} lists: take it away, and it is made again")
            complete.add(number)
        write_config(self._config, self.path)
        (self.path / "tokenizer.json").write_bytes(tokenizer)
        last = self.count - 1
        return FinishedFiles(
            layers=frozenset(number - 1 for number in complete if 0 < number < last),
            halves=frozenset(half for half, number in enumerate((0, last)) if number in complete),
        )

    def _check_settings(self) -> None:
        try:
            same = read_config(self.path) == self._config
        except UnknownModel:
            same = False
        if not same:
            raise BadRequest(
                f"{self.path} holds a model of other settings (its config.json differs): name another folder with --to, "
                "or take this one away"
            )

    def write_layer(self, layer: int, matrices: Matrices, vectors: Vectors) -> None:
        self._write(layer + 1, matrices, vectors)

    def write_half(self, half: int, embedding: Packed, vectors: Vectors) -> None:
        """Half of the embedding; `vectors` stand beside it."""
        whole, form = embedding.whole(), embedding.format
        cut = form.panels * FIRST_PERCENT // 100
        rows = cut * PANEL if half == 0 else form.rows - cut * PANEL
        piece = whole[:cut] if half == 0 else whole[cut:]
        part = Packed(format=replace(form, rows=rows), pieces=(piece,))
        self._write((self.count - 1) * half, {f"{EMBEDDING}.{half}": part}, vectors)

    def layer(self, layer: int) -> tuple[Mapping[str, Packed], Mapping[str, NDArray[np.float32]]]:
        """The matrices and vectors of a layer that is there."""
        return open_shard(self._file(layer + 1))

    def _file(self, number: int) -> Path:
        return shard_path(self.path, number, self.count)

    def _write(self, number: int, matrices: Matrices, vectors: Vectors) -> None:
        # Listed after it has its name: a file that is not listed is not known to be complete.
        path = self._file(number)
        partial = path.with_suffix(".partial")
        write_shard(partial, matrices, vectors)
        partial.replace(path)
        sums = sums_of(self.path) | {path.name: sha256(path)}
        made = self.path / f"{SUMS}.partial"
        made.write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)), "utf-8")
        made.replace(self.path / SUMS)


def sha256(path: Path) -> str:
    """In hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
