from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.tokenizer import Tokenizer
from model.train.holes import HoleSampler, TokenKinds
from model.train.syntax import KINDS, holes_in, token_spans
from model.train.tokens import Tokens
from tests.model import toy

SOURCE = '''\
class Box:
    """A box — with é."""

    width = 1

    @property
    def area(self):
        if self.width:
            total = self.width * len("é", key)
        else:
            total = 0
        return total
'''


def found(text: str) -> dict[str, list[str]]:
    data = text.encode()
    holes: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for kind, start, end in holes_in(text):
        holes[kind].append(data[start:end].decode())
    return holes


def test_what_a_user_would_take_out_in_one_piece() -> None:
    holes = found(SOURCE)
    assert holes["docstring"] == ['"""A box — with é."""']
    assert holes["block"] == ['            total = self.width * len("é", key)', "            total = 0"]
    assert holes["argument"] == ['"é"', "key"]
    assert 'self.width * len("é", key)' in holes["expression"]
    body = holes["body"][0]
    assert body.startswith("    width = 1\n\n    @property\n")
    assert body.endswith("return total")
    assert holes["body"][1].startswith("        if self.width:")


@pytest.mark.parametrize("text", ["def (:\n", "x = 1\x00\n", "a\x0cb = = 2", "(" * 400])
def test_what_does_not_parse_offers_nothing(text: str) -> None:
    assert holes_in(text) == []


def test_lines_that_the_parser_counts_otherwise_are_left_alone() -> None:
    assert holes_in("x = 1\x0c\nf(1)\n") == []


def test_spans_are_token_aligned_sorted_and_bounded() -> None:
    lengths = np.array([3, 1, 4, 1, 4, 1])  # "abc" "(" "name" "," " two" ")"
    rng = np.random.default_rng(0)
    spans = token_spans([("body", 4, 8), ("block", 10, 13)], lengths, longest=10, rng=rng)
    assert spans.tolist() == [[2, 3], [4, 5]]  # the blank that is joined to "two" goes with it
    assert token_spans([("body", 0, 14)], lengths, longest=3, rng=rng).tolist() == []
    assert token_spans([("body", 5, 6)], lengths, longest=3, rng=rng).tolist() == []


def test_small_pieces_do_not_swamp_the_others() -> None:
    lengths = np.ones(64, dtype=np.int64)
    small = [("argument", n, n + 1) for n in range(60)]
    spans = token_spans([*small, ("body", 0, 50)], lengths, longest=60, rng=np.random.default_rng(0))
    assert [0, 50] in spans.tolist()
    assert len(spans) == 1 + 64 // 16


def test_the_corpus_knows_its_holes_and_training_draws_them(tmp_path: Path) -> None:
    folder = toy.corpus(tmp_path)
    tokens, tok = Tokens.load(folder, "train"), Tokenizer(folder / "tokenizer.json")
    assert len(tokens.holes) > 20
    texts = {tok.decode(np.asarray(tokens.ids[a:b], dtype=np.int64)).strip() for a, b in tokens.holes}
    assert any(text.startswith('"""Return what') for text in texts)
    assert any(text.startswith("total = [item * scale") for text in texts)  # a body
    assert "not total" not in texts
    assert any(len(text.split("\n")) == 1 and "(" in text and not text.startswith('"') for text in texts)
    first, end = int(tokens.offsets[1]), int(tokens.offsets[2])
    inside = tokens.holes_within(first, end)
    assert len(inside)
    assert inside.min() >= 0
    assert inside[:, 1].max() <= end - first
    ids = tokens.ids[first:end].astype(np.int64)
    sampler = HoleSampler(ids, TokenKinds(tok), np.random.default_rng(1), inside)
    drawn = [hole for hole in (sampler.draw() for _ in range(300)) if hole]
    syntactic = {(a, b) for kind, a, b in drawn if kind == "syntax"}
    assert syntactic
    assert syntactic <= {(int(a), int(b)) for a, b in inside}


def test_a_corpus_of_before_has_none(tmp_path: Path) -> None:
    folder = toy.corpus(tmp_path)
    (folder / "train_holes.npy").unlink()
    assert len(Tokens.load(folder, "train").holes) == 0
