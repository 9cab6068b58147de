"""How fast a large file is edited and cut: the first parse, a keystroke, re-parsing after it, the cut. Needs no model.

The file is the standard library's own modules, joined up to the wanted number of lines: real Python.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from typing import Any

import click

from lsp_server.bench.large_source import stdlib_source
from lsp_server.code.cut import cut
from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import Syntax, edited, parse
from lsp_server.code.text.lines import Lines
from lsp_server.code.text.positions import LineIndex
from lsp_server.documents.store import DocumentChange, Documents
from lsp_server.types import Gap, Region, Snapshot
from model.measuring import about, last_line, since_ms, spread
from model.types import Hole

_MEASURED = ("cut_ms", "change_ms", "first_keystroke_ms", "keystroke_ms", "whole_reparse_ms", "line_index_ms")
_URI = "file:///nowhere/bench.py"
_TOKEN = re.compile(r"\n[ \t]*|\w{1,6}|[^\w\s]|[ \t]+|\s")


def bench_cut(
    *,
    lines: int = 100_000,
    budget_tokens: int = 1_000,
    places: int = 40,
    keystrokes: int = 10,
    seed: int = 0,
    count_tokens: Callable[[str], int] | None = None,
) -> dict[str, Any]:
    """Measures at `places` random lines; prints a table and, as the last line, the same as one JSON object.

    `change_ms` is all that the server does with a keystroke that an editor tells of, from line and column to the new
    text and tree; `first_keystroke_ms` is the first re-parse after the cursor has moved far away, `keystroke_ms` each further one,
    `whole_reparse_ms` what tree-sitter's own incremental parse of the whole file takes for the same keystroke.
    `count_tokens` defaults to a count by regular expression, a little finer than the built-in tokenizer's.
    """
    source = stdlib_source(lines)
    language = by_name("python")
    started = time.perf_counter()
    syntax = Syntax.of(source, language)
    parse_ms = since_ms(started)
    documents = Documents()
    documents.open(_URI, source.decode("utf-8", "replace"), language_id="python", version=0)
    choice = random.Random(seed)
    counted = count_tokens or (lambda text: len(_TOKEN.findall(text)))
    times: dict[str, list[float]] = {name: [] for name in _MEASURED}
    for place in range(places + 1):
        if place == 1:  # the first place warms up: imports, compiled patterns
            times = {name: [] for name in _MEASURED}
        here = Lines(source).end_of(choice.randrange(len(source) - 1)) - 1
        _cut_ms(times, source, syntax, here, budget_tokens, counted)
        text, typed_into, here = _type(times, source, syntax, here, keystrokes)
        _cut_ms(times, text, typed_into, here, budget_tokens, counted)
        started = time.perf_counter()
        position = LineIndex(text).position(here, "utf-16")
        times["line_index_ms"].append(since_ms(started))
        _change_ms(times, documents, position, keystrokes)
    result = {
        **about("cut", device="cpu"),
        "lines": source.count(b"\n"),
        "bytes": len(source),
        "budget_tokens": budget_tokens,
        "places": places,
        "seed": seed,
        "parse_ms": round(parse_ms, 1),
        **{name: spread(measured, digits=3) for name, measured in times.items()},
    }
    click.echo(f"{result['lines']} lines, {len(source) / 1e6:.1f} MB, first parse {parse_ms:.0f} ms")
    for name, measured in times.items():
        click.echo(
            f"{name:20} " + "  ".join(f"{key} {value:8.3f}" for key, value in spread(measured, digits=3).items())
        )
    click.echo(last_line(result))
    return result


@click.command()
@click.option("--lines", default=100_000, show_default=True, type=click.IntRange(100), help="Lines of the file.")
@click.option("--budget", default=1_000, show_default=True, type=click.IntRange(1), help="Tokens of context.")
@click.option("--places", default=40, show_default=True, type=click.IntRange(2), help="Random places to cut at.")
@click.option("--seed", default=0, show_default=True, help="Chooses the places.")
def main(lines: int, budget: int, places: int, seed: int) -> None:
    """Cutting and incremental parsing in a large Python file; needs no model."""
    bench_cut(lines=lines, budget_tokens=budget, places=places, seed=seed)


def _cut_ms(
    times: dict[str, list[float]], source: bytes, syntax: Syntax, here: int, budget: int, count: Callable[[str], int]
) -> None:
    snapshot = Snapshot(uri="bench.py", version=None, source=source, language=syntax.language, tree=syntax.tree)
    started = time.perf_counter()
    cut(snapshot, [Gap(region=Region(here, here), hole=Hole())], budget_tokens=budget, count_tokens=count)
    times["cut_ms"].append(since_ms(started))


def _change_ms(times: dict[str, list[float]], documents: Documents, position: tuple[int, int], keystrokes: int) -> None:
    """Types at `position` as an editor tells of it, a change per character, and takes it all back."""
    line, column = position
    texts = [("x", (line, column + n), (line, column + n)) for n in range(keystrokes)]
    texts.append(("", (line, column), (line, column + keystrokes)))
    for version, (text, *span) in enumerate(texts):
        started = time.perf_counter()
        documents.change(_URI, [DocumentChange(text=text, span=(span[0], span[1]))], version=version)
        times["change_ms"].append(since_ms(started))


def _type(
    times: dict[str, list[float]], source: bytes, syntax: Syntax, here: int, keystrokes: int
) -> tuple[bytes, Syntax, int]:
    """Types at `here`, one character at a time; returns the text, its syntax and where typing ended."""
    for stroke in range(keystrokes):
        typed = source[:here] + b"x" + source[here:]
        started = time.perf_counter()
        after = syntax.after(source, typed, Region(here, here), here + 1)
        times["keystroke_ms" if stroke else "first_keystroke_ms"].append(since_ms(started))
        if not stroke:
            started = time.perf_counter()
            assert syntax.full is not None
            parse(typed, syntax.language, old_tree=edited(syntax.full, source, typed, Region(here, here), here + 1))
            times["whole_reparse_ms"].append(since_ms(started))
        source, syntax, here = typed, after, here + 1
    return source, syntax, here
