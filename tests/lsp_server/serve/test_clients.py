"""Requests as clients send them (fixtures/clients): each gets the same text, in the form that its client reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lsp_server.serve.replies import NOT_HONOURED
from tests.fakes import FakeFiller
from tests.lsp_server.serve.serving import at, client_of, events_of, served_by

FOLDER = Path(__file__).parents[3] / "fixtures" / "clients"
RECORDED = sorted(FOLDER.glob("*.json"))
TEXT = "width * height * depth"
PREFIX_END, SUFFIX_START = "volume(width, height, depth):\n    return ", "\n\n\nprint(volume(2, 3, 4))\n"


def recorded(name: str) -> dict[str, Any]:
    found = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def text_in(reply: str, told: dict[str, Any]) -> str:
    """The text of a reply: of one object, or of all events or lines of a stream together."""
    if told.get("stream") == "sse":
        events = list(events_of(reply))
        assert events[-1][1] == "[DONE]"
        return "".join(at(data, told["text"]) for _, data in events[:-1])
    if told.get("stream") == "lines":
        lines = [json.loads(line) for line in reply.splitlines()]
        assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
        return "".join(at(line, told["text"]) for line in lines)
    found = at(json.loads(reply), told["text"])
    assert isinstance(found, str)
    return found


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_each_client_gets_the_text_in_its_own_form(path: Path) -> None:
    told = recorded(path.stem)
    filler = FakeFiller([TEXT], others=[["width * depth"]])
    async with client_of(served_by(filler)) as client:
        reply = await client.post(told["path"], json=told["body"])
    assert reply.status_code == 200, reply.text
    assert reply.headers.get(NOT_HONOURED) == told["not_honoured"]
    if told["text"] is None:
        assert not filler.requests
        return
    before, after = told.get("wrap", ("", ""))
    assert text_in(reply.text, told) == f"{before}{TEXT}{after}"
    (request,) = filler.requests
    assert request.template.pieces[0].endswith(PREFIX_END)
    assert request.template.pieces[1].rstrip() == SUFFIX_START.rstrip()
    assert request.language == "python"


@pytest.mark.parametrize("name", ["llama.vim", "continue-qwen-files", "tabby"])
async def test_other_files_of_a_client_reach_the_model(name: str) -> None:
    told, filler = recorded(name), FakeFiller([TEXT])
    async with client_of(served_by(filler)) as client:
        await client.post(told["path"], json=told["body"])
    assert [text.strip() for text in filler.requests[0].other_files] == [
        "def perimeter(width, height):\n    return 2 * (width + height)"
    ]


async def test_llama_vscode_gets_a_list_for_several() -> None:
    told = recorded("llama.vscode")
    async with client_of(served_by(FakeFiller([TEXT], others=[["width + depth"]]))) as client:
        reply = await client.post(told["path"], json=told["body"])
    assert [entry["content"] for entry in reply.json()] == [TEXT, "width + depth"]


async def test_llama_vim_gets_the_fields_it_asks_for_under_their_paths() -> None:
    told = recorded("llama.vim")
    async with client_of(served_by(FakeFiller([TEXT]))) as client:
        reply = (await client.post(told["path"], json=told["body"])).json()
    assert set(reply) == set(told["body"]["response_fields"])


async def test_a_context_is_read_ahead_where_nothing_is_to_be_predicted() -> None:
    read: list[tuple[str, ...]] = []

    class Reader(FakeFiller):
        def read_ahead(self, template: Any, *, stop: Any) -> bool:
            read.append(template.pieces)
            return True

    filler = Reader([TEXT])
    async with client_of(served_by(filler)) as client:
        reply = await client.post("/infill", json={"input_prefix": "a = ", "input_suffix": "\nb", "n_predict": 0})
    assert reply.json()["content"] == ""
    assert read == [("a = ", "\nb")]
    assert not filler.requests


async def test_mercury_edit_rewrites_a_region_without_a_cursor() -> None:
    content = "<|current_file_content|>\nx = 1\n<|code_to_edit|>\ny = x\n<|/code_to_edit|>\n<|/current_file_content|>"
    filler = FakeFiller(["y = x + 1"])
    async with client_of(served_by(filler)) as client:
        reply = await client.post("/v1/edit/completions", json={"messages": [{"role": "user", "content": content}]})
    assert reply.json()["choices"][0]["message"]["content"] == "```\ny = x + 1\n```"
    assert filler.requests[0].template.holes[0].strength < 1


async def test_mercury_edit_says_none_where_nothing_is_better() -> None:
    content = "<|current_file_content|>\nx = 1\n<|code_to_edit|>\ny = x\n<|/code_to_edit|>\n<|/current_file_content|>"
    async with client_of(served_by(FakeFiller(["y = x"]))) as client:
        reply = await client.post("/v1/edit/completions", json={"messages": [{"role": "user", "content": content}]})
    assert reply.json()["choices"][0]["message"]["content"] == "None"


async def test_tabby_health_events_and_setting() -> None:
    served, told = served_by(FakeFiller([TEXT])), recorded("tabby")
    async with client_of(served) as client:
        made = (await client.post(told["path"], json=told["body"])).json()
        health = (await client.get("/v1/health")).json()
        setting = (await client.get("/v1beta/server_setting")).json()
        for kind in ("view", "view", "select", "select"):
            event = {"type": kind, "completion_id": made["id"], "choice_index": 0, "view_id": "1", "elapsed": 10}
            assert (await client.post("/v1/events", json=event)).status_code == 200
        unknown = await client.post("/v1/events", json={"type": "select", "completion_id": "of nobody"})
    assert health["model"] == "fake"
    assert health["device"] == "cpu"
    assert setting == {"disable_client_side_telemetry": True}
    assert unknown.status_code == 200
    counts = served.events.metrics.take()
    assert counts == {
        "requests": 1,
        "suggested": 1,
        "shown": 1,
        "shown characters": len(TEXT),
        "accepted": 1,
        "accepted characters": len(TEXT),
    }
    async with client_of(served) as client:
        made = (await client.post(told["path"], json=told["body"])).json()
        await client.post("/v1/events", json={"type": "select", "completion_id": made["id"], "choice_index": 0})
    counts = served.events.metrics.take()
    assert (counts["shown"], counts["accepted"]) == (1, 1), "what is selected was shown, told or not"


async def test_ollama_lists_shows_and_loads() -> None:
    async with client_of(served_by(FakeFiller([TEXT]))) as client:
        await client.post("/v1/fill", json={"pieces": ["a = ", "\n"]})
        tags = (await client.get("/api/tags")).json()
        shown = (await client.post("/api/show", json={"name": "qwen2.5-coder:1.5b"})).json()
        version = (await client.get("/api/version")).json()
        load = (await client.post("/api/generate", json={"model": "any"})).json()
    assert [model["name"] for model in tags["models"]] == ["fake"]
    assert ".Suffix" in shown["template"]  # by that Continue learns that suffixes are welcome
    assert version["version"].count(".") == 2
    assert load["done"] is True
    assert load["done_reason"] == "load"


async def test_every_form_of_models_and_state() -> None:
    async with client_of(served_by(FakeFiller([TEXT]))) as client:
        await client.post("/v1/fill", json={"pieces": ["a = ", "\n"]})
        assert (await client.get("/v1/models")).json()["data"][0]["id"] == "fake"
        assert (await client.get("/health")).json() == {"status": "ok"}
        assert (await client.get("/props")).json()["model_alias"] == "fake"
        metrics = (await client.get("/metrics")).text
    assert 'dlm_fill_asks_total{outcome="done"} 1.0' in metrics


async def test_stops_and_limits_end_a_text() -> None:
    async with client_of(served_by(FakeFiller(["one + two + three"]))) as client:
        body: dict[str, Any] = {"prompt": "x = ", "suffix": "\ny = 2\n"}
        stopped = (await client.post("/v1/completions", json={**body, "stop": [" + three", "never"]})).json()
        short = (await client.post("/v1/completions", json={**body, "max_tokens": 3})).json()
    assert stopped["choices"][0] == {"index": 0, "text": "one + two", "logprobs": None, "finish_reason": "stop"}
    assert short["choices"][0]["text"] == "one +"[: len(short["choices"][0]["text"])]
    assert short["choices"][0]["finish_reason"] == "length"


async def test_several_choices_and_the_users_model_name() -> None:
    filler = FakeFiller([TEXT], others=[["width"], ["depth"]])
    async with client_of(served_by(filler)) as client:
        body = {"model": "my-model", "prompt": "x = ", "suffix": "\n", "n": 3, "temperature": 0.7}
        reply = await client.post("/v1/completions", json=body)
    assert [choice["text"] for choice in reply.json()["choices"]] == [TEXT, "width", "depth"]
    assert reply.json()["model"] == "my-model"
    assert reply.headers["x-dlm-fill-model"] == "fake"
    assert reply.headers[NOT_HONOURED] == "temperature"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", {"prompt": "x = ", "suffix": "\n"}),
        ("/infill", {"input_prefix": "x = ", "input_suffix": "\n"}),
        ("/api/generate", {"prompt": "x = ", "suffix": "\n", "stream": False}),
        ("/v1/completions", {"segments": {"prefix": "x = "}}),
    ],
)
async def test_where_nothing_fits_the_text_is_empty(path: str, body: dict[str, Any]) -> None:
    async with client_of(served_by(FakeFiller([]))) as client:
        reply = await client.post(path, json=body)
    assert reply.status_code == 200
    assert '"text":""' in reply.text.replace(" ", "") or '""' in reply.text


async def test_line_ends_are_those_of_the_request() -> None:
    async with client_of(served_by(FakeFiller(["a = 1\n    b = 2"]))) as client:
        body = {"prompt": "def f():\r\n    ", "suffix": "\r\n    return a\r\n"}
        reply = (await client.post("/v1/completions", json=body)).json()
    assert reply["choices"][0]["text"].startswith("a = 1\r\n")
    assert "\n" not in reply["choices"][0]["text"].replace("\r\n", "")
