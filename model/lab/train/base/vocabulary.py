"""The vocabulary, pruned: the tokens that code needs, and with each token those that it is merged from.

So every text still encodes: what lost its token is spelled by the tokens that this one was made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.backends.gguf.file import GgufVocabulary

BYTES = 256


def pruned(vocabulary: GgufVocabulary, frequencies: NDArray[np.float64], *, size: int) -> list[int]:
    """Ids to keep, ascending, at most `size`: all bytes, then the most frequent tokens with what they are merged from."""
    kept = set(range(BYTES))
    for token in np.argsort(-frequencies, kind="stable").tolist():
        new = _with_parts(vocabulary.merges, token, kept)
        if len(kept) + len(new) > size:
            break
        kept |= new
    return sorted(kept)


def _with_parts(merges: Sequence[tuple[int, int]], token: int, kept: set[int]) -> set[int]:
    """The token and all that it is merged from, without what is kept already."""
    new, waiting = set[int](), [token]
    while waiting:
        one = waiting.pop()
        if one not in kept and one not in new:
            new.add(one)
            waiting += merges[one - BYTES]
    return new


def write_ids(ids: Iterable[int], path: Path) -> None:
    """Write ascending ids as ranges, one a line."""
    runs: list[list[int]] = []
    for one in ids:
        if runs and one == runs[-1][1] + 1:
            runs[-1][1] = one
        else:
            runs.append([one, one])
    path.write_text("".join(f"{a}\n" if a == b else f"{a}-{b}\n" for a, b in runs), "utf-8")


def read_ids(path: Path) -> list[int]:
    """What `write_ids` wrote."""
    bounds = [tuple(map(int, line.split("-"))) for line in path.read_text("utf-8").split()]
    return [one for bound in bounds for one in range(bound[0], bound[-1] + 1)]
