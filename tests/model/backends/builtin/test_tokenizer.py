from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.backends.builtin.tokenizer import HEALED_TOKENS, CodeTokenizer
from model.backends.byte_level import byte_alphabet
from model.errors import UnknownModel

WORDS = ("def", "return", " return", "self", " self", "():\n", "\n\n", "    ", "   ", " price", "<|x|>", "é")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> CodeTokenizer:
    letters = {byte: letter for letter, byte in byte_alphabet().items()}
    tokens = [bytes([byte]) for byte in range(256)]
    for word in (w.encode() for w in WORDS):
        tokens += [word[:end] for end in range(2, len(word) + 1) if word[:end] not in tokens]
    vocab = {"".join(letters[b] for b in token): n for n, token in enumerate(tokens)}
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    special = [{"id": len(tokens), "content": "<|x|>"}]
    path.write_text(
        json.dumps({"model": {"type": "BPE", "vocab": vocab, "merges": []}, "added_tokens": special}), "utf-8"
    )
    return CodeTokenizer(path)


@given(text=st.text() | st.lists(st.sampled_from(WORDS)).map("".join))
def test_every_text_is_encoded_and_comes_back(tokenizer: CodeTokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(text=st.lists(st.sampled_from(WORDS)).map("".join))
def test_text_that_spells_a_special_token_stays_text(tokenizer: CodeTokenizer, text: str) -> None:
    assert tokenizer.special["<|x|>"] not in tokenizer.encode(text)


@given(text=st.lists(st.sampled_from((*WORDS, "a", ".", " ", "\t", "7", "_"))).map("".join))
def test_what_is_taken_back_is_the_end_of_the_line_and_short(tokenizer: CodeTokenizer, text: str) -> None:
    partial = tokenizer.trailing_partial(text)
    assert text.endswith(partial)
    assert "\n" not in partial
    assert len(tokenizer.encode(partial)) <= HEALED_TOKENS
    assert bool(partial) == (bool(text) and text[-1] not in "\r\n")


@pytest.mark.parametrize(
    ("text", "partial"),
    [
        ("x = self", " self"),
        ("    ", "    "),
        ("f(", "("),
        ("a = ", " "),
        ("a.", "."),
        ("x\n", ""),
        ("", ""),
        ("a\n    re", "re"),
    ],
)
def test_the_last_word_is_taken_back(tokenizer: CodeTokenizer, text: str, partial: str) -> None:
    assert tokenizer.trailing_partial(text).endswith(partial)
    assert bool(partial) == bool(tokenizer.trailing_partial(text))


@given(text=st.sampled_from(WORDS).flatmap(lambda w: st.integers(1, len(w)).map(lambda n: w[:n])))
def test_tokens_are_found_by_how_they_begin_and_by_what_they_begin(tokenizer: CodeTokenizer, text: str) -> None:
    start = text.encode()
    every = {n: tokenizer.token_bytes(n) for n in range(tokenizer.vocab_size)}
    longer = {n for n, data in every.items() if data and data.startswith(start)}
    shorter = {n for n, data in every.items() if data and start.startswith(data)}
    assert set(tokenizer.tokens_starting_with(start).tolist()) == longer
    assert set(tokenizer.tokens_spelling_start_of(start).tolist()) == shorter


def test_long_texts_are_encoded_by_parts(tokenizer: CodeTokenizer) -> None:
    text = " " * 250_000 + "def\n" + "x" * 150_000
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_ids_beyond_the_vocabulary_stand_for_nothing(tokenizer: CodeTokenizer) -> None:
    assert tokenizer.decode(np.array([tokenizer.vocab_size, 97, tokenizer.vocab_size - 1])) == "a"


@pytest.mark.parametrize("damage", ["missing", "no json", "other json"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "tokenizer.json"
    if damage != "missing":
        path.write_text("{" if damage == "no json" else "{}", "utf-8")
    with pytest.raises(UnknownModel, match=r"tokenizer\.json"):
        CodeTokenizer(path)
