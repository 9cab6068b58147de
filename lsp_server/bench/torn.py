"""How long a fill that was asked for takes in a file with an error far above the cursor, against the same cursor in the
sound file: by turns, in one run.

The files are long ones that every installation has: a module of the standard library, this package's own C and JavaScript,
and a page made of the latter and of prose.
"""

from __future__ import annotations

import argparse
import pydoc_data.topics
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import click

import lsp_server
import model
from lsp_server import pipeline
from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import parse
from lsp_server.transforms.complete import complete
from lsp_server.transforms.fill import fill_regions
from lsp_server.types import Gap, Region, Snapshot
from model.filler import open_filler
from model.measuring import about, last_line, percentile, timed_ms
from model.types import Filler, FillOptions

_LEAST_CHARACTERS = 8
"""A shorter line (a lone bracket) is nothing that anybody asks to be written."""
_PROSE_CHARACTERS = 600


@dataclass(frozen=True, kw_only=True)
class Tear:
    """A line that leaves something open, put so many lines above the cursor, or (None) near the top of the file."""

    language: str
    line: str
    lines_above: int | None = None


TEARS: Final[Mapping[str, Tear]] = MappingProxyType(
    {
        '"""': Tear(language="python", line='    """Some words.'),
        '""" 100 lines above': Tear(language="python", line='        """Some words.', lines_above=100),
        "(": Tear(language="python", line="    total = sum("),
        "''' 500 lines above": Tear(language="python", line="    text = '''Some words.", lines_above=500),
        'f"{': Tear(language="python", line='    text = f"{total'),
        "js {": Tear(language="javascript", line="  if (total) {"),
        "js `": Tear(language="javascript", line="  const text = `Some ${words"),
        "c /*": Tear(language="c", line="  /* Some words."),
        "<script>": Tear(language="html", line="<script>"),
    }
)


def bench_torn(
    filler: Filler, *, cursors: int = 20, tears: Sequence[str] = tuple(TEARS), seed: int = 0
) -> dict[str, Any]:
    """Times (ms) of both sides at `cursors` lines of each file; prints a table and, as the last line, one JSON object."""
    figures: dict[str, Any] = {}
    for name in tears:
        tear = TEARS[name]
        sides: dict[str, list[float]] = {"sound": [], "torn": []}
        lines = source_of(tear.language).split("\n")
        _timed_ms(filler, lines, len(lines) // 2, tear.language)  # the first fill warms up
        for count, row in enumerate(_rows(lines, tear, cursors, random.Random(seed))):
            at = max(row - tear.lines_above, 1) if tear.lines_above else len(lines) // 20
            torn = [*lines[:at], tear.line, *lines[at:]]
            both = [("sound", lines, row), ("torn", torn, row + 1)]
            for side, text, line in both if count % 2 else reversed(both):  # the second finds some of its context read
                sides[side].append(_timed_ms(filler, text, line, tear.language, within=count % 3 == 2))
        figures[name] = _figures(sides)
        click.echo(f"{name:22} " + "  ".join(f"{key} {value:9.2f}" for key, value in figures[name].items()))
    beginning = about("torn", model=filler.info.name, device=filler.info.device)
    result = {**beginning, "cursors": cursors, "seed": seed, "tears": figures}
    click.echo(last_line(result))
    return result


@click.command()
@click.option("--cursors", default=20, show_default=True, type=click.IntRange(2), help="Cursors in each file.")
@click.option("--tear", "tears", multiple=True, type=click.Choice(list(TEARS)), help="Only these; may be repeated.")
@click.option("--model", "name", default="builtin", show_default=True, help="The model to fill with.")
@click.option("--seed", default=0, show_default=True, help="Chooses the cursors.")
def main(cursors: int, tears: tuple[str, ...], name: str, seed: int) -> None:
    """Fills below something left open, against the same fills in the sound file."""
    bench_torn(open_filler(name), cursors=cursors, tears=tears or tuple(TEARS), seed=seed)


def source_of(language: str) -> str:
    r"""A long sound file, with line ends `\n`."""
    return _SOURCES[language]()


def _timed_ms(filler: Filler, lines: Sequence[str], row: int, language: str, *, within: bool = False) -> float:
    """What the fill of a line takes, or (`within`) of the rest of it. Parsing the file is the keystrokes' time, not the fill's."""
    source, known = "\n".join(lines).encode(), by_name(language)
    snapshot = Snapshot(
        uri="file:///nowhere/bench", version=None, source=source, language=known, tree=parse(source, known)
    )
    start = len("\n".join([*lines[:row], ""]).encode())
    gap = _gap(snapshot, start, start + len(lines[row].encode()), within=within)
    return timed_ms(lambda: pipeline.run(snapshot, (gap,), filler, FillOptions(), cancelled=lambda: False))


def _gap(snapshot: Snapshot, start: int, end: int, *, within: bool) -> Gap:
    if within:
        text = snapshot.source[start:end]
        return complete(snapshot, start + (len(text) + len(text) - len(text.lstrip())) // 2)
    return fill_regions(snapshot, [Region(start, end)])[0]


def _rows(lines: Sequence[str], tear: Tear, count: int, choice: random.Random) -> list[int]:
    """Lines to fill, with the tear above them."""
    first = (tear.lines_above or len(lines) // 20) + 10
    known = [row for row in range(first, len(lines)) if _says_enough(lines[row], tear.language)]
    return sorted(choice.sample(known, min(count, len(known))))


def _says_enough(line: str, language: str) -> bool:
    text = line.strip()
    mark = by_name(language).line_comment
    return len(text) >= _LEAST_CHARACTERS and text.isascii() and not (mark and text.startswith(mark))


def _figures(sides: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Median and 90th percentile of both sides, and how many times the sound side's the torn side's are."""
    found: dict[str, float] = {}
    for side, times in sides.items():
        found[f"{side}_p50_ms"] = round(percentile(times, 0.5), 1)
        found[f"{side}_p90_ms"] = round(percentile(times, 0.9), 1)
    for part in ("p50", "p90"):
        found[f"times_{part}"] = round(found[f"torn_{part}_ms"] / max(found[f"sound_{part}_ms"], 0.1), 2)
    return found


def _python() -> str:
    return Path(argparse.__file__).read_text(encoding="utf-8")


def _joined(package: str, *endings: str, language: str) -> str:
    """The package's files of these endings that the grammar reads without an error (C with many macros it does not)."""
    paths = sorted(path for path in Path(package).parent.rglob("*") if path.suffix in endings)
    texts = [path.read_text(encoding="utf-8") for path in paths]
    trees = [parse(text.encode(), by_name(language)) for text in texts]
    return "\n".join(text for text, tree in zip(texts, trees, strict=True) if tree and not tree.root_node.has_error)


def _page() -> str:
    """Prose and scripts by turns."""
    script = _joined(lsp_server.__file__, ".js", language="javascript").replace("</script", "<\\/script").split("\n\n")
    prose = iter(pydoc_data.topics.topics.items())
    parts = ["<!DOCTYPE html>", "<html>", "<head><title>A page</title></head>", "<body>"]
    for title, text in islice(prose, 60):
        lines = escape(text[:_PROSE_CHARACTERS].rpartition(" ")[0]).split("\n")
        parts += [
            "<section>",
            f"  <h2>{escape(title)}</h2>",
            "  <p>",
            *(f"    {line}" for line in lines),
            "  </p>",
            "</section>",
        ]
    parts[len(parts) // 2 : len(parts) // 2] = ["<script>", *"\n\n".join(script).split("\n"), "</script>"]
    return "\n".join([*parts, "</body>", "</html>", ""])


_SOURCES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "python": _python,
        "c": lambda: _joined(model.__file__, ".h", ".c", language="c"),
        "javascript": lambda: _joined(lsp_server.__file__, ".js", language="javascript"),
        "html": _page,
    }
)
