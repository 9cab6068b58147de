"""`config.json` of a published checkpoint, read with care: what is missing or odd is named with its remedy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from model.errors import UnknownModel

_REMEDY = "name the directory of a published diffusion checkpoint, or download it again"
_LARGEST = 1 << 31


def read_json(path: Path) -> dict[str, Any]:
    """The object in the file. Raises UnknownModel if there is none."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UnknownModel(f"no {path.name} in {path.parent}: {_REMEDY}") from None
    except (OSError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UnknownModel(f"cannot read {path} ({reason}): {_REMEDY}") from error
    if not isinstance(values, dict):
        raise UnknownModel(f"{path} holds no JSON object: {_REMEDY}")
    return values


class ConfigFile:
    """Typed access to the file's values. Every method raises UnknownModel for a value of the wrong kind."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.path = directory, directory / "config.json"
        self._values = read_json(self.path)

    def refusal(self, problem: str) -> UnknownModel:
        """The error that what the file says is not supported, or makes no sense."""
        return UnknownModel(f"{self.path}: {problem}")

    @property
    def model_type(self) -> str:
        """Lower case, with dashes for underscores: spellings vary."""
        return self.text("model_type", "").lower().replace("_", "-")

    @property
    def architecture(self) -> str:
        """The class that the checkpoint was saved from ("" if it does not say)."""
        names = self._values.get("architectures")
        return str(names[0]) if isinstance(names, list) and names else ""

    @property
    def names(self) -> str:
        """What the checkpoint is called, as far as one can tell: its directory, and where it was made from."""
        return f"{self._values.get('_name_or_path', '')} {self.directory.resolve()}".lower()

    def is_called(self, *words: str) -> bool:
        """Whether one of the words is part of the checkpoint's own name, or of its directory's as the hub's cache has it."""
        called = f"{self._values.get('_name_or_path', '')} {' '.join(self.directory.resolve().parts[-3:])}".lower()
        return any(word in called for word in words)

    def has(self, key: str) -> bool:
        return self._values.get(key) is not None

    def _value(self, key: str, default: Any) -> Any:
        value = self._values.get(key)
        if value is None:
            if default is None:
                raise self.refusal(f"{key} is missing; download the checkpoint again")
            return default
        return value

    def integer(self, key: str, default: int | None = None, *, least: int = 1) -> int:
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < _LARGEST:
            raise self.refusal(f"{key} is {value!r}, which is no number of at least {least}")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise self.refusal(f"{key} is {value!r}, which is no number above 0")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise self.refusal(f"{key} is {value!r}, which is neither true nor false")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        value = self._value(key, default)
        if not isinstance(value, str):
            raise self.refusal(f"{key} is {value!r}, which is no text")
        return value

    def integers(self, key: str, default: list[int]) -> list[int]:
        value = self._value(key, default)
        if not isinstance(value, list) or not all(isinstance(v, int) for v in value):
            raise self.refusal(f"{key} is {value!r}, which is no list of numbers")
        return value

    def demand(self, key: str, wanted: object, *, default: object) -> None:
        """The value must be `wanted`: nothing else is supported."""
        value = self._values.get(key, default)
        if (default if value is None else value) != wanted:
            raise self.refusal(f"{key} {value!r} is not supported, only {wanted!r}")

    @property
    def _rope(self) -> Mapping[str, Any]:
        rope = self._values.get("rope_parameters") or self._values.get("rope_scaling") or {}
        if not isinstance(rope, dict):
            raise self.refusal(f"its RoPE parameters are {rope!r}, which is no object")
        return rope

    def rope_theta(self, default: float) -> float:
        """The base of the rotary embedding; scaled kinds are refused."""
        kind = self._rope.get("rope_type", self._rope.get("type", "default"))
        if kind != "default":
            raise self.refusal(
                f"RoPE of the kind {kind!r} is not supported, only 'default': remove it to use the plain context"
            )
        theta = self._rope.get("rope_theta", self._value("rope_theta", default))
        if isinstance(theta, bool) or not isinstance(theta, int | float) or not theta > 0:
            raise self.refusal(f"rope_theta is {theta!r}, which is no number above 0")
        return float(theta)

    def rotary_fraction(self, default: float) -> float:
        """The share of a head's channels that are rotated."""
        share = self._rope.get("partial_rotary_factor", self._value("partial_rotary_factor", default))
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
            raise self.refusal(f"partial_rotary_factor is {share!r}, which is no share above 0")
        return float(share)

    def optional_id(self, key: str) -> int | None:
        """A token id, or None; of a list the first."""
        value = self._values.get(key)
        if isinstance(value, list):
            value = value[0] if value else None
        return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

    @property
    def has_mask(self) -> bool:
        """Whether the configuration or the tokenizer names a mask."""
        return self.optional_id("mask_token_id") is not None or self._mask_token is not None

    def mask_id(self, default: int | None) -> int:
        """The mask's id: as the configuration says, else as the tokenizer says, else `default`."""
        value = self.optional_id("mask_token_id")
        if value is None:
            value = self.token_id(self._mask_token) if self._mask_token else None
        if value is None:
            value = default
        if value is None:
            raise self.refusal(
                "nothing says which token is the mask: add mask_token_id, or the checkpoint's tokenizer files"
            )
        return value

    @cached_property
    def _tokenizer_config(self) -> dict[str, Any]:
        path = self.directory / "tokenizer_config.json"
        return read_json(path) if path.exists() else {}

    @property
    def _mask_token(self) -> str | None:
        token = self._tokenizer_config.get("mask_token")
        if isinstance(token, dict):
            token = token.get("content")
        return token if isinstance(token, str) else None

    @cached_property
    def _added_tokens(self) -> dict[str, int]:
        """Id of every token that was added to the vocabulary, by its text."""
        found: dict[str, int] = {}
        path = self.directory / "tokenizer.json"
        listed = read_json(path).get("added_tokens", []) if path.exists() else []
        for token in listed if isinstance(listed, list) else []:
            found[str(token.get("content"))] = int(token["id"])
        decoder = self._tokenizer_config.get("added_tokens_decoder")
        for number, token in (decoder if isinstance(decoder, dict) else {}).items():
            found.setdefault(str(token.get("content")), int(number))
        return found

    def token_id(self, text: str) -> int | None:
        """The id of a special token, if the tokenizer's files name it."""
        try:
            return self._added_tokens.get(text)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UnknownModel(f"the tokenizer's files in {self.directory} are damaged: {_REMEDY}") from error
