"""What `config.json` of a model folder says about the network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from model.errors import UnknownModel

FORMAT, ARCHITECTURE = 1, "qwen2"


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Sizes of a network of the architecture `qwen2`.

    rope_base: of the rotary frequencies; halves of a head rotate, not neighbours. context_tokens: the longest context it
    is meant for. special: ids of special tokens by their plain names ("fim_prefix", …). quantisation: how the weights
    were made, for people; the shards say what they hold.
    """

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_width: int
    feed_forward: int
    vocab_size: int
    rope_base: float
    norm_epsilon: float
    context_tokens: int
    special: Mapping[str, int] = field(default_factory=dict)
    quantisation: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError for sizes that no network has."""
        for each in fields(self):
            value = getattr(self, each.name)
            if each.type == "int" and (type(value) is not int or value < 1):
                raise ValueError(f'"{each.name}" is {value!r}, not a whole number above 0')
            if each.type == "float" and not (isinstance(value, int | float) and value > 0):
                raise ValueError(f'"{each.name}" is {value!r}, not a number above 0')
        if self.heads % self.kv_heads or self.head_width % 2:
            raise ValueError(f"{self.heads} heads over {self.kv_heads} of {self.head_width} channels")
        if any(type(id_) is not int or not 0 <= id_ < self.vocab_size for id_ in self.special.values()):
            raise ValueError(f'"special" has an id outside 0…{self.vocab_size - 1}')

    @property
    def mask_id(self) -> int:
        """The input that stands for a masked token: one behind the vocabulary; its embedding comes with the adapter."""
        return self.vocab_size

    @property
    def parameters(self) -> int:
        """How many numbers the network has; the embedding is also the head."""
        width, queries, keys = self.width, self.heads * self.head_width, self.kv_heads * self.head_width
        attention = 2 * width * queries + 2 * width * keys + queries + 2 * keys  # queries, keys and values have biases
        norms = 2 * width
        return self.vocab_size * width + width + self.layers * (attention + norms + 3 * width * self.feed_forward)

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, "architecture": ARCHITECTURE} | asdict(self)


def read_config(folder: Path) -> ModelConfig:
    """The config of the model in `folder`. Raises UnknownModel: missing, damaged, or of another architecture."""
    path = folder / "config.json"
    try:
        said = json.loads(path.read_text("utf-8"))
        kind = (said.get("format"), said.get("architecture"))
        if kind != (FORMAT, ARCHITECTURE):
            raise ValueError(
                f"format {kind[0]!r}, architecture {kind[1]!r}; this version reads {FORMAT}, {ARCHITECTURE!r}"
            )
        names = {each.name for each in fields(ModelConfig)}
        return ModelConfig(**{name: value for name, value in said.items() if name in names})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        remedy = "name a folder made by `dlm-fill train base`, or reinstall dlm-fill"
        raise UnknownModel(f"cannot read the model's {path} ({reason}): {remedy}") from error


def write_config(config: ModelConfig, folder: Path) -> None:
    """Write `config.json` into `folder`."""
    (folder / "config.json").write_text(json.dumps(config.to_json(), indent=1) + "\n", "utf-8")
