"""Tokenizers of published checkpoints: text stays text, and comes back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tokenizers

from model.backends.published.codec import PublishedCodec, read_codec
from model.errors import UnknownModel
from tests.model.backends.published.tiny import MASK_TOKEN, write_tokenizer


@pytest.fixture
def codec(tmp_path: Path) -> PublishedCodec:
    write_tokenizer(tmp_path)
    return read_codec(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    return x\n",
        "",
        "naïve = '🙂' \t # ünï\r\n",
        f"s = '{MASK_TOKEN}'\n",
        "<|endoftext|>" * 3,
        "\u2028\x0b",
    ],
)
def test_text_comes_back(codec: PublishedCodec, text: str) -> None:
    ids = codec.encode(text, at_line_start=True)
    assert codec.decode(ids) == text
    assert b"".join(codec.token_bytes(int(i)) for i in ids).decode() == text
    assert codec.count(text) == len(ids)


def test_a_mask_in_the_users_text_is_text(codec: PublishedCodec, tmp_path: Path) -> None:
    whole = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    mask = whole.token_to_id(MASK_TOKEN)
    assert mask in whole.encode(f"a{MASK_TOKEN}b").ids, "the checkpoint's own tokenizer would take it for a mask"
    assert mask in codec.specials
    ids = codec.encode(f"a{MASK_TOKEN}b", at_line_start=True)
    assert mask not in ids
    assert codec.specials.isdisjoint(ids.tolist())


def test_special_tokens_stand_for_no_text(codec: PublishedCodec) -> None:
    for token in codec.specials:
        assert codec.token_bytes(token) == b""
    word = codec.encode("item", at_line_start=True)
    assert codec.decode(np.concatenate([word, sorted(codec.specials), [codec.vocab_size + 5]])) == "item"
    assert codec.text_ids <= min(codec.specials)


def test_runs_of_blanks_stay_tokens(tmp_path: Path) -> None:
    bpe = write_tokenizer(tmp_path)
    bpe.add_tokens(["        "])
    bpe.save(str(tmp_path / "tokenizer.json"))
    codec = read_codec(tmp_path)
    run = bpe.token_to_id("        ")
    assert isinstance(run, int)
    assert run in codec.encode("x\n        y", at_line_start=True)
    assert codec.token_bytes(run) == b" " * 8
    assert codec.decode(codec.encode("x\n        y", at_line_start=True)) == "x\n        y"


@pytest.mark.parametrize(
    ("text", "partial"),
    [
        ("    return sum(it", "it"),
        ("x = ", " "),
        ("def f():\n    ", " "),
        ("total(", ""),
        ("x = 1\n", ""),
        ("a = 12", ""),
        ("", ""),
        ("é = é", ""),
    ],
)
def test_what_could_be_joined_with_what_follows(codec: PublishedCodec, text: str, partial: str) -> None:
    found = codec.trailing_partial(text)
    assert text.endswith(found)
    assert found.strip() == partial.strip()[-len(found.strip()) or None :]
    assert bool(found) == bool(partial)
    if found:
        starts = codec.tokens_starting_with(found.encode())
        assert len(starts)
        assert all(codec.token_bytes(int(t)).startswith(found.encode()) for t in starts)


def test_files_of_before(tmp_path: Path) -> None:
    """vocab.json and merges.txt with a class of its own, as Dream has them: read as what they are, without its code."""
    bpe = write_tokenizer(tmp_path)
    data = json.loads(bpe.to_str())
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "vocab.json").write_text(json.dumps(data["model"]["vocab"]))
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in data["model"]["merges"]]
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    added = {str(t["id"]): {"content": t["content"], "special": True} for t in data["added_tokens"]}
    settings = {
        "tokenizer_class": "DreamTokenizer",
        "auto_map": {"AutoTokenizer": ["tokenization_dream.DreamTokenizer", None]},
        "added_tokens_decoder": added,
        "mask_token": MASK_TOKEN,
    }
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    codec = read_codec(tmp_path)
    text = f"def total(items):\n    return '{MASK_TOKEN}'\n"
    ids = codec.encode(text, at_line_start=True)
    assert codec.decode(ids) == text
    assert bpe.token_to_id(MASK_TOKEN) in codec.specials
    assert bpe.token_to_id(MASK_TOKEN) not in ids


def test_tokenizers_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match=r"no tokenizer\.json in .* download"):
        read_codec(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(UnknownModel, match=r"tokenizer\.json is damaged .* download"):
        read_codec(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "tokenizer_config.json").write_text("{")
    with pytest.raises(UnknownModel, match=r"cannot read the tokenizer in .* download") as raised:
        read_codec(tmp_path)
    assert "\n" not in str(raised.value)
