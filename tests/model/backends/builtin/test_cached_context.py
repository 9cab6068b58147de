from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.backend import Context, ModelSpec
from model.backends.builtin.backend import CONTEXTS, CausalBackend
from model.backends.builtin.cached_context import FLOOR, CausalContext
from model.backends.builtin.prompt import FimTokens
from model.canvas import Canvas
from tests.model.backends.builtin.fake_cache import FakeCache, log_probs

Ids = NDArray[np.int64]
VOCAB, END, SPECIALS = 40, 36, (36, 37, 38, 39)
MASK = VOCAB


class Letters:
    """Token t < 26 is a letter, 26 to 35 are pairs of the first letters."""

    def token_bytes(self, token: int) -> bytes:
        if token < 26:
            return bytes([97 + token])
        return bytes([97 + (token - 26) // 3, 97 + token % 3]) if token < END else b""

    def tokens_starting_with(self, start: bytes) -> Ids:
        return np.array([t for t in range(END) if self.token_bytes(t).startswith(start)], dtype=np.int64)

    def tokens_spelling_start_of(self, text: bytes) -> Ids:
        return np.array([t for t in range(END) if text.startswith(self.token_bytes(t))], dtype=np.int64)


class Made:
    """A back end, and the caches that it made."""

    def __init__(self, *, scratch_tokens: int = 64, adapter: bool = False) -> None:
        self.caches: list[FakeCache] = []
        spec = ModelSpec(mask_id=MASK, end_of_hole_id=END, vocab_size=VOCAB + 1, context_tokens=100, canvas_tokens=32)

        def cache() -> FakeCache:
            self.caches.append(FakeCache(vocab=VOCAB, scratch_tokens=scratch_tokens))
            return self.caches[-1]

        fim = FimTokens(prefix=37, suffix=38, middle=39)
        self.backend = CausalBackend(cache, Letters(), spec=spec, fim=fim, specials=SPECIALS, adapter=adapter)

    @property
    def passes(self) -> int:
        return sum(len(cache.passes) for cache in self.caches)


def context(before: list[int], after: list[int], *, starts_with: bytes = b"") -> Context:
    pieces = (np.array(before, dtype=np.int64), np.array(after, dtype=np.int64))
    return Context(pieces=pieces, starts_with=(starts_with,))


def row_of(*texts: list[int]) -> Canvas:
    return Canvas.decided([[np.array(text, dtype=np.int64)] for text in texts], mask_id=MASK)


def expected(before: list[int], after: list[int], text: list[int]) -> list[float]:
    """The log-probability of each token of `text`, computed from scratch; any special ends it."""
    prompt = [37, 38, *after, 39, *before]
    found = []
    for k, token in enumerate(text):
        nats = log_probs((*prompt, *text[:k]), VOCAB)
        found.append(float(np.logaddexp.reduce(nats[list(SPECIALS)]) if token == END else nats[token]))
    return found


texts = st.lists(st.integers(0, 25), max_size=5).map(lambda ids: [*ids, END])


@given(
    before=st.lists(st.integers(0, 25), max_size=6),
    after=st.lists(st.integers(0, 25), max_size=6),
    rows=st.lists(texts, min_size=1, max_size=5),
    guesses=st.lists(st.lists(st.integers(0, 25), min_size=1, max_size=14), max_size=3),
    scratch=st.sampled_from([40, 64]),
)
def test_scores_are_those_of_the_text_alone_whatever_is_guessed_remembered_or_forgotten(
    before: list[int], after: list[int], rows: list[list[int]], guesses: list[list[int]], scratch: int
) -> None:
    made = Made(scratch_tokens=scratch)
    cached = made.backend.prefill(context(before, after))
    cached.guess([np.array(guess, dtype=np.int64) for guess in guesses])
    for row in [*rows, *rows[:2]]:
        said = cached.score(row_of(row))
        assert said.current[0] == pytest.approx(expected(before, after, row), abs=1e-4)


def test_what_is_remembered_costs_no_pass() -> None:
    made = Made()
    cached = made.backend.prefill(context([1, 2], [3]))
    first = cached.score(row_of([4, 5, END]))
    assert made.passes == 1
    again = cached.score(row_of([4, 5, END]))
    assert made.passes == 1
    assert (first.passes, again.passes) == (1, 0)


def test_who_writes_what_was_guessed_waits_for_one_pass() -> None:
    made = Made()
    cached = made.backend.prefill(context([1, 2], [3]))
    guess = [4, 5, 6, 7, 8]
    cached.guess([np.array(guess, dtype=np.int64)])
    for written in range(len(guess) + 1):
        canvas = next_of(guess[:written])
        cached.score(canvas, wanted=canvas.open)
    assert made.passes == 1


@pytest.mark.parametrize("adapter", [False, True])
def test_every_row_behind_the_context_carries_the_adapter_or_none_does(adapter: bool) -> None:
    made = Made(adapter=adapter)
    cached = made.backend.prefill(context([1, 2], [3]))
    cached.score(row_of([4, 5, END]))
    cached.score(next_of([4, 5]), wanted=next_of([4, 5]).open)
    (cache,) = made.caches
    anchor = 2
    assert anchor in cache.passes[0].ids.tolist()
    assert anchor not in cache.ids.tolist()
    assert set(cache.adapted) == {adapter}


def next_of(text: list[int]) -> Canvas:
    ids = np.array([[*text, MASK]], dtype=np.int64)
    is_open = np.zeros(ids.shape, dtype=bool)
    is_open[0, -1] = True
    return Canvas(
        ids=ids, open=is_open, hole=np.zeros_like(ids), confidence=np.ones(ids.shape, np.float32), mask_id=MASK
    )


def test_specials_end_a_text_and_are_never_text() -> None:
    cached = Made().backend.prefill(context([1], [2]))
    said = cached.score(next_of([3, 4]))
    nats = log_probs((37, 38, 2, 39, 1, 3, 4), VOCAB)
    ids, probs = said.ids[0, -1], said.probs[0, -1]
    assert not set(ids.tolist()) & (set(SPECIALS) - {END})
    assert (np.diff(probs) <= 1e-7).all()
    if END in ids:
        assert probs[ids == END][0] == pytest.approx(np.exp(nats[list(SPECIALS)]).sum(), rel=1e-4)


@given(start=st.text("abc", min_size=1, max_size=4), steps=st.lists(st.integers(0, 7), min_size=6, max_size=6))
def test_a_healed_text_begins_with_the_bytes_that_were_taken_back(start: str, steps: list[int]) -> None:
    vocabulary = Letters()
    cached = Made().backend.prefill(context([9, 8], [7], starts_with=start.encode()))
    written: list[int] = []
    for step in steps:
        canvas = next_of(written)
        said = cached.score(canvas, wanted=canvas.open)
        ids = said.ids[0, -1][said.probs[0, -1] > 0]
        token = int(ids[step % len(ids)])
        text = b"".join(vocabulary.token_bytes(t) for t in [*written, token])
        assert text.startswith(start.encode()) or start.encode().startswith(text)
        if token == END:
            assert text.startswith(start.encode())
            return
        written.append(token)


def test_a_text_that_does_not_begin_as_it_must_is_all_but_impossible() -> None:
    cached = Made().backend.prefill(context([1], [2], starts_with=b"ab"))
    assert cached.score(row_of([25, END])).current[0, 0] == FLOOR


def test_typing_reads_the_new_tokens_only_and_documents_keep_their_contexts() -> None:
    made = Made()
    suffix = list(range(20))
    made.backend.prefill(context([1, 2, 3], suffix))
    made.backend.prefill(context([1, 2, 3, 4], suffix))
    assert len(made.caches) == 1
    others = [context([n], [n] * 30) for n in range(20, 20 + CONTEXTS)]
    for other in others:
        made.backend.prefill(other)
    assert len(made.caches) == CONTEXTS
    assert made.backend.unread(others[-1]) == 0
    assert made.backend.unread(context([1, 2, 3], suffix)) > len(suffix) // 2  # it was used longest ago


def test_a_server_keeps_the_contexts_of_more_documents() -> None:
    made = Made()
    made.backend.contexts = 2 * CONTEXTS
    documents = [context([n], [n] * 30) for n in range(2 * CONTEXTS)]
    for document in documents:
        made.backend.prefill(document)
    assert [made.backend.unread(document) for document in documents] == [0] * 2 * CONTEXTS


def test_reading_stops_when_asked_and_goes_on_where_it_stopped() -> None:
    made = Made()
    whole = context([1, 2, 3], list(range(20)))
    asked = iter([False, False, True])
    assert not made.backend.read(whole, stop=lambda: next(asked))
    left = made.backend.unread(whole)
    assert 0 < left < 26
    assert made.backend.read(whole, stop=lambda: False)
    assert made.backend.unread(whole) == 0


def test_it_denoises_nothing() -> None:
    cached = Made().backend.prefill(context([1], [2]))
    assert isinstance(cached, CausalContext)
    with pytest.raises(NotImplementedError):
        cached.denoise(next_of([]))


def test_texts_that_share_their_beginning_take_room_once() -> None:
    made = Made(scratch_tokens=16)
    cached = made.backend.prefill(context([1], [2]))
    shared = [3, 4, 5, 6, 7, 8, 9, 10]
    rows = row_of(*([*shared, last, END] for last in range(5)))
    nats = cached.score(rows).current
    for r, last in enumerate(range(5)):
        assert nats[r].tolist() == pytest.approx(expected([1], [2], [*shared, last, END]), abs=1e-4)
    with pytest.raises(MemoryError, match="at most"):
        cached.score(row_of(*([first, *shared, END] for first in range(2))))
