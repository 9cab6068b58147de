"""The desk of a fleet, its replicas fakes that go away: what was not answered is asked for again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from lsp_server.serve.ask import Answer, Ask
from lsp_server.serve.desk.desk import Busy, Failed
from lsp_server.serve.fleet.desk import FleetDesk, Lost, Reply, TurnedAway, session_of
from lsp_server.serve.replies import Refusal
from lsp_server.serve.served import Served
from model.errors import Unreachable
from model.types import Candidate, DraftToken, FillerInfo, FillEvent
from tests.lsp_server.serve.serving import client_of, events_of

DONE = Answer(candidates=(Candidate(texts=("1",), confidences=(0.9,), confidence=0.9),), model="fake")
EVENT = FillEvent(step=1, holes=((DraftToken(text="1", confidence=0.5, open=True),),), forward_passes=1)


@dataclass
class Scripted:
    """Replicas that say what `script` says, in turn; the last goes on. `asked`: (ask, session) of each try."""

    script: Sequence[Reply | Lost]
    name: str = "fake"
    asked: list[tuple[Ask, str]] = field(default_factory=list)

    async def fill(self, ask: Ask, session: str) -> Reply:
        self.asked.append((ask, session))
        said = self.script[min(len(self.asked), len(self.script)) - 1]
        if isinstance(said, Lost):
            raise said
        return said

    async def states(self, ask: Ask, session: str) -> AsyncGenerator[FillEvent | Reply, None]:
        yield EVENT
        yield await self.fill(ask, session)

    async def info(self) -> FillerInfo:
        return FillerInfo(name=self.name, device="cpu", context_tokens=100)


class Time:
    """A clock that is moved by who sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def desk_of(*script: Reply | Lost, **more: Any) -> tuple[FleetDesk, Scripted]:
    time, replicas = Time(), Scripted(script)
    return FleetDesk(replicas, clock=time, sleep=time.sleep, **more), replicas


def ask(**more: Any) -> Ask:
    return Ask(pieces=("a = ", "\n"), **more)


async def test_what_a_lost_replica_had_not_answered_is_asked_for_again() -> None:
    desk, replicas = desk_of(Lost(), Lost(), DONE)
    assert (await desk.fill(ask())).text == "1"
    assert len(replicas.asked) == 3
    assert desk.watch.counts["done"] == 1
    assert b"dlm_fill_retries_total 2.0" in desk.watch.exposed()


async def test_so_is_a_stream_of_which_states_were_shown() -> None:
    desk, replicas = desk_of(Lost(), DONE)
    async with client_of(Served(desk=desk)) as client:
        reply = await client.post("/v1/fill", json={"pieces": ["a = ", "\n"], "stream": True})
    events = list(events_of(reply.text))
    assert len(replicas.asked) == 2
    assert [name for name, _ in events[-2:]] == ["state", "fill"]
    assert events[-1][1]["candidates"][0]["texts"] == ["1"]


async def test_patience_has_an_end() -> None:
    desk, replicas = desk_of(Lost(), patience_s=5.0)
    with pytest.raises(Unreachable):
        await desk.fill(ask())
    assert 5 < len(replicas.asked) < 50
    assert desk.watch.counts["failed"] == 1
    assert desk.filling == 0


async def test_who_never_answers_is_not_waited_for() -> None:
    class Silent(Scripted):
        async def fill(self, ask: Ask, session: str) -> Reply:
            await asyncio.Event().wait()
            raise AssertionError

    with pytest.raises(Unreachable):
        await FleetDesk(Silent([]), patience_s=0.05).fill(ask())


async def test_the_replicas_work_ends_with_the_client() -> None:
    ended = asyncio.Event()

    class Slow(Scripted):
        async def fill(self, ask: Ask, session: str) -> Reply:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            raise AssertionError

    desk = FleetDesk(Slow([]))
    task = asyncio.ensure_future(desk.fill(ask()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
    assert desk.watch.counts["cancelled"] == 1


@pytest.mark.parametrize(
    ("refused", "kind", "counted"),
    [
        (TurnedAway(status=429, message="full", retry_after_s=7), Busy, "refused"),
        (TurnedAway(status=400, message="bad"), Refusal, "rejected"),
        (TurnedAway(status=500, message="broken"), Failed, "failed"),
        (TurnedAway(status=503, message="no model"), Refusal, "failed"),
    ],
)
async def test_what_a_replica_refuses_is_not_tried_elsewhere(
    refused: TurnedAway, kind: type[Any], counted: str
) -> None:
    desk, replicas = desk_of(refused)
    with pytest.raises(kind) as raised:
        await desk.fill(ask())
    assert len(replicas.asked) == 1
    assert desk.watch.counts[counted] == 1
    if isinstance(raised.value, Busy):
        assert raised.value.retry_after_s == 7


async def test_one_users_document_has_one_session() -> None:
    desk, replicas = desk_of(DONE)
    for user, document in (("ann", "a.py"), ("ann", "a.py"), ("ann", "b.py"), ("bob", "a.py"), ("\0", "")):
        await desk.fill(ask(user=user, document=document))
    first, again, other_document, other_user, nobody = (session for _, session in replicas.asked)
    assert first == again
    assert len({first, other_document, other_user}) == 3
    assert nobody == "", "a request of nobody goes to anybody"
    assert "ann" not in session_of(ask(user="ann"))


async def test_models_are_chosen_by_name_and_others_names_mean_the_first() -> None:
    desk, replicas = desk_of(DONE, models=("builtin", "fast"))
    async with client_of(Served(desk=desk)) as client:
        for path, body in (
            ("/v1/fill", {"pieces": ["a = ", "\n"]}),
            ("/v1/completions", {"prompt": "a = ", "suffix": "\n"}),
            ("/v1/fim/completions", {"prompt": "a = ", "suffix": "\n"}),
            ("/api/generate", {"prompt": "a = ", "suffix": "\n"}),
        ):
            for name in ("fast", "gpt-5"):
                assert (await client.post(path, json={**body, "model": name})).status_code == 200
        listed = (await client.get("/v1/models")).json()["data"]
        tags = (await client.get("/api/tags")).json()["models"]
    assert [asked.model for asked, _ in replicas.asked] == ["fast", ""] * 4
    assert [model["id"] for model in listed] == [model["name"] for model in tags] == ["builtin", "fast"]


async def test_new_weights_are_noticed_by_their_name() -> None:
    desk, replicas = desk_of(DONE)
    await desk.load()
    assert desk.info is not None
    assert desk.models == ("fake",)
    replicas.name, replicas.script = "newer", [Answer(model="newer")]
    await desk.fill(ask())
    for _ in range(3):
        await asyncio.sleep(0)
    assert desk.models == ("newer",)


async def test_the_page_and_metrics_tell_of_a_fleet_as_of_any_server() -> None:
    desk, _ = desk_of(DONE)
    async with client_of(Served(desk=desk)) as client:
        await client.post("/v1/fill", json={"pieces": ["a = ", "\n"]})
        await desk.load()
        state = (await client.get("/v1/state")).json()
        assert (await client.get("/health")).json() == {"status": "ok"}
    assert state["asks"]["done"] == 1
    assert state["kept_answers"] is None
