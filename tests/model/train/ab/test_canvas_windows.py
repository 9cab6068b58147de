from __future__ import annotations

import pytest
import torch

from model.tokenizer import END_OF_HOLE_ID, MASK_ID, RESERVED_TOKENS, Tokenizer
from model.train.ab.canvas_windows import CanvasBatch, CanvasWindows
from model.train.holes import TokenKinds
from model.train.tokens import Tokens
from model.train.windows import Shape
from tests.model import toy


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> CanvasWindows:
    folder = toy.corpus(tmp_path_factory.mktemp("corpus"))
    kinds = TokenKinds(Tokenizer(folder / "tokenizer.json"))
    shape = Shape(batch=8, window=192, canvas=96)
    return CanvasWindows(Tokens.load(folder, "train"), kinds, shape, seed=4, text_alone=False)


@pytest.fixture(scope="module")
def batches(windows: CanvasWindows) -> list[CanvasBatch]:
    return [windows[n] for n in range(6)]


def test_batches_are_a_function_of_their_number(windows: CanvasWindows, batches: list[CanvasBatch]) -> None:
    again = windows[2]
    assert torch.equal(again.ids, batches[2].ids)
    assert torch.equal(again.weight, batches[2].weight)
    assert not torch.equal(batches[1].ids, batches[2].ids)


def test_what_carries_loss_is_masked_and_nothing_else_is_hidden(batches: list[CanvasBatch]) -> None:
    for batch in batches:
        there = batch.ids.gather(1, batch.row)
        assert (there[batch.weight > 0] == MASK_ID).all()
        assert (batch.target[batch.weight > 0] != MASK_ID).all()
        assert not ((batch.ids == MASK_ID) & batch.visible).any()
        assert not ((batch.ids == END_OF_HOLE_ID) & batch.visible).any()


def test_both_kinds_of_windows_come_with_ends_of_holes(batches: list[CanvasBatch]) -> None:
    ends = [bool(((b.target[n] == END_OF_HOLE_ID) & (b.weight[n] > 0)).any()) for b in batches for n in range(8)]
    assert 10 < sum(ends) < 38


def test_text_is_not_changed_where_it_is_shown(windows: CanvasWindows, batches: list[CanvasBatch]) -> None:
    """Every stretch of shown text between two canvases stands in the corpus just so."""
    corpus = " ".join(map(str, windows.text.tokens.ids.tolist()))
    for batch in batches:
        for ids, visible in zip(batch.ids, batch.visible, strict=True):
            start = 0
            for at in [*torch.nonzero(~visible).flatten().tolist(), len(ids)]:
                assert " ".join(map(str, ids[start:at].tolist())) in corpus
                start = at + 1


def test_a_hole_has_its_own_content_as_target(windows: CanvasWindows, batches: list[CanvasBatch]) -> None:
    """With the targets in place of the masks, and without the ends of holes, a window is text of the corpus again."""
    corpus = " ".join(map(str, windows.text.tokens.ids.tolist()))
    checked = 0
    for batch in batches:
        masked = (batch.ids == MASK_ID).sum(1)
        for n in torch.nonzero(masked == (batch.weight > 0).sum(1)).flatten().tolist():  # none drawn out
            ids = batch.ids[n].clone()
            used = batch.weight[n] > 0
            ids[batch.row[n][used]] = batch.target[n][used]
            text = ids[(ids >= RESERVED_TOKENS)].tolist()
            assert " ".join(map(str, text)) in corpus
            checked += 1
    assert checked > 10
