"""The prompt of a fill: suffix, prefix, and go on (SPM, Bavarian et al. 2022, arXiv 2207.14255, section 4.2).

The suffix stands first and the prefix last, so what is typed before the hole only adds tokens at the prompt's end: the
keys and values of everything before it stay valid. With Qwen2.5-Coder this order also fills better than the usual one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.backend import Context

Ids = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class FimTokens:
    """Ids of the special tokens of fill-in-the-middle."""

    prefix: int
    suffix: int
    middle: int


def prompt(context: Context, tokens: FimTokens) -> Ids:
    """int64 [n], never empty: `<|fim_prefix|><|fim_suffix|>` suffix `<|fim_middle|>` prefix, for the only hole of `context`."""
    before, after = context.pieces
    opening = np.asarray([tokens.prefix, tokens.suffix], dtype=np.int64)
    return np.concatenate([opening, after, np.asarray([tokens.middle], dtype=np.int64), before])
