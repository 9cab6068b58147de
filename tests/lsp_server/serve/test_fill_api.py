"""`POST /v1/fill`: several holes, languages, and the same text that the command line would write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.code.syntax.guessing import guessed
from lsp_server.serve.api.openapi import description, page
from tests.fakes import FakeFiller
from tests.lsp_server.serve.serving import client_of, served_by


async def filled(filler: FakeFiller, **body: Any) -> dict[str, Any]:
    async with client_of(served_by(filler)) as client:
        reply = await client.post("/v1/fill", json=body)
    assert reply.status_code == 200, reply.text
    found = reply.json()
    assert isinstance(found, dict)
    return found


async def test_several_holes_are_filled_together() -> None:
    filler = FakeFiller(["1", "2"], others=[["3", "4"]])
    reply = await filled(filler, pieces=["a = ", "\nb = ", "\n"], candidates=2, language="python", seed=7)
    assert [candidate["texts"] for candidate in reply["candidates"]] == [["1", "2"], ["3", "4"]]
    (request,) = filler.requests
    assert request.template.pieces == ("a = ", "\nb = ", "\n")
    assert request.seed == 7
    assert reply["version"] == 1
    assert reply["model"] == "fake"
    assert reply["outcome"] == "done"
    assert set(reply["ms"]) == {"queue", "cut", "prefill", "denoise", "total"}


async def test_every_wish_of_a_hole_reaches_the_model() -> None:
    filler = FakeFiller(["b"])
    hole = {
        "old_text": "c",
        "length_tokens": 3,
        "max_lines": 2,
        "tie": "t",
        "strength": 0.5,
        "stop": "balanced",
        "must_match": ".",
    }
    await filled(filler, pieces=["a = ", "\n"], holes=[hole], language="python")
    (made,) = filler.requests[0].template.holes
    assert {name: getattr(made, name) for name in hole} == hole


@pytest.mark.parametrize(("body", "language"), [
    ({"language": "rust"}, "rust"),
    ({"language": "typescriptreact"}, "tsx"),
    ({"file": "src/a.go"}, "go"),
    ({"file": "C:\\src\\A.java"}, "java"),
    ({"language": "klingon", "file": "x.py"}, "python"),
    ({"file": "notes.unknown"}, "plain"),
    ({}, "python"),
])  # fmt: skip
async def test_the_language_is_told_named_or_guessed(body: dict[str, Any], language: str) -> None:
    filler = FakeFiller(["1"])
    await filled(filler, pieces=["def f():\n    return ", "\n"], **body)
    assert filler.requests[0].language == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("def f(x):\n    if x:\n        return 1\n", "python"),
        ("const f = (x) => {\n  return x + 1;\n};\n", "javascript"),
        ("interface A { b: string }\nconst c: A = { b: 'd' };\n", "typescript"),
        ("package main\n\nfunc main() {\n\tfmt.Println(1)\n}\n", "go"),
        ('fn main() {\n    let x: u32 = 5;\n    println!("{}", x);\n}\n', "rust"),
        ('#include <stdio.h>\nint main(void) {\n  printf("x");\n  return 0;\n}\n', "c"),
        ("<?php\necho 1;\n", "php"),
        ("local x = 1\nfunction f(a)\n  return a + x\nend\n", "lua"),
        ("This is a letter. It says: hello! And it's signed by nobody, of course; (maybe\n", "plain"),
        ("", "plain"),
    ],
)
def test_languages_are_known_by_their_grammar(text: str, language: str) -> None:
    assert guessed(text.encode(), [len(text) // 2]).name == language


@given(text=st.binary(max_size=80))
def test_any_bytes_are_guessed_about(text: bytes) -> None:
    assert guessed(text, [len(text)]).name


async def test_a_cursor_gets_what_an_editor_shows_to_who_types() -> None:
    broken = await filled(FakeFiller(["1 +"]), pieces=["def f():\n    return ", "\n"], cursor=True, language="python")
    assert broken["candidates"] == []
    assert broken["reason"]
    asked = await filled(FakeFiller(["1 +"]), pieces=["def f():\n    return ", "\n"], language="python")
    assert asked["candidates"][0]["parses"] is False


async def test_secret_files_are_not_copied_from() -> None:
    filler = FakeFiller(["1"])
    files = [
        {"file": ".env", "text": "KEY=1"},
        {"file": "b.py", "text": "B = 1"},
        {"file": "x/.ssh/id_rsa", "text": "K"},
    ]
    await filled(filler, pieces=["a = ", "\n"], other_files=files)
    assert filler.requests[0].other_files == ("B = 1",)


async def test_the_time_is_bounded_by_the_servers() -> None:
    filler = FakeFiller(["1"])
    await filled(filler, pieces=["a = ", "\n"], max_time_s=1e9)
    await filled(filler, pieces=["b = ", "\n"], max_time_s=0.5)
    assert [request.budget.max_time_s for request in filler.requests] == [10.0, 0.5]


async def test_a_newer_request_of_the_document_answers_the_older_one_with_409() -> None:
    import asyncio

    from tests.lsp_server.serve.serving import HeldFiller
    from tests.lsp_server.serve.test_desk import begun

    filler = HeldFiller(["1"])
    async with client_of(served_by(filler)) as client:
        body = {"document": "a.py", "pieces": ["a = ", "\n"]}
        older = asyncio.ensure_future(client.post("/v1/fill", json=body))
        await begun(filler)
        newer = asyncio.ensure_future(client.post("/v1/fill", json={**body, "pieces": ["a = 1", "\n"]}))
        assert (await older).status_code == 409
        filler.let_go.set()
        assert (await newer).status_code == 200


def test_every_reference_of_the_description_leads_somewhere() -> None:
    described = description("1")
    text = json.dumps(described)
    names = set(described["components"]["schemas"])
    referred = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred <= names
    assert "/v1/fill" in described["paths"]
    shown = page("1")
    assert all(f"id='{name}'" in shown for name in names)
