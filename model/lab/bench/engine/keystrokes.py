"""A keystroke after another at the end of a short and of a long prefix: what the length of a file costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from model.lab.eval.cases import is_telling
from model.measuring import percentile, since_ms
from model.types import Filler, FillRequest, Hole, Template

GOAL = 1.3
SUFFIX_TOKENS = 100
TYPED = 12

Count = Callable[[str], int]


def keystrokes(filler: Filler, path: Path, *, prefix_tokens: Sequence[int], places: int) -> dict[str, object]:
    """Median ms of a fill per keystroke for each length of prefix, and the longest over the shortest.

    The same lines of the file at `path` are typed at every length; the first fill at a place (which reads the
    prefix) is not counted. A prefix longer than the model's context is cut by the engine as it does for everybody.
    """
    lines = path.read_text("utf-8").splitlines(keepends=True)
    telling = [
        n for n in range(len(lines) // 2, len(lines) - 5) if is_telling(lines[n]) and len(lines[n].strip()) > TYPED
    ]
    chosen = [telling[(k + 1) * len(telling) // (places + 1)] for k in range(places)]
    cpu_ms: dict[int, list[float]] = {tokens: [] for tokens in prefix_tokens}
    ms: dict[int, list[float]] = {tokens: [] for tokens in prefix_tokens}
    prefill: dict[int, list[float]] = {tokens: [] for tokens in prefix_tokens}
    passes: dict[int, list[int]] = {tokens: [] for tokens in prefix_tokens}
    for at in chosen:
        after = "\n" + "".join(_first_lines(lines[at + 1 :], SUFFIX_TOKENS, filler.count_tokens))
        for tokens in prefix_tokens:
            before = "".join(_last_lines(lines[:at], tokens, filler.count_tokens))
            indent = len(lines[at]) - len(lines[at].lstrip())
            for typed in range(TYPED):
                template = Template(pieces=(before + lines[at][: indent + typed], after), holes=(Hole(max_lines=1),))
                started, cpu_started = time.perf_counter(), time.process_time()
                fill = filler.fill(FillRequest(template=template, language="python"))
                if typed:
                    ms[tokens].append(since_ms(started))
                    cpu_ms[tokens].append(1000 * (time.process_time() - cpu_started))
                    prefill[tokens].append(fill.prefill_ms)
                    passes[tokens].append(fill.forward_passes)
    shown = {tokens: round(percentile(values, 0.5), 1) for tokens, values in ms.items()}
    shown_cpu = {tokens: round(percentile(values, 0.5), 1) for tokens, values in cpu_ms.items()}
    longest, shortest = max(prefix_tokens), min(prefix_tokens)
    return {
        "ms": shown,
        "cpu_ms": shown_cpu,
        "prefill_ms": {tokens: round(percentile(values, 0.5), 1) for tokens, values in prefill.items()},
        "forward_passes": {tokens: round(percentile(values, 0.5), 1) for tokens, values in passes.items()},
        "longest_over_shortest": round(shown[longest] / shown[shortest], 2),
        "longest_over_shortest_in_cpu": round(shown_cpu[longest] / shown_cpu[shortest], 2),
    }


def _last_lines(lines: Sequence[str], tokens: int, count: Count) -> list[str]:
    """The last lines that take at most `tokens` tokens together."""
    return _first_lines(lines[::-1], tokens, count)[::-1]


def _first_lines(lines: Sequence[str], tokens: int, count: Count) -> list[str]:
    """The first lines that take at most `tokens` tokens together."""
    size = 0
    for n, line in enumerate(lines):
        size += count(line)
        if size > tokens:
            return list(lines[:n])
    return list(lines)
