"""A published checkpoint's tokenizer as the engine wants it: text stays text, tokens are bytes, ends can heal."""

from __future__ import annotations

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray

from model.backends.byte_level import byte_alphabet
from model.errors import MissingExtra, UnknownModel

_JOINABLE_END = re.compile(r"[^\W\d]\Z|[=!<>+\-*/%&|^~:@.$#\\?]\Z")


class PublishedCodec:
    """A byte-level BPE without its special tokens: whatever a user's text says, it is encoded as text.

    `specials` are the ids of added tokens; they stand for no text. `vocab_size` counts them, `text_ids` is one more than
    the largest id of the others.
    """

    def __init__(self, backend: tokenizers.Tokenizer) -> None:
        data = json.loads(backend.to_str())
        added = data.get("added_tokens") or []
        kept = [token for token in added if token["content"].isspace()]  # runs of blanks are no markup
        self.specials = frozenset(int(token["id"]) for token in added if token not in kept)
        plain = {**data, "added_tokens": kept, "post_processor": None, "truncation": None, "padding": None}
        self._bpe = tokenizers.Tokenizer.from_str(json.dumps(plain))
        # Without the others before them, those that are kept get other numbers.
        self._numbers = {self._bpe.token_to_id(t["content"]): int(t["id"]) for t in kept}
        self._byte_level = "ByteLevel" in json.dumps(data.get("decoder"))
        self._vocab = backend.get_vocab(with_added_tokens=True)
        self.vocab_size = max(self._vocab.values()) + 1
        self.text_ids = max((n for n in self._vocab.values() if n not in self.specials), default=-1) + 1

    def encode(self, text: str, *, at_line_start: bool) -> NDArray[np.int64]:  # noqa: ARG002 - it makes no difference
        """Ids, int64 [n]."""
        ids = self._bpe.encode(text, add_special_tokens=False).ids
        return np.asarray([self._numbers.get(i, i) for i in ids] if self._numbers else ids, dtype=np.int64)

    def count(self, text: str) -> int:
        """How many tokens `text` takes."""
        return len(self._bpe.encode(text, add_special_tokens=False).ids)

    @cached_property
    def _bytes(self) -> list[bytes]:
        alphabet = byte_alphabet()
        data = [b""] * self.vocab_size
        for token, number in self._vocab.items():
            if number in self.specials:
                continue
            if self._byte_level and all(c in alphabet for c in token):
                data[number] = bytes(alphabet[c] for c in token)
            elif self._byte_level:
                data[number] = token.encode()
            else:
                data[number] = self._bpe.decode([number]).encode()
        return data

    def token_bytes(self, token: int) -> bytes:
        """The bytes that one token stands for; empty for special tokens."""
        return self._bytes[token] if token < self.vocab_size else b""

    def decode(self, ids: NDArray[np.int64]) -> str:
        """The text of `ids`; bytes that are no UTF-8 become U+FFFD, special tokens nothing."""
        if not self._byte_level:
            return str(
                self._bpe.decode([int(i) for i in ids if int(i) < self.vocab_size and int(i) not in self.specials])
            )
        return b"".join(self.token_bytes(int(i)) for i in ids).decode("utf-8", errors="replace")

    def trailing_partial(self, text: str) -> str:
        """The end of `text` that the tokenizer might join with what follows ("" if none).

        That is its last token if it ends in a letter or an operator; or its last blank, which such tokenizers
        join with the word behind it, also at the end of an indentation.
        """
        line = text[max(text.rfind("\n"), text.rfind("\r")) + 1 :]
        if line.endswith(" "):
            return " "
        if not _JOINABLE_END.search(line):
            return ""
        last = self.token_bytes(int(self.encode(line, at_line_start=True)[-1]))
        partial = last.decode("utf-8", errors="ignore")
        return partial if partial and line.endswith(partial) else ""

    @cached_property
    def _by_first_byte(self) -> dict[int, list[int]]:
        table: dict[int, list[int]] = {}
        for token, data in enumerate(self._bytes):
            if data:
                table.setdefault(data[0], []).append(token)
        return table

    def tokens_starting_with(self, start: bytes) -> NDArray[np.int64]:
        """Ids, int64 [n], of all tokens whose bytes begin with `start` (which must not be empty)."""
        likely = self._by_first_byte.get(start[0], [])
        return np.asarray([t for t in likely if self._bytes[t].startswith(start)], dtype=np.int64)


def read_codec(directory: Path) -> PublishedCodec:
    """The tokenizer beside a checkpoint, for texts. Raises as `backend_of`."""
    return PublishedCodec(backend_of(directory))


def backend_of(directory: Path) -> tokenizers.Tokenizer:
    """The tokenizer beside a checkpoint, special tokens included: `tokenizer.json`, or what transformers makes of older files.

    Raises UnknownModel if there is none or if it is damaged, MissingExtra if it takes transformers.
    """
    path = directory / "tokenizer.json"
    if not path.is_file():
        return _older(directory)
    try:
        return tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises nothing more precise
        reason = " ".join(str(error).split())[:120]
        raise UnknownModel(f"{path} is damaged ({reason}): download the checkpoint again") from error


def _older(directory: Path) -> tokenizers.Tokenizer:
    if not any((directory / name).is_file() for name in ("vocab.json", "tokenizer.model", "tokenizer_config.json")):
        raise UnknownModel(f"no tokenizer.json in {directory}: download the checkpoint's tokenizer files as well")
    try:
        from transformers import AutoTokenizer, Qwen2Tokenizer
    except ImportError as error:
        what = f"the tokenizer in {directory}, which has no tokenizer.json,"
        raise MissingExtra(f"{what} needs transformers: pip install 'dlm-fill[torch]'") from error
    try:
        if (directory / "vocab.json").is_file() and (directory / "merges.txt").is_file():
            # Dream's own class is Qwen2's with other special tokens.
            loaded: Any = Qwen2Tokenizer.from_pretrained(directory)
        else:
            loaded = AutoTokenizer.from_pretrained(directory, trust_remote_code=False, local_files_only=True)
        backend: tokenizers.Tokenizer = loaded.backend_tokenizer
    except (OSError, ValueError, TypeError, AttributeError, KeyError, ImportError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UnknownModel(
            f"cannot read the tokenizer in {directory} ({reason}): download the checkpoint again"
        ) from error
    return backend
