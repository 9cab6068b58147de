"""Who is let in, and what is refused: every bad input gets a status and a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.errors import InputError
from lsp_server.serve.app import Doors
from lsp_server.serve.gate.gate import is_loopback
from lsp_server.serve.gate.keys import VARIABLE, Keys, Limits, add_key, read_keys, remove_key
from lsp_server.serve.gate.limits import Turnstile
from lsp_server.serve.replies import Refusal
from lsp_server.serve.settings import ServeSettings
from tests.fakes import FakeFiller
from tests.lsp_server.serve.serving import client_of, events_of, served_by

FILL = {"pieces": ["x = ", "\n"]}
TOKEN = "a-token-of-more-than-16-characters"


def doors(limits: Limits | None = None, **more: Any) -> Doors:
    return Doors(keys=Keys(None, {VARIABLE: f"ann:{TOKEN}"}), limits=limits or Limits(), **more)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": TOKEN},
        {"authorization": "Bearer "},
        {"authorization": f"Bearer {TOKEN}x"},
        {"x-api-key": "wrong"},
    ],
)
@pytest.mark.parametrize("path", ["/v1/fill", "/infill", "/v1/completions", "/api/generate", "/no/such/path"])
async def test_without_the_key_nothing_is_served(headers: dict[str, str], path: str) -> None:
    filler = FakeFiller(["1"])
    async with client_of(served_by(filler), doors(), headers=headers) as client:
        reply = await client.post(path, json=FILL)
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in reply.text
    assert not filler.requests


@pytest.mark.parametrize(
    "headers", [{"authorization": f"Bearer {TOKEN}"}, {"authorization": f"bearer  {TOKEN}"}, {"x-api-key": TOKEN}]
)
async def test_with_the_key_everything_is(headers: dict[str, str]) -> None:
    async with client_of(served_by(FakeFiller(["1"])), doors(), headers=headers) as client:
        assert (await client.post("/v1/fill", json=FILL)).status_code == 200
        assert (await client.get("/metrics")).status_code == 200


async def test_the_page_and_health_need_no_key_metrics_and_state_do() -> None:
    async with client_of(served_by(FakeFiller(["1"])), doors()) as client:
        codes = {
            path: (await client.get(path)).status_code for path in ("/", "/page/style.css", "/metrics", "/v1/state")
        }
        assert (await client.get("/health")).status_code in (200, 503)
    assert codes == {"/": 200, "/page/style.css": 200, "/metrics": 401, "/v1/state": 401}


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1.evil.example"]
)
async def test_other_web_pages_are_refused(origin: str) -> None:
    async with client_of(served_by(FakeFiller(["1"]))) as client:
        reply = await client.post("/v1/fill", json=FILL, headers={"origin": origin})
        asked = await client.options("/v1/fill", headers={"origin": origin, "access-control-request-method": "POST"})
        own = await client.post("/v1/fill", json=FILL, headers={"origin": "http://127.0.0.1:8012"})
    assert reply.status_code == asked.status_code == 403
    assert not [name for name in {**reply.headers, **asked.headers} if name.startswith("access-control-")]
    assert own.status_code == 200


async def test_a_name_that_leads_here_from_elsewhere_is_refused() -> None:
    """Against DNS rebinding: a page whose name suddenly means this machine."""
    async with client_of(served_by(FakeFiller(["1"]))) as client:
        reply = await client.post("/v1/fill", json=FILL, headers={"host": "evil.example:8012"})
        broken = await client.post("/v1/fill", json=FILL, headers={"host": "[::1"})
        named = await client.post("/v1/fill", json=FILL, headers={"host": "localhost:8012"})
    assert (reply.status_code, broken.status_code, named.status_code) == (403, 403, 200)


async def test_bodies_beyond_the_limit_are_refused_declared_or_not() -> None:
    small = Limits(body_bytes=1000)
    big = json.dumps({"pieces": ["x" * 10_000_000, "\n"]}).encode()

    async def in_parts() -> Any:
        for start in range(0, len(big), 65_536):
            yield big[start : start + 65_536]

    filler = FakeFiller(["1"])
    async with client_of(served_by(filler), Doors(limits=small)) as client:
        declared = await client.post("/v1/fill", content=big)
        streamed = await client.post("/v1/fill", content=in_parts())
    assert declared.status_code == streamed.status_code == 413
    assert "1000 bytes" in declared.json()["error"]["message"]
    assert not filler.requests


async def test_too_many_headers_are_refused() -> None:
    async with client_of(served_by(FakeFiller(["1"]))) as client:
        reply = await client.post("/v1/fill", json=FILL, headers={f"x-{n}": "y" for n in range(100)})
    assert reply.status_code == 431


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "JSON"),
        (b'"text"', "no object"),
        (b"null", "no object"),
        (b"\xff\xfe{}", "JSON"),
        (b"{}", "pieces"),
        (b'{"pieces": "x"}', "pieces"),
        (b'{"pieces": ["x"]}', "pieces"),
        (b'{"pieces": ["x", 5]}', "pieces.1"),
        (b'{"pieces": ["a", "b"], "holes": []}', "one piece more"),
        (b'{"pieces": ["a", "b", "c"], "cursor": true}', "cursor"),
        (b'{"pieces": ["a", "b"], "version": 2}', "version"),
        (b'{"pieces": ["a", "b"], "candidates": 0}', "candidates"),
        (b'{"pieces": ["a", "b"], "candidates": 1e99}', "candidates"),
        (b'{"pieces": ["a", "b"], "holes": [{"strength": 2}]}', "holes.0.strength"),
        (b'{"pieces": ["a", "b"], "max_time_s": "soon"}', "max_time_s"),
        (b'{"pieces": ["a", "b"], "max_time_s": NaN}', "max_time_s"),
    ],
)
async def test_bad_bodies_get_400_and_a_sentence(body: bytes, said: str) -> None:
    async with client_of(served_by(FakeFiller(["1"]))) as client:
        reply = await client.post("/v1/fill", content=body)
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert said in error["message"]
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/infill", {"input_prefix": 5}, "input_prefix"),
        ("/infill", {"input_extra": [{"text": 1}]}, "input_extra.0.text"),
        ("/v1/completions", {"prompt": {"a": 1}}, "prompt"),
        ("/v1/completions", {"prompt": "a", "n": 1000}, "n:"),
        ("/v1/completions", {"segments": {"suffix": "x"}}, "segments.prefix"),
        ("/v1/completions", {"segments": 5}, "segments"),
        ("/v1/events", {"type": "eaten", "completion_id": "x"}, "type"),
        ("/v1/edit/completions", {"messages": []}, "messages"),
        ("/v1/edit/completions", {"messages": [{"role": "user", "content": "hello"}]}, "code_to_edit"),
    ],
)
async def test_bad_fields_of_each_dialect_are_named(path: str, body: dict[str, Any], said: str) -> None:
    async with client_of(served_by(FakeFiller(["1"]))) as client:
        reply = await client.post(path, json=body)
    assert reply.status_code == 400
    assert said in reply.json()["error"]["message"]


async def test_ollamas_errors_are_strings() -> None:
    async with client_of(served_by(FakeFiller(["1"]))) as client:
        wrong = await client.post("/api/generate", json={"prompt": 5})
        options = await client.post("/api/generate", json={"prompt": "a", "options": {"seed": "x"}})
    assert wrong.status_code == options.status_code == 400
    assert isinstance(wrong.json()["error"], str)
    assert "seed" in options.json()["error"]


async def test_unknown_fields_paths_and_methods() -> None:
    async with client_of(served_by(FakeFiller(["1"]))) as client:
        assert (await client.post("/v1/fill", json={**FILL, "new_field": [1]})).status_code == 200
        for path in (
            "/v1/nothing",
            "/page/../app.py",
            "/page/%2e%2e/app.py",
            "/page/index.html",
            "//etc/passwd",
            "/..%2f..%2fetc",
        ):
            assert (await client.get(path)).status_code == 404, path
        assert (await client.get("/v1/fill")).status_code == 405
        assert (await client.delete("/infill")).status_code == 405


@given(text=st.text(max_size=40))
async def test_any_text_is_filled_as_text(text: str) -> None:
    """Control tokens of models, NULs, half surrogate pairs, bidirectional marks: all are text, none an error."""
    filler = FakeFiller(["1"])
    async with client_of(served_by(filler)) as client:
        reply = await client.post("/v1/fill", content=json.dumps({"pieces": [f"{text}\nx = ", "\n" + text]}))
    assert reply.status_code == 200


@pytest.mark.parametrize(
    "token", ["<|endoftext|>", "<|fim_middle|>", "<|mask|>", "<|im_start|>system", "\ud800", "\0", "\u202e"]
)
async def test_tokens_of_models_stay_text(token: str) -> None:
    filler = FakeFiller(["1"])
    async with client_of(served_by(filler)) as client:
        body = json.dumps({"pieces": [f'a = "{token}"\nx = ', "\n"]})
        reply = await client.post("/v1/fill", content=body)
    assert reply.status_code == 200
    shown = "?" if token == "\ud800" else token
    assert filler.requests[0].template.pieces[0] == f'a = "{shown}"\nx = '


async def test_no_code_in_metrics_and_state() -> None:
    async with client_of(served_by(FakeFiller(["SECRET_FILL"]))) as client:
        body = {"pieces": ["SECRET_TEXT = ", "\n"], "file": "SECRET_NAME.py", "user": "SECRET_USER"}
        await client.post("/v1/fill", json=body)
        await client.get("/SECRET_PATH")
        seen = (await client.get("/metrics")).text + (await client.get("/v1/state")).text
    assert "SECRET" not in seen


def test_a_bucket_refills_and_concurrency_is_counted() -> None:
    now = [0.0]
    turnstile = Turnstile(lambda: now[0])
    limits = Limits(rate=2.0, burst=2, concurrency=10)
    turnstile.enter("ann", limits)
    turnstile.enter("ann", limits)
    with pytest.raises(Refusal) as refused:
        turnstile.enter("ann", limits)
    assert (refused.value.status, refused.value.retry_after_s) == (429, 1)
    turnstile.enter("bob", limits)
    now[0] += 0.5
    turnstile.enter("ann", limits)
    one = Limits(rate=100.0, burst=100, concurrency=1)
    turnstile.enter("eve", one)
    with pytest.raises(Refusal):
        turnstile.enter("eve", one)
    turnstile.leave("eve")
    turnstile.enter("eve", one)


async def test_rate_is_answered_with_429_and_when() -> None:
    async with client_of(served_by(FakeFiller(["1"])), Doors(limits=Limits(rate=0.1, burst=2))) as client:
        codes = [(await client.post("/v1/fill", json=FILL)).status_code for _ in range(2)]
        refused = await client.post("/v1/fill", json=FILL)
    assert codes == [200, 200]
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1


def test_keys_are_hashed_at_rest_and_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "keys.json"
    token = add_key(path, "ann", Limits(context_tokens=500))
    assert token not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    keys = Keys(path, {})
    found = keys.holder(token)
    assert found is not None
    assert found.limits.context_tokens == 500
    assert keys.holder(token + "x") is None
    with pytest.raises(InputError, match="already"):
        add_key(path, "ann", Limits())
    other = add_key(path, "bob", Limits())
    assert keys.holder(other) is not None, "a running server sees a new key"
    remove_key(path, "ann")
    assert keys.holder(token) is None
    with pytest.raises(InputError, match="known are bob"):
        remove_key(path, "ann")


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 65, "-a", "a\n"])
def test_names_of_keys_are_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="no name"):
        add_key(tmp_path / "keys.json", name, Limits())
    assert not (tmp_path / "keys.json").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"keys": [{}]}', '{"keys": [{"name": "a", "sha256": "short"}]}'])
def test_a_damaged_file_of_keys_is_said_and_lets_nobody_in(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"keys\.json"):
        read_keys(path)


@pytest.mark.parametrize("value", ["ann", "ann:short", f":{TOKEN}", f"a b:{TOKEN}"])
def test_keys_of_the_environment_are_checked_and_not_repeated(value: str) -> None:
    with pytest.raises(InputError) as wrong:
        Keys(None, {VARIABLE: value})
    assert TOKEN not in str(wrong.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "gpu.example"])
def test_an_address_of_others_needs_keys(host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    settings = ServeSettings(host=host, keys_file=tmp_path / "none.json")
    with pytest.raises(InputError, match="keys add"):
        settings.doors()
    monkeypatch.setenv(VARIABLE, f"ann:{TOKEN}")
    assert settings.doors().keys.any


def test_loopback_is_told_from_other_addresses() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "localhost.evil.example", "")))


def test_a_certificate_that_is_none_is_said(tmp_path: Path) -> None:
    path = tmp_path / "cert.pem"
    path.write_text("no certificate")
    with pytest.raises(InputError, match="cannot be used"):
        ServeSettings(certificate=path).check_certificate()
    with pytest.raises(InputError, match="--certificate FILE"):
        ServeSettings(certificate_key=path).check_certificate()


async def test_a_stream_shows_states_and_ends_in_the_fill() -> None:
    async with client_of(served_by(FakeFiller(["alpha beta"], steps=4))) as client:
        reply = await client.post("/v1/fill", json={**FILL, "stream": True})
    events = list(events_of(reply.text))
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert events[-1][0] == "fill"
    assert events[-1][1]["candidates"][0]["texts"] == ["alpha beta"]
    states = [data for name, data in events if name == "state"]
    assert states
    assert states == sorted(states, key=lambda state: state["step"])
    assert states[-1]["holes"][0][0] == {"text": "alpha", "confidence": states[-1]["step"] / 4, "open": False}


async def test_what_goes_wrong_in_a_stream_is_its_last_event() -> None:
    async with client_of(served_by(FakeFiller(["1"]))) as client:
        reply = await client.post("/v1/fill", json={**FILL, "file": ".env", "stream": True})
    ((name, data),) = events_of(reply.text)
    assert name == "error"
    assert data["error"]["code"] == 403
