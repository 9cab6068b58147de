"""Counting: what is counted, how it is kept, and what `dlm-fill stats` tells of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from lsp_server.documents.store import DocumentChange, Documents
from lsp_server.feedback import report
from lsp_server.feedback.acceptance import Acceptance
from lsp_server.feedback.kept import AFTER_S, Kept, still_there
from lsp_server.feedback.metrics import Metrics, latency_ms
from lsp_server.feedback.store import KEPT_DAYS, add, read, state_file
from lsp_server.types import Region

URI = "file:///a.py"
DAY = date(2026, 11, 21)


def test_an_unknown_name_is_not_counted() -> None:
    with pytest.raises(AssertionError, match="might be a user's text"):
        Metrics().count("secret = 1")
    with pytest.raises(AssertionError, match="short constant"):
        Metrics().drop("x" * 81)


def test_latencies_are_kept_as_bounds() -> None:
    metrics = Metrics()
    for ms in (0.2, 12, 12, 90, 90, 90, 99.9, 140, 400, 9_999_999):
        metrics.took(ms)
    counts = metrics.take()
    assert (latency_ms(counts, 0.5), latency_ms(counts, 0.95)) == (100, 60_000)
    assert (latency_ms(counts, 0.1), latency_ms({}, 0.5)) == (1, None)
    assert metrics.take() == {}


def test_counts_that_could_not_be_saved_are_saved_later() -> None:
    saved: list[dict[str, int]] = []
    fails = [True]

    def save(counts: object) -> None:
        if fails.pop() if fails else False:
            raise OSError("disk full")
        assert isinstance(counts, dict)
        saved.append(counts)

    metrics = Metrics(save)
    metrics.save()  # nothing to save: nothing is tried
    metrics.count("shown", 2)
    metrics.save()
    metrics.count("shown")
    metrics.save()
    metrics.save()
    assert saved == [{"shown": 3}]


def test_counts_add_up_over_processes_and_days_long_past_go(tmp_path: Path) -> None:
    path = tmp_path / "state" / "metrics.sqlite3"
    assert read(path=path, since=DAY) == {}

    def write() -> None:
        for _ in range(5):
            add({"shown": 1}, path=path, today=DAY, patience_s=30)

    writers = [threading.Thread(target=write) for _ in range(4)]
    add({"shown": 1, "accepted": 1}, path=path, today=DAY - timedelta(days=KEPT_DAYS + 1))
    add({"shown": 5}, path=path, today=DAY - timedelta(days=2))
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert read(path=path, since=DAY) == {"shown": 20}
    assert read(path=path, since=DAY - timedelta(days=10_000)) == {"shown": 25}
    assert path.stat().st_size < 50_000


def test_a_file_that_is_no_database_is_an_error_with_the_remedy_and_no_trouble_for_the_server(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sqlite3"
    path.write_text("not a database, " * 100)
    with pytest.raises(OSError, match="cannot write"):
        add({"shown": 1}, path=path, today=DAY)
    with pytest.raises(OSError, match="delete it to count anew"):
        read(path=path, since=DAY)
    metrics = Metrics(lambda counts: add(counts, path=path, today=DAY))
    metrics.count("shown")
    metrics.save()
    assert metrics.take() == {"shown": 1}


class Watch:
    """Acceptance over a document, with a clock that is wound by hand."""

    def __init__(self, text: str) -> None:
        self.metrics = Metrics()
        self.documents = Documents()
        self.documents.open(URI, text, language_id="python", version=1)
        self.calls: list[tuple[float, Callable[[], None]]] = []
        self.kept = Kept(self.metrics, lambda: self.documents, lambda s, call: self.calls.append((s, call)))
        self.acceptance = Acceptance(self.metrics, self.kept)

    def replace(self, old: str, new: str) -> None:
        source = self.documents.snapshot(URI).source.decode()
        start = source.index(old)
        places = tuple((source[:n].count("\n"), n - source[:n].rfind("\n") - 1) for n in (start, start + len(old)))
        self.documents.change(
            URI,
            [DocumentChange(text=new, span=(places[0], places[1]))],
            version=2,
            on_edit=lambda region, text: self.kept.edited(URI, region or Region(0, 0), text),
        )

    def half_a_minute_later(self) -> dict[str, int]:
        for seconds, call in self.calls:
            assert seconds == AFTER_S
            call()
        return self.metrics.take()


def test_accepted_text_is_looked_for_where_it_is_by_then() -> None:
    watch = Watch("# head\nx = |\n")
    watch.acceptance.offered(URI, ["value + other"], 11, b"# head\nx = |\n")
    watch.acceptance.shown(URI)
    watch.acceptance.accepted(URI, None)
    watch.replace("|", "value + other")
    watch.replace("# head", "# a much longer head, 😀\n" * 40)
    watch.replace("value", "va")
    counts = watch.half_a_minute_later()
    assert (counts["shown"], counts["shown characters"], counts["accepted"]) == (1, 13, 1)
    assert (counts["accepted characters"], counts["checked characters"]) == (13, 13)
    assert counts["characters still there"] == len(" + other")


def test_parts_that_are_taken_one_by_one_are_one_acceptance() -> None:
    watch = Watch("x = |\n")
    watch.acceptance.offered(URI, ["😀 + b"], 4, b"x = |\n")
    watch.acceptance.accepted(URI, 2)  # one character, two UTF-16 units
    watch.acceptance.accepted(URI, 4)
    watch.acceptance.accepted(URI, 3)  # of nothing that is known
    counts = watch.half_a_minute_later()
    assert (counts["accepted"], counts["accepted characters"]) == (1, 1 + 4)
    assert (counts["shown"], counts["shown characters"]) == (1, 5)


def test_what_was_deleted_is_gone_and_a_closed_document_says_nothing() -> None:
    watch = Watch("x = |\n")
    watch.acceptance.offered(URI, ["value"], 4, b"x = |\n")
    watch.acceptance.accepted(URI, 5)
    watch.replace("|", "")
    assert watch.half_a_minute_later().get("characters still there", 0) == 0
    watch = Watch("x = value\n")
    watch.acceptance.offered(URI, ["value"], 4, b"x = |\n")
    watch.acceptance.accepted(URI, 5)
    watch.documents.close(URI)
    assert "checked characters" not in watch.half_a_minute_later()


def test_matches_by_chance_do_not_count() -> None:
    assert still_there("value", "xvxaxlxuxex") == 0
    assert still_there("ab", "xaby") == 2
    assert still_there("def f(x):", "def g(x):\n") == len("def ") + len("(x):")


def test_stats_tell_what_was_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(report, "today", lambda: DAY)
    run = CliRunner().invoke
    assert "nothing counted in 30 days" in run(report.main, []).output
    counts = {"shown": 4, "accepted": 1, "checked characters": 10, "characters still there": 9}
    counts |= {"latency, ms: 100": 18, "latency, ms: 500": 2, "dropped: trivial": 3, "dropped: blank": 7}
    add(counts, path=state_file(), today=DAY)
    add({"shown": 100}, path=state_file(), today=DAY - timedelta(days=40))
    told = json.loads(run(report.main, ["--json"]).output)
    assert (told["shown"], told["accepted_share"], told["still_there_share"]) == (4, 0.25, 0.9)
    assert (told["latency_p50_ms"], told["latency_p95_ms"]) == (100, 500)
    assert list(told["dropped"].items()) == [("blank", 7), ("trivial", 3)]
    table = run(report.main, ["--days", "60"]).output
    assert "shown                              104\n" in table
    assert "dropped: trivial                   3\n" in table
    assert str(state_file()).startswith(str(tmp_path))
