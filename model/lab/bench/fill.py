"""`dlm-fill bench fill`: how long one line takes, warm and cold, and what it costs in memory.

Warm: one filler, holes all over one text, so that nothing but the weights is reused; and typing, where the
context cache of the request before serves, alone and with other files to copy from. Cold: the whole program from start to exit, beside
`python -c "import torch"`. The last line is JSON.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from model.filler import open_filler
from model.measuring import about, last_line, since_ms, spread, timed_ms
from model.types import Budget, Filler, FillRequest, Hole, Template


def _source() -> str:
    """A long file that every Python has and the model has never seen."""
    import asyncio.base_events

    return Path(asyncio.base_events.__file__).read_text("utf-8")


def _requests(filler: Filler, *, count: int, context_tokens: int, typing: bool) -> list[FillRequest]:
    """Single-line holes with `context_tokens` around them (60 % before); spread over the text, or one typed into."""
    lines = _source().split("\n")
    telling = [n for n in range(150, len(lines) - 150) if len(lines[n].strip()) > 20]
    requests = []
    for k in range(count):
        line = telling[len(telling) // 2 if typing else (k + 1) * len(telling) // (count + 1)]
        above, below = "\n".join(lines[:line]) + "\n", "\n" + "\n".join(lines[line + 1 :])
        code = lines[line].lstrip()
        typed = lines[line][: len(lines[line]) - len(code) + k % 12] if typing else ""
        # The cut does not move with what is typed, as in an editor: else the context would be another one, and read anew.
        before = _last(filler, above, context_tokens * 6 // 10) + typed
        pieces = (before, _first(filler, below, context_tokens * 4 // 10))
        template = Template(pieces=pieces, holes=(Hole(max_lines=1),))
        requests.append(FillRequest(template=template, language="python", budget=Budget(max_time_s=5)))
    return requests


def _last(filler: Filler, text: str, tokens: int) -> str:
    lines = text.splitlines(keepends=True)
    size, start = 0, len(lines)
    while start and size < tokens:
        start -= 1
        size += filler.count_tokens(lines[start])
    return "".join(lines[start:])


def _first(filler: Filler, text: str, tokens: int) -> str:
    lines = text.splitlines(keepends=True)
    size, end = 0, 0
    while end < len(lines) and size < tokens:
        size += filler.count_tokens(lines[end])
        end += 1
    return "".join(lines[:end])


def warm(filler: Filler, *, count: int, context_tokens: int, typing: bool) -> dict[str, object]:
    """p50 and p95 of whole fills and of their parts, in milliseconds."""
    requests = _requests(filler, count=count + 2, context_tokens=context_tokens, typing=typing)
    total, prefill, passes = [], [], []
    for request in requests:
        started = time.perf_counter()
        fill = filler.fill(request)
        total.append(since_ms(started))
        prefill.append(fill.prefill_ms)
        passes.append(float(fill.forward_passes))
    return {
        "fill_ms": spread(total[2:]),
        "prefill_ms": spread(prefill[2:]),
        "forward_passes": spread(passes[2:]),
    }


def with_other_files(filler: Filler, *, count: int, context_tokens: int) -> dict[str, object]:
    """The same typing without other files and with those beside the text's own: milliseconds of whole fills, by turns.

    ratio: the median of with / without, request by request.
    """
    import asyncio.base_events

    own = Path(asyncio.base_events.__file__)
    others = tuple(path.read_text("utf-8") for path in sorted(own.parent.glob("*.py")) if path != own)
    times: dict[bool, list[float]] = {False: [], True: []}
    for k, alone in enumerate(_requests(filler, count=count + 2, context_tokens=context_tokens, typing=True)):
        filler.fill(alone)  # so that neither side has context left to read
        for told in (k % 2 == 0, k % 2 == 1):
            request = replace(alone, other_files=others) if told else alone
            times[told].append(timed_ms(partial(filler.fill, request)))
    ratio = statistics.median(b / a for a, b in zip(times[False][2:], times[True][2:], strict=True))
    return {
        "without_ms": spread(times[False][2:]),
        "with_ms": spread(times[True][2:]),
        "ratio": round(ratio, 2),
    }


TYPED = "result = self._items[name].price * quantity + self._fees(name)"


def keystrokes(filler: Filler, *, lengths: Sequence[int]) -> dict[str, object]:
    """What a keystroke at the end of a prefix of so many tokens costs before the hole's own passes, and with one of them.

    Milliseconds.
    """
    text = _source()
    before, after = text[: text.rindex("\n", 0, len(text) * 2 // 3) + 1], text[len(text) * 2 // 3 :]
    suffix = "\n" + _first(filler, after, 200)
    times: dict[int, dict[str, list[float]]] = {n: {"prefill_ms": [], "one_pass_ms": []} for n in lengths}
    for n in lengths:
        prefix = _last(filler, before, n)
        for end in range(len(TYPED)):
            template = Template(pieces=(f"{prefix}        {TYPED[:end]}", suffix), holes=(Hole(max_lines=1),))
            request = FillRequest(template=template, language="python", budget=Budget(max_forward_passes=1))
            started = time.perf_counter()
            fill = filler.fill(request)
            if end > 5:
                times[n]["one_pass_ms"].append(since_ms(started))
                times[n]["prefill_ms"].append(fill.prefill_ms)
    return {str(n): {name: spread(values) for name, values in of.items()} for n, of in times.items()}


def cold(model: str, *, runs: int) -> dict[str, object]:
    """Whole processes: `dlm-fill FILE:LINE` and, as a floor, `import torch`; runs alternate. Milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sample.py")
        path.write_text("\n".join(_source().split("\n")[:300]) + "\n")
        program = shutil.which("dlm-fill", path=str(Path(sys.executable).parent)) or "dlm-fill"
        fill = [program, f"{path}:200", "--json", "--model", model]
        floor = [sys.executable, "-c", "import torch"]
        processes = [partial(subprocess.run, command, check=False, capture_output=True) for command in (fill, floor)]
        pairs = [tuple(map(timed_ms, processes)) for _ in range(runs + 1)][1:]
    ours, theirs = [a for a, _ in pairs], [b for _, b in pairs]
    ratio = statistics.median(a / b for a, b in pairs)
    return {"dlm_fill_ms": spread(ours), "import_torch_ms": spread(theirs), "ratio": round(ratio, 2)}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--model", default="builtin", show_default=True)
@click.option("--device", default="auto", show_default=True)
@click.option("--count", default=40, show_default=True, help="Holes per measurement.")
@click.option("--context", "context_tokens", default=1000, show_default=True, help="Tokens around a hole.")
@click.option("--cold-runs", default=3, show_default=True, help="Whole processes to time; 0 for none.")
def main(model: str, device: str, count: int, context_tokens: int, cold_runs: int) -> None:
    """Time fills of one line."""
    filler = open_filler(model, device=device)
    result: dict[str, object] = {
        **about("fill", model=filler.info.name, device=filler.info.device),
        "context_tokens": context_tokens,
        "elsewhere": warm(filler, count=count, context_tokens=context_tokens, typing=False),
        "keystroke": keystrokes(filler, lengths=(200, 2000, 4000)),
        "typing": warm(filler, count=count, context_tokens=context_tokens, typing=True),
        "typing_with_other_files": with_other_files(filler, count=count, context_tokens=context_tokens),
        "resident_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    if cold_runs:
        result["cold"] = cold(model, runs=cold_runs)
    click.echo(last_line(result))
