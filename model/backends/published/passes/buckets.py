"""Sizes that passes are padded to: few enough for each to be captured once, near enough to cost little."""

from __future__ import annotations


def bucket(n: int, *, least: int, per_octave: int) -> int:
    """The smallest size of at least `n`, of those that divide every octave above `least` into `per_octave` steps.

    Padding is thus less than one part in `per_octave`, for `n` above `least`.
    """
    if n <= least:
        return least
    octave = least
    while octave * 2 < n:
        octave *= 2
    step = max(1, octave // per_octave)
    return octave + -(-(n - octave) // step) * step
