"""The desk: who is filled, who gives way, who is refused, what is remembered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lsp_server.errors import Excluded
from lsp_server.serve.ask import Answer, Ask, document_of
from lsp_server.serve.desk.answers import Answers
from lsp_server.serve.desk.desk import Busy, Desk, Failed, QueueBounds
from model.errors import BadRequest, UnknownModel
from model.types import Candidate, Filler, FillRequest
from tests.fakes import FakeFiller
from tests.lsp_server.serve.serving import PATIENCE_S, HeldFiller

LONG = QueueBounds(wait_s=1000.0)


def ask(text: str, *, user: str = "ann", document: str = "a.py", **more: Any) -> Ask:
    return Ask(pieces=(f"{text} = ", "\n"), user=user, document=document, **more)


async def begun(filler: HeldFiller) -> None:
    assert await asyncio.to_thread(filler.begun.acquire, timeout=PATIENCE_S)


async def queued(desk: Desk, count: int) -> None:
    """Once so many wait: everything that was started has got as far as it can."""
    async with asyncio.timeout(PATIENCE_S):
        while desk.queued != count:  # noqa: ASYNC110  the desk has no event for it
            await asyncio.sleep(0)


async def test_a_newer_ask_of_the_document_takes_the_place_of_those_that_run_and_wait() -> None:
    filler = HeldFiller(["1"])
    desk = Desk([lambda: filler], bounds=LONG)
    running = asyncio.ensure_future(desk.fill(ask("a")))
    await begun(filler)
    waiting = asyncio.ensure_future(desk.fill(ask("ab")))
    assert (await running).outcome == "superseded"
    newest = asyncio.ensure_future(desk.fill(ask("abc")))
    assert (await waiting).outcome == "superseded"
    filler.let_go.set()
    assert (await newest).text == "1"
    assert desk.watch.counts["superseded"] == 2
    desk.close()


async def test_other_documents_other_users_and_documents_without_a_name_are_let_be() -> None:
    filler = HeldFiller(["1"])
    desk = Desk([lambda: filler], bounds=LONG)
    asks = [
        ask("a"),
        ask("b", document="b.py"),
        ask("c", user="bob"),
        ask("d", document=""),
        ask("e", document=""),
    ]
    tasks = [asyncio.ensure_future(desk.fill(one)) for one in asks]
    await begun(filler)
    await queued(desk, 4)
    filler.let_go.set()
    assert [(await task).outcome for task in tasks] == ["done"] * 5
    desk.close()


async def test_equal_asks_share_an_answer_and_the_next_one_finds_it_at_hand() -> None:
    filler = HeldFiller(["1"])
    desk = Desk([lambda: filler], bounds=LONG)
    tasks = [asyncio.ensure_future(desk.fill(ask("a"))) for _ in range(3)]
    await begun(filler)
    filler.let_go.set()
    assert [(await task).text for task in tasks] == ["1"] * 3
    assert (await desk.fill(ask("a"))).cached
    assert len(filler.requests) == 1
    assert not (await desk.fill(ask("a", user="bob"))).cached, "what one user was answered is no other's to find"
    desk.close()


async def test_who_goes_takes_the_work_along_unless_somebody_else_wants_it() -> None:
    filler = HeldFiller(["1"])
    desk = Desk([lambda: filler], bounds=LONG)
    one, two = (asyncio.ensure_future(desk.fill(ask("a"))) for _ in range(2))
    await begun(filler)
    one.cancel()
    await asyncio.wait([one])
    assert filler.stopped == []
    two.cancel()
    await asyncio.wait([two])
    filler.let_go.set()
    await desk.fill(ask("b", document="b.py"))
    assert filler.stopped == ["cancelled", "done"]
    desk.close()


async def test_users_take_turns() -> None:
    filler = HeldFiller(["1"])
    desk = Desk([lambda: filler], bounds=LONG)
    first = asyncio.ensure_future(desk.fill(ask("first", user="zoe")))
    await begun(filler)
    greedy = [asyncio.ensure_future(desk.fill(ask(f"g{n}", document=f"{n}"))) for n in range(3)]
    await queued(desk, 3)
    modest = asyncio.ensure_future(desk.fill(ask("m", user="bob")))
    await queued(desk, 4)
    filler.let_go.set()
    await asyncio.gather(first, *greedy, modest)
    order = [request.template.pieces[0].split()[0] for request in filler.requests]
    assert order == ["first", "g0", "m", "g1", "g2"]
    desk.close()


async def test_a_document_goes_to_the_filler_that_has_read_it() -> None:
    fillers = [FakeFiller(["1"]), FakeFiller(["2"])]
    openers = iter(fillers)
    desk = Desk([lambda: next(openers)] * 2, bounds=LONG)
    answers: dict[str, set[str]] = {}
    for turn in range(4):
        asks = [ask(f"{name}{turn}", document=name) for name in ("a", "b")]
        for one, found in zip(asks, await asyncio.gather(*map(desk.fill, asks)), strict=True):
            answers.setdefault(one.document, set()).add(found.text)
    assert sorted(map(sorted, answers.values())) == [["1"], ["2"]]
    desk.close()


async def test_a_full_queue_refuses_and_says_when_to_come_again() -> None:
    filler = HeldFiller(["1"])
    desk = Desk([lambda: filler], bounds=QueueBounds(queue=2, wait_s=1000.0))
    tasks = [asyncio.ensure_future(desk.fill(ask(str(n), document=str(n)))) for n in range(3)]
    await begun(filler)
    await queued(desk, 2)
    with pytest.raises(Busy) as refused:
        await desk.fill(ask("x", document="x"))
    assert refused.value.retry_after_s >= 1
    newer = asyncio.ensure_future(desk.fill(ask("22", document="2")))  # in the place of its own older one
    assert (await tasks[2]).outcome == "superseded"
    filler.let_go.set()
    assert (await newer).text == "1"
    desk.close()


async def test_who_would_wait_too_long_is_refused_at_once() -> None:
    now = [0.0]

    class Slow(FakeFiller):
        def fill(self, *args: Any, **kwargs: Any) -> Any:
            now[0] += 10.0
            return super().fill(*args, **kwargs)

    desk = Desk([lambda: Slow(["1"])], bounds=QueueBounds(wait_s=3.0), clock=lambda: now[0])
    for n in range(20):  # until the mean has learnt
        await desk.fill(ask(f"n{n}"))
    assert desk.expected_wait_s() == 0, "nobody is before the next one"
    first = asyncio.ensure_future(desk.fill(ask("a")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await desk.fill(ask("b", document="b.py"))
    await first
    desk.close()


async def test_who_has_waited_too_long_is_refused_and_not_filled() -> None:
    now, filler = [0.0], HeldFiller(["1"])
    desk = Desk([lambda: filler], bounds=QueueBounds(wait_s=3.0), clock=lambda: now[0])
    first = asyncio.ensure_future(desk.fill(ask("a")))
    await begun(filler)
    second = asyncio.ensure_future(desk.fill(ask("b", document="b.py")))
    await queued(desk, 1)
    now[0] += 10.0
    filler.let_go.set()
    assert (await first).text == "1"
    with pytest.raises(Busy):
        await second
    assert len(filler.requests) == 1
    desk.close()


class Failing(FakeFiller):
    def fill(self, request: FillRequest, **_: Any) -> Any:
        if "bad" in request.template.pieces[0]:
            raise BadRequest("a sampler of that name is not known")
        if "broken" in request.template.pieces[0]:
            raise ZeroDivisionError(request.template.pieces[0])
        return super().fill(request)


async def test_a_failure_is_one_requests_and_its_message_holds_no_code() -> None:
    desk = Desk([lambda: Failing(["1"])], bounds=LONG)
    with pytest.raises(BadRequest):
        await desk.fill(ask("bad"))
    with pytest.raises(Failed) as failed:
        await desk.fill(ask("broken"))
    assert "broken" not in str(failed.value)
    assert "ZeroDivisionError" in str(failed.value)
    assert (await desk.fill(ask("good"))).text == "1"
    desk.close()


async def test_a_model_that_cannot_be_loaded_is_said_to_each() -> None:
    def missing() -> Filler:
        raise UnknownModel("no such model")

    desk = Desk([missing])
    for _ in range(2):
        with pytest.raises(UnknownModel):
            await desk.fill(ask("a"))
    assert desk.failure == "no such model"
    desk.close()


@pytest.mark.parametrize(
    "name", [".env", "home/.ssh/config", "C:\\keys\\id_rsa", "../../.env", "/etc/.netrc", "%2e%2e/.env"]
)
async def test_secrets_by_their_names_are_filled_by_nobody(name: str) -> None:
    filler = FakeFiller(["1"])
    desk = Desk([lambda: filler])
    with pytest.raises(Excluded):
        await desk.fill(ask("a", file=name))
    assert not filler.requests
    desk.close()


@pytest.mark.parametrize("name", ["/etc/passwd", "../../../etc/passwd", "a\0b.py", "file:///etc/passwd", "x" * 900])
async def test_names_are_names_and_no_file_is_opened(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk([lambda: FakeFiller(["1"])])
    await desk.load()
    opened: list[object] = []
    monkeypatch.setattr("pathlib.Path.read_bytes", lambda self: _noted(opened, self).encode())
    monkeypatch.setattr("pathlib.Path.read_text", lambda self, *a: _noted(opened, self))
    assert (await desk.fill(ask("a", file=name))).text == "1"
    assert not opened
    desk.close()


def _noted(opened: list[object], path: object) -> str:
    opened.append(path)
    return ""


async def test_less_context_for_who_may_use_less() -> None:
    filler = FakeFiller(["1"], context_tokens=4000)
    desk = Desk([lambda: filler])
    long = "\n".join(f"value_{n} = {n}" for n in range(500))
    await desk.fill(Ask(pieces=(f"{long}\nx = ", "\n"), context_tokens=100))
    assert sum(map(filler.count_tokens, filler.requests[0].template.pieces)) <= 100
    desk.close()


def answer(text: str) -> Answer:
    return Answer(candidates=(Candidate(texts=(text,), confidences=(0.5,), confidence=0.5),))


def test_kept_answers_are_bounded() -> None:
    answers = Answers(most_entries=3, most_bytes=10_000)
    for n in range(10):
        answers.put(("ann", bytes([n])), answer("x"))
    assert len(answers) == 3
    assert answers.find(("ann", bytes([9]))) is not None
    assert answers.find(("ann", bytes([0]))) is None
    answers.put(("ann", b"big"), answer("y" * 20_000))
    assert len(answers) == 0
    assert answers.size_bytes == 0


def test_the_place_of_typing_keeps_its_name_while_a_line_is_typed() -> None:
    above, below = "def f(x):\n    y = x\n    return ", "\n\n\ndef g(x):\n    return 2 * x\n"
    names = {document_of(above + typed, below) for typed in ("", "y", "y + ", "y + 1")}
    assert len(names) == 1
    assert document_of(above, below) != document_of(above, "\n\n\ndef h(x):\n    return 3 * x\n")
    assert document_of("x", "") == ""
    at_the_end = {document_of(above + typed, "\n") for typed in ("", "y", "y + 1")}
    assert len(at_the_end) == 1
    assert "" not in at_the_end
