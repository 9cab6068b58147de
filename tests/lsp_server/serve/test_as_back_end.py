"""A server as the back end of the command line and of editors: both ends real, the model a fake."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lsp_server import pipeline
from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import parse
from lsp_server.errors import Excluded
from lsp_server.serve.app import Doors
from lsp_server.serve.gate.keys import VARIABLE, Keys
from lsp_server.types import Gap, Region, Snapshot
from model.backends.remote.address import is_remote, parse_address
from model.backends.remote.keys import ApiKey
from model.backends.remote.served.client import ServedFiller
from model.errors import AccessDenied, BadRequest, Unreachable
from model.text import PlainText
from model.types import Cancelled, FillEvent, FillOptions, FillRequest, Hole, OnEvent, Template
from tests.fakes import FakeFiller
from tests.lsp_server.serve.serving import HeldFiller, served_by
from tests.lsp_server.serve.test_desk import begun
from tests.lsp_server.serve.test_sockets import listening

TOKEN = "a-token-of-more-than-16-characters"


def client_at(port: int, token: str | None = None) -> ServedFiller:
    key = ApiKey(token, origin="a test") if token else None
    return ServedFiller(parse_address(f"http://127.0.0.1:{port}"), key)


def snapshot_at(path: Path | str, text: str) -> Snapshot:
    source, language = text.encode(), by_name("python")
    return Snapshot(uri=str(path), version=1, source=source, language=language, tree=parse(source, language))


def run(filler: ServedFiller, text: str = "a = \n", *, uri: str = "untitled:a.py", share: bool = False,
        on_event: OnEvent | None = None, cancelled: Cancelled = lambda: False) -> list[str]:  # fmt: skip
    at = text.index("= ") + 2
    filled = pipeline.run(
        snapshot_at(uri, text),
        (Gap(region=Region(at, at), hole=Hole()),),
        filler,
        FillOptions(share_other_files=share),
        cancelled=cancelled,
        on_event=on_event,
        other_files=lambda _: (PlainText("B = 1\n"),),
    )
    return [candidate.texts[0] for candidate in filled.fill.candidates]


def test_a_url_names_a_server() -> None:
    assert is_remote("http://gpu:8012")
    assert is_remote("https://gpu/dlm")
    assert parse_address("https://gpu:8012/").url == "https://gpu:8012"
    assert parse_address("http://gpu:8012").host == "gpu:8012"


async def test_fills_and_states_come_from_the_server() -> None:
    theirs, events = FakeFiller(["1 + 1"]), list[FillEvent]()
    async with listening(served_by(theirs)) as port:
        filler = client_at(port)
        assert await asyncio.to_thread(run, filler, on_event=events.append) == ["1 + 1"]
        assert await asyncio.to_thread(filler.greet)
        assert (filler.info.name, filler.info.sent_to) == ("fake", f"127.0.0.1:{port}")
        assert filler.info.context_tokens == theirs.context_tokens
        await asyncio.to_thread(filler.close)
    assert events
    assert "".join(token.text for token in events[-1].holes[0]) == "1 + 1"


@pytest.mark.parametrize("share", [False, True])
async def test_other_files_go_along_only_if_the_setting_says_so(share: bool) -> None:
    theirs = FakeFiller(["1"])
    async with listening(served_by(theirs)) as port:
        filler = client_at(port)
        await asyncio.to_thread(run, filler, share=share)
        await asyncio.to_thread(filler.close)
    assert theirs.requests[0].other_files == (("B = 1\n",) if share else ())


async def test_other_files_stay_here_also_if_somebody_has_gathered_them() -> None:
    theirs = FakeFiller(["1"])
    request = FillRequest(template=Template(pieces=("a = ", "\n"), holes=(Hole(),)), other_files=("SECRET = 1",))
    async with listening(served_by(theirs)) as port:
        filler = client_at(port)
        await asyncio.to_thread(filler.fill, request)
        await asyncio.to_thread(filler.close)
    assert theirs.requests[0].other_files == ()


async def test_excluded_files_are_not_sent(tmp_path: Path) -> None:
    theirs = FakeFiller(["1"])
    secret = tmp_path / ".env"
    async with listening(served_by(theirs)) as port:
        filler = client_at(port)
        with pytest.raises(Excluded):
            await asyncio.to_thread(run, filler, uri=secret.as_uri())
        await asyncio.to_thread(filler.close)
    assert not theirs.requests


async def test_cancelling_stops_the_servers_work() -> None:
    theirs = HeldFiller(["1"])
    async with listening(served_by(theirs)) as port:
        filler = client_at(port)
        gone = False
        work = asyncio.ensure_future(asyncio.to_thread(run, filler, cancelled=lambda: gone))
        await begun(theirs)
        gone = True
        assert await work == []
        while not theirs.stopped:  # noqa: ASYNC110  on a thread of the server's
            await asyncio.sleep(0.01)
        await asyncio.to_thread(filler.close)
    assert theirs.stopped == ["cancelled"]


async def test_keys_are_sent_and_errors_told() -> None:
    doors = Doors(keys=Keys(None, {VARIABLE: f"ann:{TOKEN}"}))
    request = FillRequest(template=Template(pieces=("a = ", "\n"), holes=(Hole(),)), candidates=99)
    async with listening(served_by(FakeFiller(["1"])), doors=doors) as port:
        with_key, without = client_at(port, TOKEN), client_at(port)
        assert await asyncio.to_thread(run, with_key) == ["1"]
        with pytest.raises(AccessDenied):
            await asyncio.to_thread(run, without)
        with pytest.raises(BadRequest, match="candidates"):
            await asyncio.to_thread(with_key.fill, request)
        for filler in (with_key, without):
            await asyncio.to_thread(filler.close)


async def test_a_server_that_is_not_there_is_said_at_once() -> None:
    async with listening(served_by(FakeFiller(["1"]))) as port:
        pass
    filler = client_at(port)
    assert await asyncio.to_thread(filler.greet) is False
    with pytest.raises(Unreachable):
        await asyncio.to_thread(run, filler)
    await asyncio.to_thread(filler.close)


async def test_several_holes_and_patterns_survive_the_way() -> None:
    theirs = FakeFiller(["1", "2"])
    holes = (Hole(max_lines=1, tie=""), Hole(old_text="x", strength=0.5, must_match=r"\d"))
    request = FillRequest(template=Template(pieces=("a = ", "\nb = ", "\n"), holes=holes), language="python", seed=3)
    async with listening(served_by(theirs)) as port:
        filler = client_at(port)
        fill = await asyncio.to_thread(filler.fill, request)
        await asyncio.to_thread(filler.close)
    assert fill.candidates[0].texts == ("1", "2")
    got = theirs.requests[0]
    assert (got.template.holes, got.seed, got.language) == (holes, 3, "python")


async def test_proxies_of_the_environment_are_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with listening(served_by(FakeFiller(["1"]))) as port:
        filler = client_at(port)
        assert await asyncio.to_thread(run, filler) == ["1"]
        await asyncio.to_thread(filler.close)
