"""What a hole asks of its text, judged while the text is being written: a beginning that can become no fit is given up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import regex
from numpy.typing import NDArray

from model.errors import BadRequest
from model.infill.brackets import balanced_end
from model.infill.encoding import Codec, EncodedPrompt
from model.types import Hole

Ids = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Demand:
    """`may`: whether these ids can begin a text that fits; `fits`: whether they are one."""

    may: Callable[[Ids], bool]
    fits: Callable[[Ids], bool]


def demand_of(hole: Hole, encoded: EncodedPrompt, codec: Codec) -> Demand | None:
    """What the only hole of a request demands; None if it takes any text.

    Raises BadRequest for a `must_match` that is no regular expression.
    """
    if not hole.must_match and not hole.stop:
        return None
    try:  # `regex` tells of a beginning whether it can go on to match, which `re` does not
        pattern = regex.compile(hole.must_match)
    except regex.error as error:
        raise BadRequest(f"must_match is no regular expression: {error}") from error
    partial = encoded.partials[0]

    def text_of(ids: Ids) -> str | None:
        """What is written behind the partial; None where that is not complete, or something else stands there."""
        whole = codec.decode(ids).rstrip("\ufffd")  # the beginning of a character
        return whole[len(partial) :] if whole.startswith(partial) else None

    def may(ids: Ids) -> bool:
        text = text_of(ids)
        if text is None:
            return partial.startswith(codec.decode(ids).rstrip("\ufffd"))
        if hole.stop and (end := balanced_end(text)) is not None and text[end:].strip():
            return False
        return not hole.must_match or pattern.fullmatch(text, partial=True) is not None

    def fits(ids: Ids) -> bool:
        text = text_of(ids)
        return text is not None and (not hole.must_match or pattern.fullmatch(text) is not None)

    return Demand(may=may, fits=fits)
