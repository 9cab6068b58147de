"""What comes of a fill whose context the network has not read: a copy where one is sure, else nothing, and at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from model.backend import Context
from model.infill.infiller import Infiller
from model.infill.rerank.ranking import Features, Ranking, Weights, probabilities
from model.infill.sure_copy import without_network
from model.types import Budget, Fill, FillRequest, Hole, ReadsContext, Template
from tests.model.scripted import CharCodec, Scripted

ABOVE = (
    "def f():\n    begin_the_work()\n    value = compute()\n    finish_the_work()\n\n\ndef g():\n    begin_the_work()\n"
)
BELOW = "\n    finish_the_work()\n"
COPY = "    value = compute()"
NOTHING = dict.fromkeys(asdict(Weights()), 0.0)
TRUSTING = Ranking(
    unread=Ranking(inside=Weights(**NOTHING | {"constant": 3.0}), lines=Weights(**NOTHING | {"constant": 3.0}))
)
DOUBTING = Ranking(
    unread=Ranking(inside=Weights(**NOTHING | {"constant": -3.0}), lines=Weights(**NOTHING | {"constant": -3.0}))
)


class Reader(Scripted):
    """Takes `unread_seconds` to read a context, the first time."""

    def __init__(
        self, targets: list[str], *, unread_seconds: float = 1.0, on_read: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(targets)
        self.unread_seconds, self._on_read = unread_seconds, on_read

    def read(self, context: Context, *, stop: Callable[[], bool]) -> bool:
        if stop():
            return False
        self._on_read()
        self.unread_seconds = 0.0
        return True

    def unread_s(self, context: Context) -> float:
        return self.unread_seconds


def filled(
    backend: Reader, *, ranking: Ranking | None = None, patience_s: float | None = 0.1, **options: object
) -> Fill:
    filler = Infiller(backend, CharCodec(), name="reader", device="cpu", ranking=ranking)
    template = Template(pieces=(ABOVE, BELOW), holes=(Hole(max_lines=1),))
    return filler.fill(FillRequest(template=template, patience_s=patience_s, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize(("ranking", "texts"), [(None, []), (DOUBTING, []), (TRUSTING, [COPY])])
def test_a_context_that_is_unread_is_answered_by_a_sure_copy_or_not_at_all(
    ranking: Ranking | None, texts: list[str]
) -> None:
    backend = Reader(["    other()"])
    fill = filled(backend, ranking=ranking)
    assert (fill.stopped, [c.texts[0] for c in fill.candidates]) == ("unread", texts)
    assert (fill.forward_passes, backend.denoised, backend.scored) == (0, [], [])
    assert backend.unread_seconds == 1.0


def test_a_copy_that_is_not_accepted_is_not_shown() -> None:
    fill = filled(Reader(["    other()"]), ranking=TRUSTING, accepts=lambda texts: ())
    assert (fill.stopped, fill.candidates) == ("unread", ())


@pytest.mark.parametrize(("unread_seconds", "patience_s"), [(0.05, 0.1), (5.0, None), (0.0, 0.0)])
def test_what_is_soon_read_is_read_and_so_is_everything_for_who_waits(
    unread_seconds: float, patience_s: float | None
) -> None:
    fill = filled(Reader(["    other()"], unread_seconds=unread_seconds), ranking=TRUSTING, patience_s=patience_s)
    assert fill.stopped == "done"
    assert fill.candidates


def test_reading_takes_no_time_of_the_budget() -> None:
    now = [0.0]

    def read() -> None:
        now[0] += 100

    backend = Reader(["    other()"], on_read=read)
    filler = Infiller(backend, CharCodec(), name="reader", device="cpu", clock=lambda: now[0])
    template = Template(pieces=("a\n", "\nb\n"), holes=(Hole(max_lines=1),))
    fill = filler.fill(FillRequest(template=template, budget=Budget(max_time_s=1.0)))
    assert (fill.stopped, fill.prefill_ms) == ("done", 100_000)


def test_a_reading_that_is_cancelled_leaves_a_fill_that_was() -> None:
    filler = Infiller(Reader(["x"]), CharCodec(), name="reader", device="cpu")
    template = Template(pieces=("a\n", "\nb\n"), holes=(Hole(max_lines=1),))
    assert filler.fill(FillRequest(template=template), cancelled=lambda: True).stopped == "cancelled"


def test_it_says_whether_it_reads_ahead() -> None:
    filler = Infiller(Reader(["x"]), CharCodec(), name="reader", device="cpu")
    assert isinstance(filler, ReadsContext)
    assert filler.info.reads_ahead
    assert not Infiller(Scripted(["x"]), CharCodec(), name="scripted", device="cpu").info.reads_ahead


def test_what_the_network_says_counts_for_nothing() -> None:
    ranking = Ranking()
    common = {"left_chars": 20.0, "right_chars": 9.0, "kept": 1.0, "draft_rank": 0}
    one = Features(mean_log_prob=-0.1, sum_log_prob=-1, sources=2, written_rank=0, **common)  # type: ignore[arg-type]
    other = Features(mean_log_prob=-4, sum_log_prob=-40, sources=1, end_log_prob=-3, **common)  # type: ignore[arg-type]
    assert probabilities([without_network(one)], ranking) == probabilities([without_network(other)], ranking)


def test_the_weights_lie_beside_the_model(tmp_path: Path) -> None:
    both = {"inside": asdict(Weights()), "lines": asdict(Weights(constant=-2.0))}
    path = tmp_path / "ranking.json"
    path.write_text(json.dumps({**both, "unread": both}))
    found = Ranking.read(path)
    assert found.unread == Ranking(inside=Weights(), lines=Weights(constant=-2.0))
    path.write_text(json.dumps(both))
    assert Ranking.read(path).unread is None
