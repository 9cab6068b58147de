"""A model that fails while it fills: a shorter context, a status, and a server that goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lsp_server import pipeline
from lsp_server.code.languages.table import language_of
from lsp_server.configuration.settings import Settings
from lsp_server.session.session import Session
from lsp_server.transforms.fill import fill_regions
from lsp_server.types import Filled, Region, Snapshot
from model.types import Fill, FillOptions, FillRequest
from tests.fakes import FakeFiller

SOURCE = "".join(f"value_{n} = {n}\n" for n in range(200))


class Failing(FakeFiller):
    """Raises `failures`, one per call, before it fills."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__(["x"], context_tokens=400)
        self.failures = list(failures)

    def fill(self, request: FillRequest, **kwargs: Any) -> Fill:
        if self.failures:
            self.requests.append(request)
            raise self.failures.pop(0)
        return super().fill(request, **kwargs)


def run(filler: FakeFiller) -> Filled:
    snapshot = Snapshot(uri="file:///a.py", version=1, source=SOURCE.encode(), language=language_of("a.py"), tree=None)
    gaps = fill_regions(snapshot, [Region(1000, 1004)])
    return pipeline.run(snapshot, gaps, filler, FillOptions(), cancelled=lambda: False)


@pytest.mark.parametrize("failure", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")])
def test_without_memory_a_shorter_context_is_tried(failure: Exception) -> None:
    filler = Failing(failure, failure)
    assert run(filler).fill.candidates[0].texts == ("x",)
    tokens = [sum(map(filler.count_tokens, request.template.pieces)) for request in filler.requests]
    assert tokens[0] > tokens[1] > tokens[2] > 0
    with pytest.raises(type(failure)):
        run(Failing(*[failure] * 3))


def test_other_failures_are_not_tried_again() -> None:
    filler = Failing(RuntimeError("corrupt"))
    with pytest.raises(RuntimeError, match="corrupt"):
        run(filler)
    assert len(filler.requests) == 1


async def test_a_failure_is_a_status_and_the_next_fill_is_tried() -> None:
    filler = Failing(RuntimeError("secret = 1"))
    session = Session(lambda name, *, device: filler, options=Settings())
    told: list[tuple[str, str]] = []
    session.status.listen(lambda status: told.append((status.state, status.message)))
    with pytest.raises(RuntimeError):
        await session.jobs.run("file:///a.py", lambda found, _: run(found), automatic=False)  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert told[-1][0] == "error"
    assert told[-1][1].startswith("the model failed (RuntimeError at test_failing_model.py:")
    assert "secret" not in told[-1][1]
    await session.jobs.run("file:///a.py", lambda found, _: run(found), automatic=False)  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert [state for state, _ in told[-2:]] == ["error", "ready"], "a fill this short is never busy"
    assert told[-1] == ("ready", "")
    session.jobs.close()
