"""What goes wrong between here and a service: typed errors of one line that name the remedy; tries; cancelling; keys."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import re
import socket
import ssl
import threading
import traceback
from typing import Any

import httpx
import pytest

from model.backends.remote.address import parse_address
from model.backends.remote.completions import Completions
from model.backends.remote.failures import Reporter
from model.backends.remote.keys import find_key
from model.backends.remote.open import open_remote
from model.errors import (
    AccessDenied,
    BadReply,
    BadRequest,
    ModelError,
    QuotaExceeded,
    ServerFailed,
    UnknownModel,
    Unreachable,
)
from model.filler import open_filler
from model.types import Budget, FillRequest, Hole, Template
from tests.model.backends.remote.conftest import KEY, SECRET, Open
from tests.model.backends.remote.server import Reply, Server

ASK = FillRequest(template=Template(pieces=("x = ", "\n"), holes=(Hole(max_lines=1),)))
LINES = FillRequest(template=Template(pieces=("", ""), holes=(Hole(),)), budget=Budget(max_time_s=60))
GOOD = Reply(events=[{"choices": [{"text": "1", "index": 0}]}])


def failed(opened: Open, kind: str = "openai", **how: Any) -> ModelError:
    with pytest.raises(ModelError) as caught:
        opened(kind, **how).fill(ASK)
    said = "".join(traceback.format_exception(caught.value))
    assert SECRET not in said
    assert "\n" not in str(caught.value)
    return caught.value


def error_body(message: str, code: object = None) -> dict[str, Any]:
    return {"error": {"message": message, "code": code, "type": "some"}}


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (Reply(401, error_body(f"Incorrect API key provided: {SECRET}")), AccessDenied,
         "the key from THE_VARIABLE is not accepted: set OPENAI_API_KEY"),
        (Reply(403, raw=b"no"), AccessDenied, "is not accepted"),
        (Reply(402, error_body("pay first")), QuotaExceeded, r"the quota is used up \(pay first\): see your account"),
        (Reply(429, error_body("You exceeded your quota", "insufficient_quota")), QuotaExceeded, "quota is used up"),
        (Reply(404, error_body("The model `coder` does not exist", "model_not_found")), UnknownModel,
         "no model 'coder' .*: name another after #"),
        (Reply(400, error_body("model coder not found")), UnknownModel, "no model 'coder'"),
        (Reply(404, raw=b"<html>"), UnknownModel, "nothing answers below http://.*: check the URL"),
        (Reply(400, error_body("suffix is not supported\x1b[2J")), BadRequest,
         r"refuses the request, status 400 \(suffix is not supported \[2J\)"),
        (Reply(422, raw=b"?"), BadRequest, r"status 422 \(Unprocessable"),
        (Reply(307, headers={"location": "https://other/v1"}), Unreachable, "sends on to https://other/v1: name that"),
        (Reply(501, error_body("no infill here")), ServerFailed, r"status 501 \(no infill here\): name another model"),
        (Reply(raw=b"<html>", headers={"content-type": "text/html"}), BadReply, "not JSON: does http://.* speak the openai"),
        (Reply(body=["x"]), BadReply, "no JSON object"),
        (Reply(body={}), BadReply, "no choices"),
        (Reply(body={"choices": [{"text": 3}]}), BadReply, "a choice has no text"),
        (Reply(body={"choices": ["x"]}), BadReply, "a choice has no text"),
        (Reply(events=[b"data: {\"choices\"\n\n"]), BadReply, "not JSON"),
        (Reply(events=[b"data: \xff\n\n"]), BadReply, "not UTF-8"),
        (Reply(events=[error_body("out of memory", 500)]), ServerFailed, "out of memory"),
        (Reply(raw=b"[" * 100_000), BadReply, "not JSON"),
        (Reply(events=[{"choices": [{"text": "1", "index": 0}]}], then="break"), Unreachable, "connection broke: try again"),
    ],
)  # fmt: skip
def test_one_line_names_the_remedy(
    server: Server, opened: Open, waits: list[float], reply: Reply, kind: type[ModelError], says: str
) -> None:
    server.script = [reply]
    error = failed(opened)
    assert type(error) is kind
    error_line = str(error)
    assert error_line.startswith("127.0.0.1:")
    assert re.search(says, error_line), error_line
    assert (len(server.asked), waits) == (1, []), "it was not tried again"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_what_passes_is_tried_again(server: Server, opened: Open, waits: list[float], status: int) -> None:
    server.script = [Reply(status), Reply(drop=True), GOOD]
    assert opened().fill(ASK).candidates[0].texts == ("1",)
    assert waits == [0.5, 1.0], "each wait is twice as long"
    assert [asked.body for asked in server.asked] == [server.asked[0].body] * 3


def test_retry_after_is_honoured(server: Server, opened: Open, waits: list[float]) -> None:
    past = "Wed, 21 Oct 2015 07:28:00 GMT"
    server.script = [Reply(429, headers={"retry-after": "7"}), Reply(503, headers={"retry-after": past}), GOOD]
    assert opened().fill(ASK).candidates
    assert waits == [7.0, 0.0]


def test_nobody_waits_for_long(server: Server, opened: Open, waits: list[float]) -> None:
    server.script = [Reply(429, error_body("slow down"), headers={"retry-after": "3600"})]
    error = failed(opened)
    assert isinstance(error, QuotaExceeded)
    assert "too many requests (slow down): try again in 3600 s" in str(error)
    assert waits == []


def test_trying_ends(server: Server, opened: Open, waits: list[float]) -> None:
    server.script = [Reply(503, error_body("Loading model"))] * 9
    error = failed(opened, "llamacpp")
    assert isinstance(error, ServerFailed)
    assert "failed with status 503 (Loading model): try again later" in str(error)
    assert (len(server.asked), waits) == (4, [0.5, 1.0, 2.0])


def test_a_wait_beyond_the_budget_is_an_error_at_once(server: Server, opened: Open, waits: list[float]) -> None:
    # The transport's clock stands at 0 here, and the budget ends in time.monotonic's seconds: make that the past.
    filler = opened(now=lambda: float("inf"))
    server.script = [Reply(429)]
    with pytest.raises(QuotaExceeded):
        filler.fill(FillRequest(template=ASK.template, budget=Budget(max_time_s=60)))
    assert waits == []


def test_nobody_listens(opened: Open) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    error = failed(opened, url=f"http://127.0.0.1:{port}")
    assert isinstance(error, Unreachable)
    assert "nobody listens there: start the server" in str(error)


def test_https_where_plain_http_is_spoken(server: Server, opened: Open) -> None:
    error = failed(opened, url=server.url.replace("http:", "https:"))
    assert isinstance(error, Unreachable)
    assert "write http:// for https://" in str(error)


def raised(kind: type[Exception], cause: Exception) -> Exception:
    try:
        raise kind("…") from cause
    except kind as error:
        return error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (raised(httpx.ConnectError, ssl.SSLCertVerificationError("x")), "certificate is not trusted .*SSL_CERT_FILE"),
        (raised(httpx.ConnectError, socket.gaierror(-2, "Name or service not known")), "cannot be reached: check the URL"),
        (httpx.ConnectTimeout("…"), "cannot be reached"),
        (httpx.ReadTimeout("…"), "no answer in time"),
        (httpx.ProxyError("…"), "the proxy refuses: check HTTPS_PROXY"),
    ],
)  # fmt: skip
def test_connections_that_fail(error: Exception, says: str) -> None:
    address = parse_address("openai:https://host.example/v1#m")
    failure = Reporter(address=address, key=None).lost(error)
    assert isinstance(failure.error, Unreachable)
    assert re.search(says, str(failure.error)), failure.error
    assert not failure.again


def test_a_proxy_is_not_for_this_machine(server: Server, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.script = [GOOD]
    assert opened().fill(ASK).candidates


def test_cancelling_closes_the_stream(server: Server, opened: Open) -> None:
    server.script = [Reply(events=[{"choices": [{"text": "1"}]}], then="hold")]
    fill = opened().fill(ASK, cancelled=server.holding.is_set)
    assert (fill.stopped, fill.candidates) == ("cancelled", ())
    assert server.client_left.wait(20)


def test_cancelling_before_the_start_sends_nothing(server: Server, opened: Open) -> None:
    assert opened().fill(ASK, cancelled=lambda: True).stopped == "cancelled"
    assert server.asked == []


def test_cancelling_ends_a_wait_between_tries(server: Server, opened: Open) -> None:
    waiting = threading.Event()

    async def sleep(seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    server.script = [Reply(503)]
    assert opened(sleeps=sleep).fill(ASK, cancelled=waiting.is_set).stopped == "cancelled"


def test_when_time_is_up_whole_lines_are_kept(server: Server, opened: Open) -> None:
    server.script = [Reply(events=[{"choices": [{"text": "a = 1\nb = "}]}], then="hold")]
    time_s = [0.0]
    filler = opened(budget_now=lambda: time_s[0])
    fill = filler.fill(LINES, on_event=lambda _: time_s.append(time_s.pop() + 1000))
    assert (fill.stopped, [c.texts for c in fill.candidates]) == ("time", [("a = 1",)])
    assert server.client_left.wait(20)


def test_a_failed_candidate_is_one_less(server: Server, opened: Open) -> None:
    server.script = [Reply(400), GOOD, Reply(400)]
    request = FillRequest(template=ASK.template, candidates=3)
    assert [c.texts for c in opened("mercury").fill(request).candidates] == [("1",)]


def test_a_key_is_seen_nowhere(server: Server, opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.script = [Reply(429, error_body(f"{SECRET} is too fast")), Reply(400, error_body(f"bad {SECRET}"))]
    filler = opened()
    with pytest.raises(BadRequest) as caught:
        filler.fill(ASK)
    assert "bad …" in str(caught.value)
    writers = [value for value in vars(filler).values() if isinstance(value, Completions)]
    assert writers
    seen = [repr(KEY), str(KEY), repr(filler.info), repr(vars(filler)), repr(vars(writers[0])), caplog.text]
    assert not [text for text in seen if SECRET in text]
    for copied in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="not written"):
            copied(KEY)


@pytest.mark.parametrize("secret", ["two words", "line\nbreak", "schlüssel"])
def test_a_key_that_cannot_be_one_is_refused_unseen(secret: str) -> None:
    with pytest.raises(AccessDenied, match="OPENAI_API_KEY") as caught:
        find_key(parse_address("openai:https://h/v1#m"), {"OPENAI_API_KEY": secret})
    assert secret not in str(caught.value)


def test_keys_come_from_the_environment_or_the_keyring() -> None:
    address = parse_address("mercury")
    stored = {("dlm-fill", "api.inceptionlabs.ai"): "ring"}
    for environ, secret, origin in (
        ({"INCEPTION_API_KEY": "a", "MERCURY_API_KEY": "b"}, "a", "INCEPTION_API_KEY"),
        ({"MERCURY_API_KEY": " b\n"}, "b", "MERCURY_API_KEY"),
        ({"OPENAI_API_KEY": "c"}, "ring", "the keyring"),
    ):
        key = find_key(address, environ, look_up=lambda *at: stored.get(at))
        assert key is not None
        assert (key.header(), key.origin) == (f"Bearer {secret}", origin)
    assert find_key(parse_address("openai#m"), {}, look_up=lambda *at: stored.get(at)) is None


def test_a_key_does_not_travel_in_the_clear() -> None:
    environ = {"OPENAI_API_KEY": "secret"}
    for url, goes in (
        ("http://gpu.example:8000/v1", False),
        ("https://gpu.example/v1", True),
        ("http://localhost:1", True),
    ):
        assert (find_key(parse_address(f"openai:{url}#m"), environ) is not None) is goes
    report = Reporter(address=parse_address("openai:http://gpu.example/v1#m"), key=None)
    assert "it wants a key: no key is sent over plain http" in str(report.status(401, b"").error)


def test_names_of_remote_models() -> None:
    address = parse_address("openai:https://host:8443/v1/#org/name")
    assert (address.url, address.model, address.host) == ("https://host:8443/v1", "org/name", "host:8443")
    assert parse_address("mercury#mercury-2").model == "mercury-2"
    assert parse_address("llamacpp").url == "http://127.0.0.1:8080"
    assert not parse_address("openai:http://127.0.0.1.example/v1#m").is_local


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("openai:https://host/v1", "no model is named: write it like openai:https"),
        ("openai:host/v1#m", "must begin with https://"),
        ("openai:https:///v1#m", "name a host"),
        ("openai:https://host:port/v1#m", "cannot be read"),
        ("openai:https://user:pass@host/v1#m", "no place in a URL"),
        ("openai:https://host/v1?key=secret#m", "question mark"),
    ],
)
def test_names_that_make_no_sense(name: str, says: str) -> None:
    with pytest.raises(UnknownModel, match=says) as caught:
        open_remote(name, open_local=open_filler, environ={}, look_up=lambda *_: None)
    assert "pass" not in str(caught.value).replace("password", "")
    assert "secret" not in str(caught.value)


def test_mercury_without_a_key_says_how_to_give_one() -> None:
    with pytest.raises(AccessDenied, match="set INCEPTION_API_KEY, or run: keyring set dlm-fill api"):
        open_remote("mercury", open_local=open_filler, environ={}, look_up=lambda *_: None)


def test_the_host_that_text_goes_to_is_told() -> None:
    info = open_remote("openai:https://host/v1#m", open_local=open_filler, environ={}, look_up=lambda *_: None).info
    assert (info.name, info.device, info.sent_to) == ("m", "host", "host")
