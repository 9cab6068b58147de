"""What each service is sent, field by field, and how its answers are read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from model.backends.remote.address import parse_address
from model.backends.remote.mercury import Mercury
from model.backends.remote.transport import Transport
from model.errors import BadReply, BadRequest
from model.types import DraftToken, FillEvent, FillRequest, Hole, Template
from tests.model.backends.remote.conftest import KEY, SECRET, Open
from tests.model.backends.remote.server import Reply, Server


def request(*pieces: str, hole: Hole | None = None, **more: Any) -> FillRequest:
    holes = (hole or Hole(max_lines=1),) * (len(pieces) - 1)
    return FillRequest(template=Template(pieces=pieces, holes=holes), **more)


def text(said: str, index: int = 0) -> dict[str, Any]:
    return {"choices": [{"text": said, "index": index}]}


ONE = request("def f(x):\n    return ", "\n", seed=7)


def test_completions_are_asked_with_every_field(server: Server, opened: Open) -> None:
    server.script = [Reply(events=[text("x "), text("+ 1")])]
    fill = opened("openai", url=f"{server.url}/v1").fill(ONE)
    (asked,) = server.asked
    assert asked.path == "/v1/completions"
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert asked.headers["content-type"] == "application/json"
    assert asked.body == {
        "model": "coder", "prompt": "def f(x):\n    return ", "suffix": "\n", "max_tokens": 96, "temperature": 0.0,
        "n": 1, "seed": 7, "stream": True, "stop": ["\n"],
    }  # fmt: skip
    assert [c.texts for c in fill.candidates] == [("x + 1",)]
    assert fill.stopped == "done"


def test_mercury_is_asked_with_every_field(server: Server, opened: Open) -> None:
    server.script = [Reply(events=[text("x + 1")])]
    fill = opened("mercury", model="mercury-edit-2").fill(ONE)
    (asked,) = server.asked
    assert asked.path == "/fim/completions"
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert asked.body == {
        "model": "mercury-edit-2", "prompt": "def f(x):\n    return ", "suffix": "\n", "max_tokens": 96,
        "temperature": 0.0, "stream": True, "stop": ["\n"],
    }  # fmt: skip
    assert fill.candidates[0].texts == ("x + 1",)


@pytest.mark.parametrize("model", ["", "coder"])
def test_llamacpp_is_asked_with_every_field(server: Server, opened: Open, model: str) -> None:
    pings = [b": ping\n\n", {"content": "x ", "stop": False}, {"content": "+ 1", "stop": True, "timings": {}}]
    server.script = [Reply(events=pings)]
    fill = opened("llamacpp", model=model, key=None).fill(ONE)
    (asked,) = server.asked
    assert asked.path == "/infill"
    assert "authorization" not in asked.headers
    assert asked.body == {
        "input_prefix": "def f(x):\n    return ", "input_suffix": "\n", "input_extra": [], "n_predict": 96,
        "temperature": 0.0, "seed": 7, "cache_prompt": True, "stream": True, "stop": ["\n"],
        **({"model": model} if model else {}),
    }  # fmt: skip
    assert fill.candidates[0].texts == ("x + 1",)


@pytest.mark.parametrize("kind", ["llamacpp", "openai", "mercury"])
def test_text_from_elsewhere_is_never_sent(server: Server, opened: Open, kind: str) -> None:
    server.script = [Reply(events=[{"content": "1", "stop": True, "choices": [{"text": "1"}]}])]
    filler = opened(kind)
    assert not filler.info.reads_other_files
    filler.fill(request("a = ", "\n", extra_context=("elsewhere",), other_files=("in another file",)))
    assert "elsewhere" not in str(server.asked[0].body)
    assert "in another file" not in str(server.asked[0].body)


def test_a_gap_of_several_lines_has_no_stop_and_a_given_length_is_the_limit(server: Server, opened: Open) -> None:
    server.script = [Reply(events=[text("a\nb\n")])]
    fill = opened().fill(request("", "", hole=Hole(length_tokens=33)))
    assert server.asked[0].body["max_tokens"] == 33
    assert "stop" not in server.asked[0].body
    assert fill.candidates[0].texts == ("a\nb\n",)


def test_a_server_that_does_not_stream_is_understood(server: Server, opened: Open) -> None:
    server.script = [Reply(body=text("x + 1"), headers={"content-type": "application/json"})]
    assert opened().fill(ONE).candidates[0].texts == ("x + 1",)


def test_what_streams_in_is_shown(server: Server, opened: Open) -> None:
    server.script = [Reply(events=[text("x "), text("+ 1")])]
    events: list[FillEvent] = []
    opened().fill(ONE, on_event=events.append)
    assert [event.step for event in events] == [1, 2]
    written, still_open = events[-1].holes[0]
    assert written == DraftToken(text="x + 1", confidence=1.0, open=False)
    assert still_open.open, "a mask stands behind it: more may come"


def test_enough_lines_end_the_stream(server: Server, opened: Open) -> None:
    server.script = [Reply(events=[text("a = 1\nb"), text(" = 2\nc = 3")], then="hold")]
    fill = opened().fill(request("", "", hole=Hole(max_lines=2)))
    assert fill.candidates[0].texts == ("a = 1\nb = 2",)
    assert server.client_left.wait(20)


def test_several_candidates_in_two_calls_where_the_service_can(server: Server, opened: Open) -> None:
    # Which call comes first is open, so both are answered alike.
    answer = Reply(events=[text("a"), text("b", 1), text("zzz", 2)])
    server.script = [answer, answer]
    fill = opened().fill(request("x = ", "\n", candidates=3, seed=5))
    bodies = sorted((asked.body for asked in server.asked), key=lambda body: body["n"])
    assert [(b["n"], b["temperature"], b["seed"]) for b in bodies] == [(1, 0.0, 5), (2, 0.8, 6)]
    assert {c.texts for c in fill.candidates} == {("a",), ("b",)}


def test_several_candidates_in_several_calls_where_it_cannot(server: Server, opened: Open) -> None:
    server.script = [Reply(events=[text(word)]) for word in ("a", "b", "a")]
    fill = opened("mercury").fill(request("x = ", "\n", candidates=3))
    assert sorted(asked.body["temperature"] for asked in server.asked) == [0.0, 0.8, 0.8]
    assert sorted(c.texts for c in fill.candidates) == [("a",), ("b",)]


def test_what_parses_comes_first(server: Server, opened: Open) -> None:
    answer = Reply(events=[text("("), text("b", 1)])
    server.script = [answer, answer]
    fill = opened().fill(request("x = ", "\n", candidates=3, parses=lambda texts: texts != ("(",)))
    assert [(c.texts, c.parses) for c in fill.candidates] == [(("b",), True), (("(",), False)]


def test_several_holes_one_after_the_other_with_earlier_fills_in_place(server: Server, opened: Open) -> None:
    server.script = [Reply(events=[text("int")]), Reply(events=[text("str")])]
    events: list[FillEvent] = []
    fill = opened().fill(request("def f(a: ", ", b: ", "): ...\n"), on_event=events.append)
    assert [(a.body["prompt"], a.body["suffix"]) for a in server.asked] == [
        ("def f(a: ", ", b: ): ...\n"),
        ("def f(a: int, b: ", "): ...\n"),
    ]
    assert fill.candidates[0].texts == ("int", "str")
    decided = [[t.text for hole in event.holes for t in hole if not t.open] for event in events]
    assert decided == [["int"], ["int", "str"]]
    assert all(any(t.open for t in event.holes[-1]) for event in events), "masks stand where something is to come"


def test_tied_holes_get_one_text(server: Server, opened: Open) -> None:
    server.script = [Reply(events=[text("total")])]
    fill = opened().fill(request("", " = 1\nprint(", ")\n", hole=Hole(max_lines=1, tie="name")))
    assert fill.candidates[0].texts == ("total", "total")


def test_a_gap_ends_where_its_brackets_are_balanced(server: Server, opened: Open) -> None:
    server.script = [Reply(events=[text("f(a, [1"), text("]) + g(x)")], then="hold")]
    fill = opened().fill(request("y = ", "\n", hole=Hole(stop="balanced")))
    assert fill.candidates[0].texts == ("f(a, [1])",)
    assert server.client_left.wait(20)


def test_pinned_text_stays_and_is_context(server: Server, opened: Open) -> None:
    server.script = [Reply(events=[text("left")]), Reply(events=[text("right")])]
    events: list[FillEvent] = []
    hole = Hole(old_text="a + b", pinned=((1, 4),))
    fill = opened().fill(request("x = ", "\n", hole=hole), on_event=events.append)
    assert [(a.body["prompt"], a.body["suffix"]) for a in server.asked] == [("x = ", " + \n"), ("x = left + ", "\n")]
    assert fill.candidates[0].texts == ("left + right",)
    assert ["".join(token.text for token in event.holes[0]) for event in events] == ["left + ", "left + right"]


def test_what_does_not_match_is_left_out(server: Server, opened: Open) -> None:
    server.script = [Reply(events=[text("not a name")])]
    assert opened().fill(request("", "\n", hole=Hole(must_match=r"\w+"))).candidates == ()


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (request("", "", sampler="threshold"), "leave out --sampler"),
        (request("", "", steps=4), "leave out --sampler and --steps"),
        (request("", "", hole=Hole(old_text="ab", strength=0.5)), "use a strength of 1"),
        (request("", "", hole=Hole(must_match="(")), "makes no sense"),
    ],
)
def test_what_it_cannot_do_is_refused_before_anything_is_sent(
    server: Server, opened: Open, wish: FillRequest, says: str
) -> None:
    with pytest.raises(BadRequest, match=says):
        opened().fill(wish)
    assert server.asked == []


def message(said: str) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": said}}]}


REWRITE = request("import os\nx = ", "  # six\ny = 1\n", hole=Hole(old_text="1 +\n 5", strength=0.5))


def test_mercury_rewrites_by_edit(server: Server, opened: Open) -> None:
    server.script = [Reply(body=message("```python\nx = 2 * 3  # six\n```"))]
    fill = opened("mercury").fill(REWRITE)
    (asked,) = server.asked
    assert asked.path == "/edit/completions"
    assert asked.body == {
        "model": "coder",
        "messages": [{"role": "user", "content": (
            "<|recently_viewed_code_snippets|>\n<|/recently_viewed_code_snippets|>\n"
            "<|current_file_content|>\nimport os\n<|code_to_edit|>\nx = <|cursor|>1 +\n 5  # six\n<|/code_to_edit|>\n"
            "y = 1\n\n<|/current_file_content|>\n<|edit_diff_history|>\n<|/edit_diff_history|>"
        )}],
        "max_tokens": 512,
        "temperature": 0.0,
    }  # fmt: skip
    assert fill.candidates[0].texts == ("2 * 3",)


def test_mercury_may_leave_it_as_it_is(server: Server, opened: Open) -> None:
    server.script = [Reply(body=message(" None\n"))]
    assert opened("mercury").fill(REWRITE).candidates[0].texts == ("1 +\n 5",)


@pytest.mark.parametrize("said", ["x = 2 * 3  # six", "```\ny = 2 * 3\n```"])
def test_an_edit_that_is_none_is_no_fill(server: Server, opened: Open, said: str) -> None:
    server.script = [Reply(body=message(said))]
    with pytest.raises(BadReply, match="the mercury protocol"):
        opened("mercury").fill(REWRITE)


def test_mercury_edits_few_lines_and_no_tags(server: Server, opened: Open) -> None:
    many, tag = "\n" * 15, "<|cursor|>"
    for old, says in ((many, "15 lines at most, not 16"), (tag, "prompts are made of")):
        with pytest.raises(BadRequest, match=says):
            opened("mercury").fill(request("", "", hole=Hole(old_text=old, strength=0.5)))
    assert server.asked == []


def test_mercury_applies_an_update(server: Server) -> None:
    server.script = [Reply(body=message("```python\na = 2\nb = 1\n```"))]

    async def applied() -> str:
        mercury = Mercury(Transport(parse_address(f"mercury:{server.url}#coder"), KEY))
        try:
            return await mercury.apply("a = 1\nb = 1", "a = 2\n# ... existing code ...")
        finally:
            await mercury.close()

    assert asyncio.run(applied()) == "a = 2\nb = 1"
    (asked,) = server.asked
    assert asked.path == "/apply/completions"
    assert asked.body["messages"] == [{"role": "user", "content": (
        "<|original_code|>\na = 1\nb = 1\n<|/original_code|>\n\n"
        "<|update_snippet|>\na = 2\n# ... existing code ...\n<|/update_snippet|>"
    )}]  # fmt: skip
    assert set(asked.body) == {"model", "messages", "max_tokens", "temperature"}
