"""Where texts of several lines end that go on with the lines behind the hole: before they say these again.

A network that writes from left to right often does not end a text that is complete, but copies what follows. What it
gives to that counts for ending there.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.infill.decoding.beam_texts import Beam, BeamHypothesis, cut_at
from model.infill.encoding import Codec, EncodedPrompt, TokenTable

TELLING_CHARACTERS = 8
"""A line with fewer letters and digits (`else:`, `return x`) may well stand twice."""
_WORD = re.compile(r"\w")


@dataclass(frozen=True, kw_only=True, eq=False)
class RepeatedSuffix:
    """first, second: the lines behind a prompt's only hole that have text. alone: `first` is enough to tell it by.

    partial: what the hole's texts begin with.
    """

    first: str
    second: str
    alone: bool
    partial: str
    codec: Codec

    def cut(self, beam: Beam, table: TokenTable, end_of_hole_id: int) -> tuple[Beam, list[BeamHypothesis]]:
        """(the beam without the rows that say the suffix again, these as texts that end before it)."""
        finished, kept = list[BeamHypothesis](), np.ones(beam.width, dtype=bool)
        for row in np.flatnonzero(table.newline[beam.ids[:, -1]]).tolist() if beam.ids.size else ():
            own = self.own_tokens(beam.ids[row])
            if own:
                finished.append(cut_at(beam.ids[row], beam.log_probs[row], own, end_of_hole_id))
                kept[row] = False
        if not finished:
            return beam, []
        return Beam(ids=beam.ids[kept], log_probs=beam.log_probs[kept], blank=beam.blank[kept]), finished

    def own_tokens(self, ids: NDArray[np.int64]) -> int:
        """How many of `ids` (int64 [n]) are the hole's own text, where the lines that end it begin the suffix; else 0."""
        text = self.codec.decode(ids)
        lines = text.split("\n")[:-1]  # the last one is still being written
        said = [n for n, line in enumerate(lines) if line.strip()]
        again = self._again([lines[n].rstrip() for n in said])
        if not again:
            return 0
        own = len("\n".join([*lines[: said[-again]], ""]))
        if not text[len(self.partial) : own].strip():
            return 0
        ends = [n for n in range(1, len(ids)) if len(self.codec.decode(ids[:n])) <= own]
        return ends[-1] if ends and self.codec.decode(ids[: ends[-1]]).strip() else 0

    def _again(self, lines: list[str]) -> int:
        """How many of the last `lines` are the first ones of the suffix: 2, 1 or 0."""
        if self.second and lines[-2:] == [self.first, self.second]:
            return 2
        return int(self.alone and lines[-1:] == [self.first])


def repeated_suffix_of(encoded: EncodedPrompt, codec: Codec) -> RepeatedSuffix | None:
    """That of a prompt's only hole; None where the hole has one line, or ends within one."""
    if encoded.holes != 1 or encoded.max_lines[0] == 1:
        return None
    before, after = encoded.pieces
    rest, *lines = after.split("\n")
    behind = [line.rstrip() for line in lines if line.strip()][:2]
    if rest.strip() or not behind:
        return None
    counts = Counter(line.rstrip() for line in [*before.split("\n"), *lines])
    alone = counts[behind[0]] == 1 and len(_WORD.findall(behind[0])) >= TELLING_CHARACTERS
    return RepeatedSuffix(
        first=behind[0],
        second=behind[1] if len(behind) > 1 else "",
        alone=alone,
        partial=encoded.partials[0],
        codec=codec,
    )
