"""The page that plays a fill: whole, self-contained, and safe whatever the text says."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lsp_server.cli.output.report import Done
from lsp_server.cli.targets.files import TextFile
from lsp_server.cli.trace_page.page import page_of
from lsp_server.code.languages.table import language_of
from lsp_server.code.syntax.parse import parse
from lsp_server.types import Filled, Gap, Region, Snapshot
from model.types import (
    Candidate,
    Fill,
    FillerInfo,
    Hole,
    Template,
    Trace,
    TraceCandidate,
    TracePass,
    TraceRow,
    TraceToken,
)

EVIL = '</script><img src=x onerror=alert(1)>{{data}}<!-- \u2028 & "quoted"'
SOURCE = "a = 1\n{}\nc = 3\n"
INFO = FillerInfo(name="toy", device="cpu", context_tokens=100)


def trace(text: str, *, steps: int) -> Trace:
    """One position per step decided, after a pass that scores a draft."""
    score = TracePass(
        kind="score",
        ms=12.34,
        rows=(TraceRow(label="draft 1", holes=((TraceToken(id=1, text=text, confidence=0.4, state="kept"),),)),),
    )

    def row(step: int) -> TraceRow:
        cells = [
            TraceToken(
                id=n,
                text=f"{text}{n}",
                confidence=0.9,
                state="kept" if n < step else "committed" if n == step else "open",
                guesses=((text, 0.9),) if n > step else (),
            )
            for n in range(steps)
        ]
        return TraceRow(label="from masks", holes=(tuple(cells),))

    denoise = [TracePass(kind="denoise", ms=5.0, rows=(row(step), row(0))) for step in range(steps)]
    ranking = TraceCandidate(texts=(text,), origin="draft", confidence=0.8, score=-1.0, parts=(("parses", 1.0),))
    return Trace(passes=(score, *denoise), drafts=(ranking,), ranking=(ranking,))


def done(text: str = "b = 2", *, name: str = "area.py", steps: int = 3, source: str = SOURCE) -> Done:
    content = source.encode()
    language = language_of(name)
    snapshot = Snapshot(
        uri="file:///area.py", version=None, source=content, language=language, tree=parse(content, language)
    )
    start = content.index(b"{}")
    gap = Gap(region=Region(start, start + 2), hole=Hole())
    fill = Fill(
        candidates=(Candidate(texts=(text,), confidences=(0.8,), confidence=0.8),),
        forward_passes=steps + 1,
        tokens=steps,
        prefill_ms=1.0,
        denoise_ms=20.0,
        trace=trace(text, steps=steps),
    )
    filled = Filled(
        gaps=(gap,), template=Template(pieces=("", ""), holes=(Hole(),)), fill=fill, edits=(), reason="", cut_ms=0.5
    )
    return Done(file=TextFile(name=name, path=None, source=content, bom=b""), snapshot=snapshot, filled=filled)


class Elements(HTMLParser):
    """What a browser makes of the page: start tags with attributes, and the text in scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.cdata_elem:
            self.scripts[-1] += data


def embedded(page: str) -> Any:
    _, data, _ = Elements(page).scripts
    return json.loads(data)


def test_the_page_holds_the_whole_history() -> None:
    (fill,) = embedded(page_of([done(steps=4)], INFO))["fills"]
    assert len(fill["passes"]) == fill["forwardPasses"] == 5
    assert [one["kind"] for one in fill["passes"]] == ["score", *["denoise"] * 4]
    assert [one["ms"] for one in fill["passes"]] == [12.34, 5, 5, 5, 5]
    third = [fill["cells"][n] for n in fill["passes"][3]["rows"][0]["holes"][0]]
    assert [cell[2] for cell in third] == ["kept", "kept", "committed", "open"]
    assert third[3][:2] == ["b = 23", 0.9]
    assert third[3][3] == [["b = 2", 0.9]]
    assert fill["pieces"] == ["a = 1\n", "\nc = 3"]
    assert fill["result"] == ["b = 2"]
    assert fill["ranking"][0]["score"] == -1.0


def test_cells_that_stay_are_written_once() -> None:
    (fill,) = embedded(page_of([done(steps=30)], INFO))["fills"]
    named = sum(len(hole) for one in fill["passes"] for row in one["rows"] for hole in row["holes"])
    assert named > 1800
    assert len(fill["cells"]) <= 3 * 30 + 1


def test_long_files_are_shown_around_the_gap_with_their_line_numbers() -> None:
    (fill,) = embedded(page_of([done(source="x\n" * 500 + "{}\n" + "y\n" * 500)], INFO))["fills"]
    before, after = fill["pieces"]
    assert (before.count("\n"), after.count("\n")) == (25, 25)
    assert fill["firstLine"] == 501 - 25


def test_several_files_are_on_one_page() -> None:
    fills = embedded(page_of([done(), done(name="b.py", steps=5)], INFO))["fills"]
    assert [(fill["file"], len(fill["passes"])) for fill in fills] == [("area.py", 4), ("b.py", 6)]


def test_no_text_ends_the_data_or_becomes_markup() -> None:
    plain, evil = (page_of([done(text, name=name)], INFO) for text, name in (("b", "a.py"), (EVIL, f"{EVIL}.py")))
    assert [tag for tag, _ in Elements(evil).tags] == [tag for tag, _ in Elements(plain).tags]
    assert embedded(evil)["fills"][0]["result"] == [EVIL]
    assert evil.count("</script>") == plain.count("</script>") == 2


def test_only_its_own_script_may_run_and_nothing_is_loaded() -> None:
    page = page_of([done(EVIL)], INFO)
    elements = Elements(page)
    policy = next(a["content"] for t, a in elements.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    style, _, script = elements.scripts
    for kind, text in (("style", style), ("script", script)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert not [a for _, a in elements.tags if a.keys() & {"src", "href"}]
    assert not re.search(r"https?:|@import|url\(|innerHTML|\beval\b", page.replace("http-equiv", ""))


BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.skipif(BROWSER is None, reason="needs chromium")
@pytest.mark.parametrize(
    ("step", "says", "cells"),
    [
        ("3", "Forward pass 3 of 4, 5.0 ms: from masks: 1 committed, 1 still open.", ["kept", "committed", "open"]),
        ("1", "Forward pass 1 of 4, 12.3 ms: 1 text scored", ["kept"]),
        ("end", "Result: filled with confidence 80 %.", []),
    ],
)
def test_a_browser_plays_the_step_that_the_address_names(
    tmp_path: Path, step: str, says: str, cells: list[str]
) -> None:
    page = tmp_path / "trace.html"
    page.write_text(page_of([done(EVIL)], INFO), "utf-8")
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    command += ["--virtual-time-budget=2000", "--dump-dom", f"{page.as_uri()}#step={step}"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    assert says in shown
    code = shown[shown.index('<div id="code"') : shown.index('<div class="legend"')]
    assert re.findall(r'class="cell (\w+)', code) == cells
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in code
    assert "<img" not in code
