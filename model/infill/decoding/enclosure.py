"""Where texts of a hole end that stands in brackets, closed behind it on its line: before they say again what stands there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.infill.brackets import own_text
from model.infill.encoding import Codec, EncodedPrompt


@dataclass(frozen=True, kw_only=True, eq=False)
class Enclosure:
    """`shut_by` closes the brackets in which a prompt's only hole stands; the hole's texts begin with `partial`."""

    shut_by: str
    partial: str
    codec: Codec

    def allows(self, ids: NDArray[np.int64]) -> bool:
        """Whether the text of `ids` (int64 [n]) closes no bracket of the hole's surroundings."""
        text = self._text(ids)
        return own_text(text, self.shut_by) == text

    def own_tokens(self, ids: NDArray[np.int64]) -> int:
        """How many of `ids` are the hole's own text, where the rest says again what stands behind it; 0 where it does not.

        All of them where no token begins with that rest: `EncodedPrompt.text` leaves off what is too much.
        """
        own = own_text(self._text(ids), self.shut_by)
        if not own:
            return 0
        ends = [n for n in range(1, len(ids)) if self._text(ids[:n]) == own]
        return ends[0] if ends else len(ids)

    def _text(self, ids: NDArray[np.int64]) -> str:
        return self.codec.decode(ids)[len(self.partial) :]


def enclosure_of(encoded: EncodedPrompt, codec: Codec) -> Enclosure | None:
    """That of a prompt's only hole; None where its texts may close what brackets they like."""
    if not encoded.shut_by:
        return None
    return Enclosure(shut_by=encoded.shut_by, partial=encoded.partials[0], codec=codec)
