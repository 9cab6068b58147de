"""Between text and tokens: pieces and holes to ids, ids of a hole back to text. Token healing lives here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.backend import Context
from model.infill.brackets import balanced_end, own_text, shut_by, unmatched
from model.infill.holes.ties import ties_of
from model.types import Template

_CLOSING = frozenset(b")]}")
CUTS = 16
"""A context that is too long is cut at so many places per context."""


class Codec(Protocol):
    """What the engine needs of a tokenizer (`model.backends.builtin.tokenizer.CodeTokenizer` is one)."""

    vocab_size: int

    def encode(self, text: str, *, at_line_start: bool) -> NDArray[np.int64]: ...

    def decode(self, ids: NDArray[np.int64]) -> str: ...

    def token_bytes(self, token: int) -> bytes: ...

    def count(self, text: str) -> int: ...

    def trailing_partial(self, text: str) -> str: ...


@dataclass(frozen=True, kw_only=True)
class EncodedPrompt:
    """A template in tokens. `partials[h]`: the end of the piece before hole h that the hole must begin with.

    `shut_by`: what stands behind the only hole and closes the brackets that it stands in, see `brackets.shut_by`.
    """

    context: Context
    pieces: tuple[str, ...]
    partials: tuple[str, ...]
    line_starts: tuple[bool, ...]
    max_lines: tuple[int | None, ...]
    balanced: tuple[bool, ...]
    shut_by: str = ""

    @property
    def holes(self) -> int:
        return len(self.partials)

    def encode(self, codec: Codec, hole: int, text: str) -> NDArray[np.int64]:
        """int64 [n]: the ids of `text` in the hole, the partial before it included."""
        return codec.encode(self.partials[hole] + text, at_line_start=self.line_starts[hole])

    def text(self, codec: Codec, hole: int, ids: NDArray[np.int64]) -> str | None:
        """The hole's text of `ids` without the partial, as far as the hole goes; None if it lacks the partial."""
        partial = self.partials[hole]
        whole = codec.decode(ids)
        if not whole.startswith(partial):
            return None
        text, limit = whole[len(partial) :], self.max_lines[hole]
        if self.balanced[hole]:
            text = text[: balanced_end(text)]
        if self.shut_by:
            own = own_text(text, self.shut_by)
            text = text if own is None else own
        return text if limit is None else "\n".join(text.split("\n")[:limit])


def encode_prompt(
    template: Template,
    codec: Codec,
    *,
    context_tokens: int,
    start_ids: Sequence[int] = (),
    end_ids: Sequence[int] = (),
) -> EncodedPrompt:
    """The template in tokens; what exceeds `context_tokens` is left off at the outer ends.

    `start_ids` and `end_ids` are put there, uncounted: what the network's texts begin and end with.
    Tied holes are not healed: what stands before them differs, and they get one text.
    """
    pieces = template.pieces
    tied = {h for group in ties_of(template.holes) for h in group}
    partials = tuple("" if h in tied else codec.trailing_partial(piece) for h, piece in enumerate(pieces[:-1]))
    healed = [p.removesuffix(partial) for p, partial in zip(pieces, (*partials, ""), strict=True)]
    ids = [codec.encode(piece, at_line_start=h == 0) for h, piece in enumerate(healed)]
    starts = tuple(
        not partial and (piece.endswith("\n") or (h == 0 and not piece))
        for h, (piece, partial) in enumerate(zip(healed, partials, strict=False))
    )
    within = _within(ids, context_tokens)
    within[0] = np.concatenate([np.asarray(start_ids, dtype=np.int64), within[0]])
    within[-1] = np.concatenate([within[-1], np.asarray(end_ids, dtype=np.int64)])
    return EncodedPrompt(
        context=Context(
            pieces=tuple(within),
            starts_with=tuple(partial.encode() for partial in partials),
        ),
        pieces=pieces,
        partials=partials,
        line_starts=starts,
        max_lines=tuple(hole.max_lines for hole in template.holes),
        balanced=tuple(hole.stop == "balanced" for hole in template.holes),
        shut_by=_shut_by(template),
    )


def _shut_by(template: Template) -> str:
    """See `EncodedPrompt`; "" where the old text closed brackets of its surroundings, too: a new one may do so."""
    if len(template.holes) > 1 or unmatched(template.holes[0].old_text)[0]:
        return ""
    return shut_by(*template.pieces)


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenTable:
    """What the rules must know of every token.

    newline: bool [V], the token holds a line break; breaks: int64 [V], how many; ends_line: bool [V], text stands before
    the break; blank: bool [V], its text is white space or empty; shuts: bool [V], it holds a closing bracket. texts: the
    bytes of each, V of them.
    """

    texts: tuple[bytes, ...]
    newline: NDArray[np.bool_]
    breaks: NDArray[np.int64]
    ends_line: NDArray[np.bool_]
    blank: NDArray[np.bool_]
    shuts: NDArray[np.bool_]


def token_table(codec: Codec, *, vocab_size: int) -> TokenTable:
    """What the rules must know of every token; ids beyond the codec's own count as empty."""
    data = [codec.token_bytes(t) if t < codec.vocab_size else b"" for t in range(vocab_size)]
    return TokenTable(
        texts=tuple(data),
        newline=np.array([b"\n" in token or b"\r" in token for token in data], dtype=bool),
        breaks=np.array([max(token.count(b"\n"), token.count(b"\r")) for token in data], dtype=np.int64),
        ends_line=np.array([bool(re.match(rb"[^\r\n]*[^\r\n \t][^\r\n]*[\r\n]", token)) for token in data], dtype=bool),
        blank=np.array([not token.strip() for token in data], dtype=bool),
        shuts=np.array([not _CLOSING.isdisjoint(token) for token in data], dtype=bool),
    )


def _within(pieces: Sequence[NDArray[np.int64]], limit: int) -> list[NDArray[np.int64]]:
    """The pieces, the first shortened on its left and the last on its right until all take at most `limit` tokens.

    Both are cut at multiples of `limit` / `CUTS` tokens, where they can be: so what is read
    begins at the same place over many keystrokes, and what was read before serves again.
    """
    excess = sum(len(p) for p in pieces) - limit
    if excess <= 0:
        return list(pieces)
    inner = sum(len(p) for p in pieces[1:-1])
    room = max(0, limit - inner)
    after = min(len(pieces[-1]), max(room // 3, room - len(pieces[0])))
    step = max(1, limit // CUTS)
    if step <= after < len(pieces[-1]):
        after -= after % step
    start = len(pieces[0]) - min(len(pieces[0]), room - after)
    start = min(-(-start // step) * step, len(pieces[0]))
    return [pieces[0][start:], *pieces[1:-1], pieces[-1][:after]]
