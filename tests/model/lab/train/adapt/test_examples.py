from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model.errors import BadRequest
from model.lab.train.adapt.documents import read_documents, write_documents
from model.lab.train.adapt.examples import FULLY_MASKED_SHARE, SLACK_WEIGHT, Batch, Shape
from tests.model.lab.train.adapt import toys


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> list[Batch]:
    made = toys.examples(toys.corpus(tmp_path_factory.mktemp("corpus")))
    return [made.batch(n) for n in range(60)]


def test_every_batch_has_the_same_shapes_and_comes_again(batches: list[Batch], tmp_path: Path) -> None:
    shape = toys.SHAPE
    for batch in batches:
        assert batch.ids.shape == (shape.contexts, shape.tokens)
        assert batch.inputs.shape == batch.targets.shape == (shape.contexts, shape.canvases, shape.rows)
    again = toys.examples(toys.corpus(tmp_path)).batch(7)
    assert all(torch.equal(getattr(again, name), tensor) for name, tensor in vars(batches[7]).items())
    assert not torch.equal(batches[7].ids, batches[8].ids)


def test_a_prompt_is_suffix_then_prefix_then_hole(batches: list[Batch]) -> None:
    s = toys.SPECIALS
    for batch in batches:
        for row in batch.ids.tolist():
            assert row[:2] == [s.prefix, s.suffix]
            assert row.count(s.middle) == 1
            middle = row.index(s.middle)
            text = row[middle + 1 :]
            assert all(token < 256 for token in row[2:middle])
            assert text[text.index(s.end) :] == [s.end] * (len(text) - text.index(s.end))


def test_a_canvas_predicts_what_stands_in_the_prompt(batches: list[Batch]) -> None:
    end = toys.SPECIALS.end
    for batch in batches:
        for b, row in enumerate(batch.ids.tolist()):
            for c in range(toys.SHAPE.canvases):
                start, length = int(batch.starts[b, c]), int(batch.lengths[b, c])
                assert row.index(toys.SPECIALS.middle) < start
                slots = (row + [end] * 99)[start + 1 : start + 1 + length]
                assert batch.targets[b, c, :length].tolist() == slots
                assert batch.inputs[b, c, :length].tolist() == [row[start], *slots[:-1]]
                assert not batch.masked[b, c, 0], "the row before the canvas is no mask"
                assert not batch.weights[b, c, length:].any()


def test_exactly_what_is_masked_counts(batches: list[Batch]) -> None:
    for batch in batches:
        for b, c in np.ndindex(*batch.lengths.shape):
            length = int(batch.lengths[b, c])
            weights, masked = batch.weights[b, c, :length], batch.masked[b, c, :length]
            assert torch.equal(weights[:-1] > 0, masked[1:])
            assert (weights == 1).any()
            slots = batch.targets[b, c, :length].tolist()
            ends = slots.index(toys.SPECIALS.end) + 1 if toys.SPECIALS.end in slots else length
            assert (weights[ends:] == SLACK_WEIGHT).all(), (
                "what follows the end of a hole is never shown, and never known"
            )
            assert ((weights[:ends] == 1) | (weights[:ends] == 0)).all()


def test_shares_of_noise_and_of_ends(batches: list[Batch]) -> None:
    weights = torch.cat([b.weights.flatten(0, 1) for b in batches])
    lengths = torch.cat([b.lengths.flatten() for b in batches])
    full = ((weights > 0).sum(dim=1) == lengths).float().mean()
    assert FULLY_MASKED_SHARE - 0.08 < full < FULLY_MASKED_SHARE + 0.25
    ends = torch.cat([(b.targets == toys.SPECIALS.end).any(dim=2).flatten() for b in batches]).float().mean()
    assert ends > 0.45


def test_short_and_odd_documents(tmp_path: Path) -> None:
    write_documents(tmp_path, "train", [("python", "x"), ("go", "\n" * 50), ("python", "naïve = '🙂'\n" * 40)])
    batch = toys.examples(tmp_path, shape=Shape(contexts=1, tokens=40, canvases=2, rows=4)).batch(0)
    assert batch.ids.shape == (1, 40)


@pytest.mark.parametrize("damage", ["missing", "cut", "list"])
def test_a_damaged_corpus_is_named(tmp_path: Path, damage: str) -> None:
    toys.corpus(tmp_path)
    if damage == "missing":
        (tmp_path / "train.json").unlink()
    elif damage == "cut":
        (tmp_path / "train.txt").write_bytes(b"short")
    else:
        (tmp_path / "train.json").write_text("{}")
    with pytest.raises(BadRequest, match="train adapt corpus"):
        read_documents(tmp_path, "train")
