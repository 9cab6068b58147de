"""Text to token ids and back: a byte-level BPE whose tokens never straddle a line break or an indentation.

So a hole that begins or ends at a line break is token-aligned. Inside a line a piece may end in the middle
of what would be one token (`self.val|ue`): `trailing_partial` names that rest, and the engine takes it back
off the piece and demands it of the fill ("token healing").
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
import tiktoken
from numpy.typing import NDArray

from model.errors import UnknownModel

MASK_ID, END_OF_HOLE_ID, GAP_ID, START_ID, END_ID = range(5)
RESERVED_TOKENS = 16
"""Ids below this are the model's own; text, whatever it says, is only ever encoded to ids from here up."""

_PIECES = (
    r"\r?\n|\r",
    r"(?<=[\r\n])[ \t]+",  # indentation stands alone, so that a hole may begin before or after it
    r"[ .]?_*\p{L}+",
    r"\d",
    r" ?_+",
    r" ?(?:\"\"\"|''')",
    r" ?[=!<>+\-*/%&|^~:@.$#\\?]+",
    r" ?[^\s\p{L}\d_]",
    r"[ \t]+(?=[ \t]\S)|[ \t]+|\s",
)
PATTERN = "|".join(_PIECES)
_MOST_COUNTS, _MOST_STARTS = 1 << 15, 256
_MOST_LINES, _LONGEST_LINE_CHARS = 1 << 12, 1000
"""Lines whose ids are remembered, and how long they may be: from one fill to the next nearly all are the same."""
# tiktoken's regular expressions give up at some 300,000 blanks in a row: a longer text is read by parts, which end with
# lines, where no token could tell, or within a line that is longer than that.
_PARTS = re.compile(r"(?s:.{0,99999}\n|.{1,100000})")
_LONGEST_PART = 100_000
_JOINABLE_END = re.compile(r"[^\W\d]\Z|[ \t=!<>+\-*/%&|^~:@.$#\\?]\Z")


def byte_alphabet() -> dict[str, int]:
    """GPT-2's printable stand-ins for the 256 bytes, as `tokenizers` writes them."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in set(printable)]
    return {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(others)}


class Tokenizer:
    """A trained tokenizer file. `vocab_size` counts the reserved ids too.

    Raises UnknownModel if the file is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise UnknownModel(f"no tokenizer at {path}: reinstall dlm-fill, or name a complete model directory")
        try:
            self._bpe = _read(path)
        except Exception as error:
            message = f"the tokenizer {path} is damaged: reinstall dlm-fill, or name a complete model directory"
            raise UnknownModel(message) from error
        self.vocab_size = self._bpe.n_vocab + RESERVED_TOKENS
        self._counts: dict[int, int] = {}
        self._known: dict[str, NDArray[np.int64]] = {}
        self._starting: dict[bytes, NDArray[np.int64]] = {}

    def encode(self, text: str, *, at_line_start: bool) -> NDArray[np.int64]:
        """Ids, int64 [n]. `at_line_start`: the text begins a line, so leading blanks are indentation.

        No token straddles a line break, so they are those of the lines; those of lines encoded before are remembered.
        """
        first, *others = _lines(text) or [""]
        start = self._line(first) if at_line_start else self._remembered(first)
        return np.concatenate([start, *map(self._line, others)])

    def encode_batch(self, texts: list[str]) -> list[NDArray[np.int64]]:
        """`encode(text, at_line_start=True)` of each, on all cores."""
        with ThreadPoolExecutor() as several:
            ids = several.map(self._ids, ["\n" + text for text in texts])  # lines of a corpus are hardly met again
            return [np.asarray(found[1:], dtype=np.int64) + RESERVED_TOKENS for found in ids]

    def _line(self, line: str) -> NDArray[np.int64]:
        """The ids of `line` behind a line break."""
        return self._remembered("\n" + line)[1:]

    def _remembered(self, text: str) -> NDArray[np.int64]:
        """The ids of a line, or of the break before it and the line; not to be written to."""
        known = self._known.get(text)
        if known is None:
            known = np.asarray(self._ids(text), dtype=np.int64) + RESERVED_TOKENS
            if len(self._known) >= _MOST_LINES:
                self._known.clear()
            if len(text) <= _LONGEST_LINE_CHARS:
                self._known[text] = known
        return known

    def _ids(self, text: str) -> list[int]:
        if len(text) <= _LONGEST_PART:
            return self._bpe.encode_ordinary(text)
        ids: list[int] = []
        within = True  # a line: what follows a line break is encoded with it, so that blanks are seen to be indentation
        for part in _PARTS.findall(text):
            ids += self._bpe.encode_ordinary(part) if within else self._bpe.encode_ordinary("\n" + part)[1:]
            within = not part.endswith("\n")
        return ids

    def count(self, text: str) -> int:
        """How many tokens `text` takes, as a piece that begins a line.

        No token straddles a line break, so it is the sum over the lines; those of lines counted before are remembered.
        """
        return sum(map(self._count_line, _lines(text)))

    def _count_line(self, line: str) -> int:
        # By their hashes, so that no text is kept; two lines of one hash would be counted alike, which harms nothing.
        key = hash(line)
        known = self._counts.get(key)
        if known is None:
            if len(self._counts) >= _MOST_COUNTS:
                self._counts.clear()
            known = self._counts[key] = len(self._line(line))
        return known

    @cached_property
    def _bytes(self) -> list[bytes]:
        return [b""] * RESERVED_TOKENS + [self._bpe.decode_single_token_bytes(i) for i in range(self._bpe.n_vocab)]

    def token_bytes(self, token: int) -> bytes:
        """The bytes that one token stands for; empty for the model's own tokens."""
        return self._bytes[token]

    def decode(self, ids: NDArray[np.int64]) -> str:
        """The text of `ids`; bytes that are no UTF-8 become U+FFFD, the model's own tokens nothing."""
        return b"".join(self._bytes[int(i)] for i in ids).decode("utf-8", errors="replace")

    def trailing_partial(self, text: str) -> str:
        """The end of `text` that the tokenizer might join with what follows ("" if none).

        That is its last token if it ends in a letter, a blank inside the line, or an operator;
        brackets, quotes, digits and line breaks join with nothing on their right.
        """
        line = text[max(text.rfind("\n"), text.rfind("\r")) + 1 :]
        if not line.strip(" \t") or not _JOINABLE_END.search(line):
            return ""
        last = self.token_bytes(int(self.encode(line, at_line_start=True)[-1]))
        partial = last.decode("utf-8", errors="ignore")
        return partial if line.endswith(partial) else ""

    @cached_property
    def tokens_by_first_byte(self) -> dict[int, NDArray[np.int64]]:
        """For token healing: the ids whose bytes begin with a given byte."""
        table: dict[int, list[int]] = {}
        for token, data in enumerate(self._bytes):
            if data:
                table.setdefault(data[0], []).append(token)
        return {byte: np.asarray(ids, dtype=np.int64) for byte, ids in table.items()}

    def tokens_starting_with(self, start: bytes) -> NDArray[np.int64]:
        """Ids, int64 [n], of all tokens whose bytes begin with `start` (which must not be empty)."""
        known = self._starting.get(start)  # asked of every pass of a request
        if known is None:
            if len(self._starting) >= _MOST_STARTS:
                self._starting.clear()
            candidates = self.tokens_by_first_byte.get(start[0], np.empty(0, dtype=np.int64))
            keep = [int(i) for i in candidates if self._bytes[int(i)].startswith(start)]
            known = self._starting[start] = np.asarray(keep, dtype=np.int64)
        return known


def _read(path: Path) -> tiktoken.Encoding:
    """A file that `train_tokenizer` wrote. Its ids rise in the order of the merges, and that is how tiktoken merges."""
    written = json.loads(path.read_text("utf-8"))
    alphabet = byte_alphabet()
    ranks = {bytes(alphabet[c] for c in token): rank for token, rank in written["model"]["vocab"].items()}
    pattern = written["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
    return tiktoken.Encoding("dlm-fill", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})


def _lines(text: str) -> list[str]:
    r"""The lines of `text` with their line ends `\n`: what ends otherwise is no end here."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def train_tokenizer(texts: list[str], *, vocab_size: int, path: Path) -> None:
    """Learn the merges from `texts` and write the tokenizer file. `vocab_size` counts the reserved ids."""
    import tokenizers  # of the extra: it brings the hub's client, and filling needs neither

    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [
            tokenizers.pre_tokenizers.Split(tokenizers.Regex(PATTERN), behavior="isolated"),
            tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocab_size - RESERVED_TOKENS,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(("\n" + text for text in texts), trainer)
    path.parent.mkdir(parents=True, exist_ok=True)
    bpe.save(str(path), pretty=False)
