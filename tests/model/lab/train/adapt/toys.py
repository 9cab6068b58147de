"""A network of the built-in model's architecture, a tokenizer and a corpus, small enough that a test trains in seconds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from model.backends.builtin.storage.config import ModelConfig
from model.backends.builtin.tokenizer import PATTERN
from model.backends.byte_level import byte_alphabet
from model.lab.train.adapt.documents import read_documents, write_documents
from model.lab.train.adapt.examples import Examples, Shape, Specials
from model.lab.train.adapt.network import AdaptedDecoder, read_decoder
from tests.model import toy
from tests.model.backends.builtin import toys

SPECIAL = {"fim_prefix": 256, "fim_suffix": 257, "fim_middle": 258, "endoftext": 259}
CONFIG = ModelConfig(
    layers=2, width=64, heads=2, kv_heads=1, head_width=64, feed_forward=96, vocab_size=260,
    rope_base=1e6, norm_epsilon=1e-6, context_tokens=512, special=SPECIAL,
)  # fmt: skip
SPECIALS = Specials(prefix=256, suffix=257, middle=258, end=259)
SHAPE = Shape(contexts=2, tokens=96, canvases=4, rows=8)


class Bytes:
    """A tokenizer of single bytes."""

    def encode(self, text: str) -> NDArray[np.int64]:
        return np.frombuffer(text.encode("utf-8"), np.uint8).astype(np.int64)


def model_folder(folder: Path, *, rank: int = 0) -> Path:
    """A model folder with a tokenizer of single bytes."""
    toys.write(folder, config=CONFIG, bits=8, rank=rank)
    vocab = dict(sorted(byte_alphabet().items(), key=lambda pair: pair[1]))
    split = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}
    said = {
        "added_tokens": [{"id": id_, "content": f"<|{name}|>"} for name, id_ in SPECIAL.items()],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split]},
        "model": {"type": "BPE", "vocab": vocab, "merges": []},
    }
    (folder / "tokenizer.json").write_text(json.dumps(said), "utf-8")
    return folder


def network(folder: Path, *, rank: int = 4, dtype: torch.dtype = torch.float32) -> AdaptedDecoder:
    torch.manual_seed(0)
    return AdaptedDecoder(read_decoder(folder, dtype=dtype)[0], rank=rank)


def corpus(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_documents(folder, "train", [("python" if n % 2 else "go", toy.source(n)) for n in range(20)])
    write_documents(folder, "held_out", [("python", toy.source(n)) for n in range(900, 905)])
    return folder


def examples(folder: Path, *, part: str = "train", seed: int = 0, shape: Shape = SHAPE) -> Examples:
    return Examples(read_documents(folder, part), Bytes(), SPECIALS, shape, seed=seed)
