"""Text to token ids and back, with Qwen's pre-tokeniser over a pruned vocabulary; a `Codec` of the engine."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tiktoken
from numpy.typing import NDArray

from model.backends.byte_level import byte_alphabet
from model.errors import UnknownModel

Ids = NDArray[np.int64]
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Qwen2's: letters with one character before them, single digits, other characters with the line ends behind them, space."""
HEALED_TOKENS = 3
"""Take back at most the last three tokens of a word that the hole must begin with: each costs a step of the search."""
_MOST_COUNTS, _MOST_STARTS = 1 << 15, 256
_PARTS = re.compile(r"(?s:.{0,99999}\n|.{1,100000})")
"""tiktoken's regular expressions give up at some 300,000 blanks in a row: longer texts are encoded by parts."""
_LONGEST_PART = 100_000


class CodeTokenizer:
    """The tokenizer file of a model folder. `vocab_size` counts the special tokens, which no text is encoded to.

    Raises UnknownModel if the file is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise UnknownModel(f"no tokenizer at {path}: reinstall dlm-fill, or name a complete model folder")
        try:
            said = json.loads(path.read_text("utf-8"))
            alphabet = byte_alphabet()
            ranks = {bytes(alphabet[c] for c in token): id_ for token, id_ in said["model"]["vocab"].items()}
            self.special: dict[str, int] = {added["content"]: int(added["id"]) for added in said["added_tokens"]}
            self._bpe = tiktoken.Encoding("dlm-fill", pat_str=_pattern(said), mergeable_ranks=ranks, special_tokens={})
        except Exception as error:
            message = f"the tokenizer {path} is damaged: reinstall dlm-fill, or name a complete model folder"
            raise UnknownModel(message) from error
        self.vocab_size = len(ranks) + len(self.special)
        self._bytes = [b""] * self.vocab_size
        for data, id_ in ranks.items():
            self._bytes[id_] = data
        self._counts: dict[int, int] = {}
        self._starting: dict[bytes, Ids] = {}

    def encode(self, text: str, *, at_line_start: bool = True) -> Ids:  # noqa: ARG002  no token depends on it
        """Ids, int64 [n]. Text that spells a special token stays text."""
        parts = [text] if len(text) <= _LONGEST_PART else _PARTS.findall(text)
        return np.asarray([id_ for part in parts for id_ in self._bpe.encode_ordinary(part)], dtype=np.int64)

    def decode(self, ids: Ids) -> str:
        """The text of `ids`; bytes that are no UTF-8 become U+FFFD, special tokens nothing."""
        return b"".join(self.token_bytes(int(i)) for i in ids).decode("utf-8", errors="replace")

    def token_bytes(self, token: int) -> bytes:
        """The bytes that one token stands for; empty for special tokens and ids beyond the vocabulary."""
        return self._bytes[token] if token < self.vocab_size else b""

    def count(self, text: str) -> int:
        """How many tokens `text` takes, to one or two: counted by lines, which are remembered by their hashes."""
        return sum(map(self._count_line, text.splitlines(keepends=True)))

    def _count_line(self, line: str) -> int:
        key = hash(line)
        known = self._counts.get(key)
        if known is None:
            if len(self._counts) >= _MOST_COUNTS:
                self._counts.clear()
            known = self._counts[key] = len(self._bpe.encode_ordinary(line))
        return known

    def trailing_partial(self, text: str) -> str:
        """The end of `text` that may be the beginning of a longer word ("" behind a line end).

        It is the last pre-token, of which at most `HEALED_TOKENS` tokens.
        """
        line = text[max(text.rfind("\n"), text.rfind("\r")) + 1 :][-_LONGEST_PART:]
        if not line:
            return ""
        ids = self._bpe.encode_ordinary(line)
        taken = b""
        for token in reversed(ids[-HEALED_TOKENS:]):
            longer = self._bytes[token] + taken
            if not self._is_one_word(longer):
                break
            taken = longer
        partial = taken.decode("utf-8", errors="ignore")
        return partial if line.endswith(partial) else ""

    def _is_one_word(self, data: bytes) -> bool:
        """Whether the pre-tokeniser keeps `data` together."""
        text = data.decode("utf-8", errors="replace")
        return len(self._pre_tokens.findall(text)) <= 1

    @cached_property
    def _pre_tokens(self) -> re.Pattern[str]:
        # Python's own expressions lack \p: letters are what \w has but digits and the underscore.
        return re.compile(r"[^\r\n\w]?[^\W\d_]+|_[^\W\d_]+|\d| ?(?:[^\s\w]|_)+[\r\n]*|\s*[\r\n]+|\s+")

    @cached_property
    def _by_first_byte(self) -> dict[int, list[int]]:
        table: dict[int, list[int]] = {}
        for token, data in enumerate(self._bytes):
            if data:
                table.setdefault(data[0], []).append(token)
        return table

    @cached_property
    def _ids_by_bytes(self) -> dict[bytes, int]:
        return {data: token for token, data in enumerate(self._bytes) if data}

    def tokens_starting_with(self, start: bytes) -> Ids:
        """Ids, int64 [n], of all tokens whose bytes begin with `start` (which must not be empty)."""
        known = self._starting.get(start)
        if known is None:
            if len(self._starting) >= _MOST_STARTS:
                self._starting.clear()
            found = [i for i in self._by_first_byte.get(start[0], []) if self._bytes[i].startswith(start)]
            known = self._starting[start] = np.asarray(found, dtype=np.int64)
        return known

    def tokens_spelling_start_of(self, text: bytes) -> Ids:
        """Ids, int64 [n], of all tokens whose bytes `text` begins with."""
        found = (self._ids_by_bytes.get(text[:end]) for end in range(1, len(text) + 1))
        return np.asarray([token for token in found if token is not None], dtype=np.int64)


def _pattern(said: Mapping[str, Any]) -> str:
    """How the file parts a text into words: as Qwen2 does unless it says otherwise."""
    parts = said.get("pre_tokenizer", {}).get("pretokenizers", ())
    return str(next((part["pattern"]["Regex"] for part in parts if part["type"] == "Split"), PATTERN))
