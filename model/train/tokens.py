"""The corpus as token ids on disk: one flat array, and where each file begins."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.errors import BadRequest
from model.tokenizer import END_ID, START_ID, Tokenizer, train_tokenizer
from model.train.corpus import Package
from model.train.syntax import holes_in, token_spans

LONGEST_HOLE = 127
"""Tokens; the largest canvas that networks are trained with, less its final slot."""
TOKENIZER_FILES = 2000
"""Merges are learned from a quarter of the files, but from so many at least."""


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """`ids` uint16 [n]; file f is `ids[offsets[f]:offsets[f + 1]]`, from a start to an end token.

    holes: int32 [m, 2], first token and end of the holes that the syntax offers, sorted (none in older corpora).
    """

    ids: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    holes: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 2), dtype=np.int32))

    def holes_within(self, first: int, end: int) -> NDArray[np.int64]:
        """int64 [k, 2]: the holes between two tokens, counted from the first of these."""
        low, high = np.searchsorted(self.holes[:, 0], (first, end))
        inside = np.asarray(self.holes[low:high], dtype=np.int64)
        return inside[inside[:, 1] <= end] - first

    @classmethod
    def load(cls, folder: Path, split: str) -> Tokens:
        """Memory-mapped; `split` is "train" or "held_out"."""
        holes = folder / f"{split}_holes.npy"
        return cls(
            ids=np.load(folder / f"{split}.npy", mmap_mode="r"),
            offsets=np.load(folder / f"{split}_offsets.npy"),
            **({"holes": np.load(holes, mmap_mode="r")} if holes.exists() else {}),
        )


def _save(folder: Path, split: str, texts: list[str], tokenizer: Tokenizer) -> int:
    parts, offsets, holes = [], [0], []
    lengths = np.asarray([len(tokenizer.token_bytes(i)) for i in range(tokenizer.vocab_size)])
    rng = np.random.default_rng(0)
    for start in range(0, len(texts), 256):
        some = texts[start : start + 256]
        for text, ids in zip(some, tokenizer.encode_batch(some), strict=True):
            spans = token_spans(holes_in(text), lengths[ids], longest=LONGEST_HOLE, rng=rng)
            holes.append(spans + (offsets[-1] + 1))  # behind the start token
            parts.append(np.concatenate([[START_ID], ids, [END_ID]]).astype(np.uint16))
            offsets.append(offsets[-1] + len(parts[-1]))
    np.save(folder / f"{split}.npy", np.concatenate(parts))
    np.save(folder / f"{split}_offsets.npy", np.asarray(offsets, dtype=np.int64))
    np.save(folder / f"{split}_holes.npy", np.concatenate(holes).astype(np.int32))
    return offsets[-1]


def build(packages: list[Package], folder: Path, *, vocab_size: int, seed: int = 0) -> dict[str, object]:
    """Train the tokenizer (unless the folder has one), tokenise both splits, write the manifest; its contents.

    Raises BadRequest if there is nothing to train on, or nothing to evaluate on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    train = [text for p in packages if not p.held_out for text in p.files]
    held_out = [text for p in packages if p.held_out for text in p.files]
    random.Random(seed).shuffle(train)
    if not train or not held_out:
        missing = "held out for evaluation" if train else "to train on"
        raise BadRequest(f"no source files {missing}: name more --site folders with permissively licensed packages")
    path = folder / "tokenizer.json"
    if not path.exists():
        train_tokenizer(train[: max(len(train) // 4, TOKENIZER_FILES)], vocab_size=vocab_size, path=path)
    tokenizer = Tokenizer(path)
    counts = {s: _save(folder, s, texts, tokenizer) for s, texts in (("train", train), ("held_out", held_out))}
    characters = sum(map(len, held_out))
    manifest: dict[str, object] = {
        "vocab_size": tokenizer.vocab_size,
        "tokens": counts,
        "held_out_characters_per_token": round(characters / max(1, counts["held_out"]), 3),
        "packages": [p.manifest() for p in packages if not p.held_out],
        "held_out": [p.manifest() for p in packages if p.held_out],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest
