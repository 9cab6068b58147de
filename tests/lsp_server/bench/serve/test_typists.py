"""`dlm-fill bench serve`: what was recorded, and its typists at a server with a fake model."""

from __future__ import annotations

import itertools
import json
import os
from dataclasses import replace

import pytest
from click.testing import CliRunner

from lsp_server.bench.serve.bench_serve import main
from lsp_server.bench.serve.memory import over_many
from lsp_server.bench.serve.servers import MeasuredServer, scripted
from lsp_server.bench.serve.typists import Met, capacity, recording, typing
from lsp_server.errors import InputError
from tests.fakes import FakeFiller
from tests.lsp_server.serve.serving import served_by
from tests.lsp_server.serve.test_sockets import listening


def test_the_recording_is_of_somebody_who_typed_a_text_to_its_end() -> None:
    found = recording()
    times, typed = zip(*found.asks, strict=True)
    assert list(times) == sorted(times)
    assert list(typed) == sorted(typed)
    assert typed[-1] == len(found.text)
    assert 2 < found.asks_per_s < 10
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert sum(gap < 150 for gap in gaps) > len(gaps) / 3, "bursts"
    assert sum(gap > 600 for gap in gaps) > 10, "and pauses"


def test_a_request_is_what_the_client_sends_with_so_much_typed() -> None:
    found = replace(recording(), before="a\n", text="b = 1\nc", after="\nd\n", fields={"n_predict": 128})
    assert found.body(7, "ann") == {
        "input_prefix": "# ann\na\nb = 1\n", "prompt": "c", "input_suffix": "\nd\n", "n_predict": 128,
    }  # fmt: skip
    assert found.body(1, "ann")["prompt"] == "b"


@pytest.mark.parametrize("closing", [False, True])
async def test_typists_are_answered_superseded_or_refused_and_nothing_else(closing: bool) -> None:
    filler = FakeFiller(["result"], steps=10, step_s=0.03)
    async with listening(served_by(filler)) as port:
        met = await typing(f"http://127.0.0.1:{port}", 3, 4.0, recording(), closing=closing)
    assert met.ends["answered"] == len(met.ms) > 0
    assert met.ends["closed" if closing else "superseded"] > 0, "they type faster than it fills"
    assert met.ends["other"] == 0
    if not closing:
        assert met.ends["closed"] == 0


async def test_capacity_is_what_the_model_can_do() -> None:
    async with listening(served_by(FakeFiller(["result"], steps=2, step_s=0.05))) as port:
        per_s = await capacity(f"http://127.0.0.1:{port}", 1.5, recording())
    assert 0 < per_s <= 10


def test_figures_are_counts_and_quantiles() -> None:
    met = Met(ms=[1.0, 2.0, 3.0, 4.0])
    met.ends.update({"answered": 4, "superseded": 2, "refused": 1, "other": 1})
    assert met.figures(2.0) == {
        "asked": 8, "answered": 4, "superseded": 2, "closed": 0, "refused": 1, "other": 1,
        "answers_per_s": 2.0, "p50_ms": 2.5, "p95_ms": 4.0,
    }  # fmt: skip
    assert Met().figures(1.0)["p50_ms"] is None


async def test_memory_is_looked_at_over_requests_that_are_all_filled() -> None:
    filler = FakeFiller(["1"])
    async with listening(served_by(filler)) as port:
        told = await over_many(MeasuredServer(f"http://127.0.0.1:{port}", os.getpid()), 40)
    assert told["requests"] == len(filler.requests) == 40
    assert len(told["resident_mb"]) == 11
    assert told["resident_mb"][0] > 1


def test_a_server_over_a_model_that_answers_at_once_counts_what_it_does() -> None:
    with scripted() as server:
        assert server.counted()["dlm_fill_tokens_total"] == 0
        assert server.resident_kb() > 1000


def test_a_load_that_is_too_much_is_shed() -> None:
    options = ["--fill-ms", "100", "--typists", "1", "--seconds", "3"]
    told = CliRunner().invoke(main, options, catch_exceptions=False).output.splitlines()[-1]
    figures = json.loads(told)
    assert 0 < figures["fills_per_s"] <= 10
    rounds = figures["one_two_three_times_sustainable"]
    assert [one["typists"] for one in rounds] == [times * figures["sustainable_typists"] for times in (1, 2, 3)]
    assert all(one["refused"] == one["other"] == 0 for one in rounds)
    assert rounds[-1]["superseded"] > 0


def test_numbers_of_typists_are_numbers() -> None:
    with pytest.raises(InputError, match="1,8,32"):
        CliRunner().invoke(main, ["--typists", "many"], catch_exceptions=False)
