"""A tokenizer, a network and a corpus small enough that a test trains and fills with them in a second."""

from __future__ import annotations

from pathlib import Path

import torch

from model.networks.layers import NetworkConfig
from model.networks.two_streams import Network
from model.tokenizer import Tokenizer, train_tokenizer
from model.train.corpus import Package
from model.train.tokens import build

VOCAB = 350


def source(n: int) -> str:
    """Some code, different for every n."""
    return "\n".join(
        f"def step_{name}(value, *, scale={n}):\n"
        f'    """Return what {name} makes of {n}."""\n'
        f"    total = [item * scale for item in value[{n % 7}:]]\n"
        f"    if not total:\n"
        f"        raise ValueError(f'nothing for {name}: {{value}}')\n"
        f"    return {{'{name}': sum(total), 'count': len(total) + {n}}}\n"
        for name in ("first", f"middle_{n}", "last")
    )


def tokenizer(folder: Path) -> Tokenizer:
    path = folder / "tokenizer.json"
    train_tokenizer([source(n) for n in range(20)], vocab_size=VOCAB, path=path)
    return Tokenizer(path)


def config(*, vocab_size: int = VOCAB, kv_heads: int = 2, qkv_bias: bool = False) -> NetworkConfig:
    return NetworkConfig(
        vocab_size=vocab_size,
        width=32,
        layers=2,
        heads=2,
        kv_heads=kv_heads,
        feed_forward=48,
        qkv_bias=qkv_bias,
        pointer_width=16,
    )


def network(*, vocab_size: int = VOCAB, kv_heads: int = 2, qkv_bias: bool = False, seed: int = 0) -> Network:
    """Random weights of a size that makes every part of the network matter to its output."""
    torch.manual_seed(seed)
    made = Network(config(vocab_size=vocab_size, kv_heads=kv_heads, qkv_bias=qkv_bias))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
        made.pointer_gate.bias.fill_(0.3)
    return made.eval()


def corpus(folder: Path, *, files: int = 40) -> Path:
    """A corpus folder as `dlm-fill train corpus` writes it."""
    packages = [
        Package("toys", "1", "MIT", [source(n) for n in range(files)]),
        Package("apart", "1", "MIT", [source(n) for n in range(1000, 1010)], held_out=True),
    ]
    build(packages, folder, vocab_size=VOCAB)
    return folder


class Clock:
    """Stands in for the module `time`: each question after the time is `tick_s` later than the one before."""

    def __init__(self, *, tick_s: float) -> None:
        self._tick_s, self._ticks = tick_s, 0

    def monotonic(self) -> float:
        self._ticks += 1
        return self._tick_s * self._ticks

    process_time = monotonic
