"""A text that was there comes back as it was, whatever closers an editor has put behind the cursor meanwhile."""

from __future__ import annotations

import random
import re
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from lsp_server import pipeline
from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import parse
from lsp_server.code.text.closers import inserted_closers, said_again
from lsp_server.code.text.positions import LineIndex
from lsp_server.suggestions.question import Question
from lsp_server.suggestions.suggestion import Suggestion, shown_to, suggestions_of
from lsp_server.transforms.complete import complete
from lsp_server.types import Snapshot
from model.types import FillOptions
from tests.fakes import FakeFiller


def suggested(source: bytes, offset: int, texts: list[str]) -> list[tuple[bytes, Suggestion]]:
    """The documents that the suggestions lead to, when a model says `texts`."""
    language = by_name("python")
    snapshot = Snapshot(uri="", version=1, source=source, language=language, tree=parse(source, language))
    gap = complete(snapshot, offset)
    filler = FakeFiller([texts[0]], others=[[text] for text in texts[1:]])
    filled = pipeline.run(snapshot, (gap,), filler, FillOptions(candidates=len(texts)), cancelled=lambda: False)
    question = Question(now=snapshot, index=LineIndex(source), snapshot=snapshot, gap=gap)
    made, _ = suggestions_of(question, filled)
    return [(source[:offset] + s.text.encode() + source[offset + s.replaces :], s) for s in made]


def cursors_before_closers(seed: int, count: int) -> list[tuple[str, str, str, str]]:
    """(what stands before, the text taken out, closers that the line had opened, what stands behind), from real Python."""
    choice = random.Random(seed)
    files = [f for f in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")) if 500 < f.stat().st_size < 40_000]
    found: list[tuple[str, str, str, str]] = []
    while len(found) < count:
        lines = choice.choice(files).read_text("utf-8").split("\n")
        row = choice.randrange(len(lines))
        line, closers = lines[row], re.search(r"[\])}\"':,;]+$", lines[row])
        indent = len(line) - len(line.lstrip())
        if closers is None or closers.start() <= indent:
            continue
        place = choice.randrange(indent, closers.start())
        text = line[place : closers.start()]
        if re.search(r"\w", text) and inserted_closers(line[:place], closers.group()) == closers.group():
            above, below = "\n".join([*lines[:row], ""]), "\n".join(["", *lines[row + 1 :]])
            found.append((above + line[:place], text, closers.group(), below))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_text_that_was_there_leads_back_also_when_it_says_the_closers_again(seed: int) -> None:
    right = 0
    for before, text, closers, below in cursors_before_closers(seed, 30):
        source, offset = (before + closers + below).encode(), len(before.encode())
        for said in (text, text + closers):
            found = suggested(source, offset, [said])
            right += [document for document, _ in found] == [(before + text + closers + below).encode()]
    assert right >= 58  # of 60


def test_two_texts_that_lead_to_the_same_document_are_one_suggestion() -> None:
    found = suggested(b"print()\n", 6, ["total)", "total", "name"])
    assert [document for document, _ in found] == [b"print(total)\n", b"print(name)\n"]


def test_who_just_types_sees_nothing_where_the_closers_alone_are_likeliest() -> None:
    found = [s for _, s in suggested(b"print()\n", 6, [")", "total)"])]
    assert [s.text for s in found] == ["total)"]
    assert shown_to(found, automatic=True, most=1) == ()
    assert [s.text for s in shown_to(found, automatic=False, most=1)] == ["total)"]


def test_what_breaks_the_file_is_for_those_who_asked() -> None:
    found = [s for _, s in suggested(b"def f(x):\n    g()\n    \n", 22, ["if x(:", "g(x)"])]
    assert [(s.text, s.breaks) for s in found] == [("g(x)", False), ("if x(:", True)]
    assert [s.text for s in shown_to(found, automatic=True, most=1)] == ["g(x)"]
    assert len(shown_to(found, automatic=False, most=3)) == 2


@pytest.mark.parametrize(
    ("before", "behind", "closers"),
    [
        ("f(", ")", ")"),
        ("f(g[", "]);", "]);"),
        ("f(", "))", ")"),
        ("f(", ") + x", ""),
        ("x = '", "'", "'"),
        ("x = \"it's ", '")', '"'),
        ("f('a\\'", "')", "')"),
        ("    ", ")", ""),
        ("x", ";", ";"),
        ('"""', '"""', '"""'),
    ],
)
def test_closers_were_inserted_where_the_line_opened_them(before: str, behind: str, closers: str) -> None:
    assert inserted_closers(before, behind) == closers


@pytest.mark.parametrize(
    ("text", "closers", "said"),
    [
        ("x", ")", ""),
        ("x)", ")", ")"),
        ("f(x)", ")", ""),
        ("x) + g(y)", ")", ")"),
        ("x) + (y", ")", ""),
        ("x) + (y)", "))", ")"),
        ("x]", ")", ""),
        ('a)b")', '")', '")'),
        ('a\\"b', '"', ""),
        ("1; y = 2;", ";", ";"),
        ("1; y = 2", ";", ""),
        ("x);", ");", ");"),
        ("x) ;", ") ;", ") ;"),
        ("", ")", ""),
    ],
)
def test_what_a_text_says_again_of_the_closers(text: str, closers: str, said: str) -> None:
    assert closers[: said_again(text, closers)] == said


@pytest.mark.parametrize(
    ("nothing", "least", "shown"),
    [(None, 0.0, 1), (0.3, 0.0, 1), (0.95, 0.0, 0), (None, 0.91, 0), (None, 0.9, 1), (0.2, 1.0, 0)],
)
def test_who_just_types_sees_nothing_where_nothing_is_likelier_and_who_asks_does(
    nothing: float | None, least: float, shown: int
) -> None:
    source = b"def f(x):\n    g()\n    \n"
    language = by_name("python")
    snapshot = Snapshot(uri="", version=1, source=source, language=language, tree=parse(source, language))
    gap = complete(snapshot, 22)
    filled = pipeline.run(snapshot, (gap,), FakeFiller(["g(x)"]), FillOptions(), cancelled=lambda: False)
    filled = replace(filled, fill=replace(filled.fill, nothing=nothing))
    question = Question(now=snapshot, index=LineIndex(source), snapshot=snapshot, gap=gap)
    found, _ = suggestions_of(question, filled, min_confidence=least)
    assert len(shown_to(found, automatic=True, most=1)) == shown
    assert len(shown_to(found, automatic=False, most=1)) == 1
