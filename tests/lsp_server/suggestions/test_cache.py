"""What is answered without a model: the same state again, and a text that is being typed."""

from __future__ import annotations

import random

import pytest

from lsp_server.suggestions.cache import Cache, CachedSuggestions, State
from lsp_server.suggestions.suggestion import Suggestion

URI = "file:///a.py"


def cache_for(document: str, *texts: str, closers: str = "", replaces: int = 0, asked: int = 1) -> Cache:
    """A cache that knows `texts` for the cursor `‸` in `document`."""
    before, _, after = document.partition("‸")
    cache, source = Cache(), (before + after).encode()
    made = CachedSuggestions(suggestions=tuple(Suggestion(text=t, replaces=replaces) for t in texts), asked=asked)
    cache.put(URI, State.of(source, len(before.encode()), closers), made)
    return cache


def found(cache: Cache, document: str, *, asked: int = 1, uri: str = URI) -> list[tuple[str, int]] | None:
    """(text, replaced bytes) of what is known for `‸` in `document`; None: the model has to be asked."""
    before, _, after = document.partition("‸")
    made = cache.find(uri, (before + after).encode(), len(before.encode()), asked=asked)
    return None if made is None else [(s.text, s.replaces) for s in made.suggestions]


def test_the_same_state_is_answered_and_no_other() -> None:
    cache = cache_for("x = ‸\ny\n", "value")
    assert found(cache, "x = ‸\ny\n") == [("value", 0)]
    for other in ("z = ‸\ny\n", "x = ‸\nz\n", "x =‸ \ny\n", "x = w‸\ny\n", "x = ‸y\n", "x = ‸\ny", "\nx = ‸\ny\n"):
        assert found(cache, other) is None, other
    assert found(cache, "x = ‸\ny\n", uri="file:///b.py") is None


def test_what_is_typed_as_suggested_shrinks_it_to_the_end() -> None:
    text = "naïve(😀) + 1"
    cache = cache_for("x = ‸\ny\n", text)
    for typed in range(1, len(text)):
        assert found(cache, f"x = {text[:typed]}‸\ny\n") == [(text[typed:], 0)]
    assert found(cache, f"x = {text}‸\ny\n") is None  # all is typed: there is nothing left to say
    assert found(cache, "x = ni‸\ny\n") is None
    assert found(cache, "x = na‸\nz\n") is None


def test_backspace_finds_the_earlier_state_and_the_text_typed_before_it() -> None:
    cache = cache_for("x = ‸\n", "value + 1")
    assert found(cache, "x = va‸\n") == [("lue + 1", 0)]
    assert found(cache, "x = vax‸\n") is None
    assert found(cache, "x = va‸\n") == [("lue + 1", 0)]
    assert found(cache, "x = ‸\n") == [("value + 1", 0)]
    assert found(cache, "x =‸\n") is None


def test_only_suggestions_that_begin_so_remain() -> None:
    cache = cache_for("‸\n", "return x", "raise x", "pass")
    assert found(cache, "r‸\n") == [("eturn x", 0), ("aise x", 0)]
    assert found(cache, "ra‸\n") == [("ise x", 0)]


def test_a_closer_that_the_editor_adds_while_typing_is_replaced() -> None:
    cache = cache_for("x = ‸\n", "f(a) + 1")
    assert found(cache, "x = f(‸)\n") == [("a) + 1", 1)]
    assert found(cache, "x = f(a‸)\n") == [(") + 1", 1)]
    assert found(cache, "x = f(a)‸\n") == [(" + 1", 0)]  # typed over: it is gone again
    assert found(cache, "x = f(‸]\n") is None
    assert found(cache, "x = f‸)\n") is None  # the suggestion closes its own only


def test_a_closer_that_the_suggestion_does_not_say_again_is_not_swallowed() -> None:
    cache = cache_for("x = ‸\n", "f(a, b")
    assert found(cache, "x = f(‸)\n") is None


def test_closers_that_stood_there_may_be_typed_over() -> None:
    cache = cache_for("f(‸)\n", "a) + b", closers=")", replaces=1)
    assert found(cache, "f(‸)\n") == [("a) + b", 1)]
    assert found(cache, "f(a‸)\n") == [(") + b", 1)]
    assert found(cache, "f(a)‸\n") == [(" + b", 0)]
    assert found(cache, "f(a) +‸\n") == [(" b", 0)]


def test_who_asks_for_several_is_not_answered_with_what_was_made_for_one() -> None:
    assert found(cache_for("‸\n", "a", asked=1), "‸\n", asked=3) is None
    assert found(cache_for("‸\n", "a", asked=3), "‸\n", asked=1) == [("a", 0)]


def test_that_nothing_was_found_is_remembered_for_that_state_only() -> None:
    cache = cache_for("x = ‸\n")
    assert found(cache, "x = ‸\n") == []
    assert found(cache, "x = a‸\n") is None


def test_what_was_made_here_goes_before_what_remains_of_another() -> None:
    cache = cache_for("x = ‸\n", "value")
    source = b"x = v\n"
    cache.put(URI, State.of(source, 5), CachedSuggestions(suggestions=(Suggestion(text="ery"),), asked=1))
    assert found(cache, "x = va‸\n") == [("lue", 0)]
    assert found(cache, "x = v‸\n") == [("ery", 0)]


def test_memory_is_bounded_and_the_least_used_goes_first() -> None:
    cache = Cache(most_entries=3, most_bytes=5_000)

    def put(name: str, size: int = 1) -> None:
        cache.put(
            URI, State.of(name.encode(), 1), CachedSuggestions(suggestions=(Suggestion(text="y" * size),), asked=1)
        )

    for name in "abc":
        put(name)
    assert found(cache, "a‸") == [("y", 0)]
    put("d")
    assert [name for name in "abcd" if found(cache, f"{name}‸") is not None] == ["a", "c", "d"]
    put("e", size=4_500)
    assert len(cache) == 1 + (found(cache, "d‸") is not None)
    put("f", size=100_000)
    assert len(cache) == 0


def test_a_closed_document_is_forgotten() -> None:
    cache = cache_for("x = ‸\n", "value")
    cache.drop(URI)
    assert found(cache, "x = ‸\n") is None
    assert len(cache) == 0


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_edited_an_answer_leads_to_the_document_that_was_suggested(seed: int) -> None:
    """Random edits after a suggestion: whatever the cache says then, accepted, gives the very document as suggested first."""
    choice = random.Random(seed)
    before, after, text = "f(x)\na = g", ")\nprint(1)\n", "(b, [c]) + h(d)"
    source = (before + after).encode()
    suggested = (before + text + after[1:]).encode()
    cache = Cache()
    cache.put(
        URI,
        State.of(source, len(before), ")"),
        CachedSuggestions(suggestions=(Suggestion(text=text + "", replaces=1),), asked=1),
    )
    answers = 0
    for _ in range(400):
        now = bytearray(source)
        cursor = len(before)
        for _ in range(choice.randrange(8)):
            typed = chr(suggested[cursor]) if choice.random() < 0.9 else choice.choice("()x\n 😀")
            if choice.random() < 0.3 and now[cursor : cursor + 1] == typed.encode():
                cursor += 1  # typed over
                continue
            closer = {"(": ")", "[": "]"}.get(typed, "") if choice.random() < 0.5 else ""
            now[cursor:cursor] = (typed + closer).encode()
            cursor += len(typed.encode())
        made = cache.find(URI, bytes(now), cursor, asked=1)
        for suggestion in made.suggestions if made else ():
            answers += 1
            accepted = bytes(now[:cursor]) + suggestion.text.encode() + bytes(now[cursor + suggestion.replaces :])
            assert accepted == suggested
    assert answers > 20
