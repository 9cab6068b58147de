"""Some code, and a clock."""

from __future__ import annotations


def source(n: int) -> str:
    """Some code, different for every n."""
    return "\n".join(
        f"def step_{name}(value, *, scale={n}):\n"
        f'    """Return what {name} makes of {n}."""\n'
        f"    total = [item * scale for item in value[{n % 7}:]]\n"
        f"    if not total:\n"
        f"        raise ValueError(f'nothing for {name}: {{value}}')\n"
        f"    return {{'{name}': sum(total), 'count': len(total) + {n}}}\n"
        for name in ("first", f"middle_{n}", "last")
    )


class Clock:
    """Stands in for the module `time`: each question after the time is `tick_s` later than the one before."""

    def __init__(self, *, tick_s: float) -> None:
        self._tick_s, self._ticks = tick_s, 0

    def monotonic(self) -> float:
        self._ticks += 1
        return self._tick_s * self._ticks

    process_time = monotonic
