from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from model.errors import UnknownModel
from model.tokenizer import RESERVED_TOKENS, Tokenizer, train_tokenizer
from tests.model import toy

BUILTIN = Path(__file__).parents[2] / "model" / "builtin" / "tokenizer.json"
SOURCES = sorted(path for folder in ("model", "lsp_server") for path in (BUILTIN.parents[2] / folder).rglob("*.py"))
CODE = st.text(st.sampled_from("abc_9 \t\n\r.(=+\"'é漢🦀"), max_size=40)


@pytest.fixture(scope="module")
def tok(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return toy.tokenizer(tmp_path_factory.mktemp("tokenizer"))


def tokens(tok: Tokenizer, text: str, *, at_line_start: bool = True) -> list[bytes]:
    return [tok.token_bytes(int(i)) for i in tok.encode(text, at_line_start=at_line_start)]


@given(text=st.text() | CODE, at_line_start=st.booleans())
def test_any_text_comes_back(tok: Tokenizer, text: str, at_line_start: bool) -> None:
    ids = tok.encode(text, at_line_start=at_line_start)
    assert tok.decode(ids) == text
    assert b"".join(tok.token_bytes(int(i)) for i in ids) == text.encode()


@given(data=st.binary())
def test_every_byte_has_a_token(tok: Tokenizer, data: bytes) -> None:
    single = {tok.token_bytes(i): i for i in range(tok.vocab_size)}
    ids = np.asarray([single[bytes([b])] for b in data], dtype=np.int64)
    assert tok.decode(ids) == data.decode("utf-8", errors="replace")


@given(text=st.text() | CODE)
def test_count_is_the_length_of_encode(tok: Tokenizer, text: str) -> None:
    assert tok.count(text) == len(tok.encode(text, at_line_start=True))


@given(texts=st.lists(CODE, max_size=4))
def test_a_batch_is_each_by_itself(tok: Tokenizer, texts: list[str]) -> None:
    for ids, text in zip(tok.encode_batch(texts), texts, strict=True):
        assert ids.tolist() == tok.encode(text, at_line_start=True).tolist()


@given(first=CODE, second=CODE, at_line_start=st.booleans())
def test_ids_are_those_of_the_text_as_a_whole(tok: Tokenizer, first: str, second: str, at_line_start: bool) -> None:
    for text in (first, first + second, first + "\n" + second, second + first):  # lines met before, in other company
        whole = tok._bpe.encode_ordinary("\n" + text if at_line_start else text)[at_line_start:]
        assert tok.encode(text, at_line_start=at_line_start).tolist() == [i + RESERVED_TOKENS for i in whole]


def test_what_is_remembered_is_not_handed_out(tok: Tokenizer) -> None:
    text = "return value\n"
    ids = tok.encode(text, at_line_start=False)
    expected = ids.tolist()
    ids[:] = 0
    assert tok.encode(text, at_line_start=False).tolist() == expected


@given(text=st.text() | CODE | st.sampled_from(["<mask>", "[MASK]", "<|endoftext|>", "\0\1\2", "Ġ", "Ċ"]))
def test_text_never_becomes_the_models_own_tokens(tok: Tokenizer, text: str) -> None:
    assert (tok.encode(text, at_line_start=False) >= RESERVED_TOKENS).all()


def test_the_models_own_tokens_are_no_text(tok: Tokenizer) -> None:
    assert tok.decode(np.arange(RESERVED_TOKENS)) == ""


@given(before=CODE, indentation=st.text(st.sampled_from(" \t"), max_size=9), after=CODE)
def test_line_break_and_indentation_join_with_nothing(
    tok: Tokenizer, before: str, indentation: str, after: str
) -> None:
    after = after.lstrip(" \t") or "x"
    pieces = [before, "\n", indentation, after]
    ends = set(np.cumsum([len(p.encode()) for p in pieces[:3]]).tolist())
    if before.endswith("\r"):
        ends.remove(len(before.encode()))  # a line break of two characters is one
    found = set(np.cumsum([len(t) for t in tokens(tok, "".join(pieces))]).tolist())
    assert ends - {0} <= found


def test_a_hole_at_a_line_break_is_token_aligned(tok: Tokenizer) -> None:
    first, second = "def f():\n", "        return value\n"
    whole = tok.encode(first + second, at_line_start=True).tolist()
    parts = [*tok.encode(first, at_line_start=True), *tok.encode(second, at_line_start=True)]
    assert whole == parts


def test_indentation_counts_only_at_a_line_start(tok: Tokenizer) -> None:
    assert tokens(tok, "    x")[0] == b"    "
    assert tokens(tok, "    value", at_line_start=False) == [*tokens(tok, "x   ")[1:], b" value"]


def test_digits_stand_alone(tmp_path: Path) -> None:
    train_tokenizer(["x = 123456\n" * 50], vocab_size=600, path=tmp_path / "tokenizer.json")
    tok = Tokenizer(tmp_path / "tokenizer.json")
    assert tokens(tok, "x = 123456")[-6:] == [b"1", b"2", b"3", b"4", b"5", b"6"]
    assert tokens(tok, "v2x10")[:2] == [b"v", b"2"]


@given(before=CODE, after=CODE)
def test_what_has_no_trailing_partial_joins_with_nothing(tok: Tokenizer, before: str, after: str) -> None:
    partial = tok.trailing_partial(before)
    assert before.endswith(partial)
    if partial:
        assert tok.tokens_starting_with(partial.encode()).size
        return
    blank_line = not before.replace("\r", "\n").split("\n")[-1].strip(" \t")
    if before.endswith(("\r", '"', "'")) or (blank_line and after.startswith((" ", "\t"))):
        return  # inside `\r\n`, triple quotes or indentation: no hole begins there
    head = tok.encode(before, at_line_start=True).tolist()
    assert tok.encode(before + after, at_line_start=True).tolist()[: len(head)] == head


@pytest.mark.parametrize(
    ("text", "partial"),
    [
        ("", ""),
        ("x = (", ""),
        ("x = 12", ""),
        ("line\n", ""),
        ("line\n    ", ""),
        ("    ", ""),
        ('x["', ""),
        ("x = value", " value"),
        ("x = ", " "),
        ("a =", " ="),
        ("obj.", "."),
    ],
)
def test_trailing_partial(tok: Tokenizer, text: str, partial: str) -> None:
    assert tok.trailing_partial(text) == partial


def test_tokens_that_start_with_bytes(tok: Tokenizer) -> None:
    found = {tok.token_bytes(int(i)) for i in tok.tokens_starting_with(b" v")}
    assert b" value" in found
    assert found == {tok.token_bytes(i) for i in range(tok.vocab_size) if tok.token_bytes(i).startswith(b" v")}


def test_errors_name_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="reinstall"):
        Tokenizer(tmp_path / "tokenizer.json")
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(UnknownModel, match=r"damaged.*reinstall"):
        Tokenizer(tmp_path / "tokenizer.json")


@given(text=st.text() | CODE)
def test_counts_by_lines_are_those_of_the_whole(tok: Tokenizer, text: str) -> None:
    for _ in range(2):  # the second time lines are remembered
        assert tok.count(text) == len(tok.encode(text, at_line_start=True))


def test_what_starts_alike_is_found_again(tok: Tokenizer) -> None:
    start = tok.token_bytes(tok.vocab_size - 1)[:1]
    found = tok.tokens_starting_with(start)
    assert found.tolist() == [i for i in range(tok.vocab_size) if tok.token_bytes(i).startswith(start)]
    assert tok.tokens_starting_with(start).tolist() == found.tolist()


@pytest.fixture(scope="module")
def shipped() -> tuple[Tokenizer, tokenizers.Tokenizer]:
    """The built-in model's tokenizer, and the same file read by the library that wrote it: what the weights have seen."""
    return Tokenizer(BUILTIN), tokenizers.Tokenizer.from_file(str(BUILTIN))


def written(ids: list[int]) -> list[int]:
    return [i + RESERVED_TOKENS for i in ids]


@given(text=st.text() | CODE | st.text(st.sampled_from(" \t\n\r\x85\u2028_.'\"0²٣aéǅ\u0301=")))
def test_it_encodes_as_the_library_that_learnt_it(shipped: tuple[Tokenizer, tokenizers.Tokenizer], text: str) -> None:
    ours, reference = shipped
    assert ours.encode(text, at_line_start=False).tolist() == written(reference.encode(text).ids)


def test_it_encodes_sources_as_the_library_that_learnt_it(shipped: tuple[Tokenizer, tokenizers.Tokenizer]) -> None:
    ours, reference = shipped
    for path in SOURCES:
        text = path.read_text("utf-8")
        assert ours.encode(text, at_line_start=True).tolist() == written(reference.encode("\n" + text).ids[1:]), path


def test_a_long_text_is_that_of_its_lines(shipped: tuple[Tokenizer, tokenizers.Tokenizer]) -> None:
    ours, reference = shipped
    text = "".join(path.read_text("utf-8") for path in SOURCES)
    assert len(text) > 500_000, "it is read by parts"
    assert ours.encode(text, at_line_start=False).tolist() == written(reference.encode(text).ids)
    assert ours.encode("\r" + text, at_line_start=True).tolist() == written(reference.encode("\n\r" + text).ids[1:])


@pytest.mark.parametrize("line", [" " * 1_500_000 + "x", "x" + "\t" * 1_500_000, "_" * 300_000, "a" * 300_000])
def test_lines_of_any_length(shipped: tuple[Tokenizer, tokenizers.Tokenizer], line: str) -> None:
    ours, _ = shipped
    ids = ours.encode(line, at_line_start=True)
    assert ours.decode(ids) == line
    assert ours.count(line) == len(ids)
