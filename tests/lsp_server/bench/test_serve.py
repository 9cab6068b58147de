"""`dlm-fill bench serve`: its typists at a server with a fake model."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from lsp_server.bench.serve import Met, _typing, main
from lsp_server.errors import InputError
from tests.fakes import FakeFiller
from tests.lsp_server.serve.serving import served_by
from tests.lsp_server.serve.test_sockets import listening


async def test_typists_are_answered_superseded_or_refused_and_nothing_else() -> None:
    filler = FakeFiller(["result"])
    async with listening(served_by(filler)) as port:
        met = await _typing(f"http://127.0.0.1:{port}", 2, 2.5)
    assert set(met.statuses) <= {200, 409, 429}
    assert len(met.ms) <= met.statuses.get(200, 0)
    assert filler.requests, "they typed, and some of it was filled"


def test_figures_are_counts_and_quantiles() -> None:
    figures = Met(ms=[1.0, 2.0, 3.0, 4.0], statuses={200: 4, 409: 2, 429: 1, 0: 1}).figures(2.0)
    assert figures == {
        "asked": 8, "answered": 4, "superseded": 2, "refused": 1, "other": 1,
        "answers_per_s": 2.0, "p50_ms": 2.5, "p95_ms": 4.0,
    }  # fmt: skip
    assert Met().figures(1.0)["p50_ms"] is None


def test_numbers_of_typists_are_numbers() -> None:
    with pytest.raises(InputError, match="1,8,32"):
        CliRunner().invoke(main, ["--typists", "many"], catch_exceptions=False)
