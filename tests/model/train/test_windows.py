from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.tokenizer import END_ID, END_OF_HOLE_ID, GAP_ID, MASK_ID, START_ID, Tokenizer
from model.train.holes import CANVAS_SIZES, HoleSampler, TokenKinds
from model.train.tokens import Tokens
from model.train.windows import Batch, Shape, Windows
from tests.model import toy

WINDOW, CANVAS = 160, 256
Row = dict[str, NDArray[np.int64]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def tok(folder: Path) -> Tokenizer:
    return Tokenizer(folder / "tokenizer.json")


def windows(folder: Path, *, seed: int = 0, joint: float = 0.15, canvas: int = CANVAS) -> Windows:
    kinds = TokenKinds(Tokenizer(folder / "tokenizer.json"))
    shape = Shape(batch=4, window=WINDOW, canvas=canvas)
    return Windows(Tokens.load(folder, "train"), kinds, shape, seed=seed, joint=joint)


def equal(a: Batch, b: Batch) -> bool:
    return all(torch.equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(Batch))


def slots(batch: Batch) -> list[tuple[NDArray[np.int64], list[Row]]]:
    """(the window's ids, the rows of each of its holes), slot by slot."""
    found = []
    for row in range(len(batch.ids)):
        arrays = {f.name: getattr(batch, f.name)[row].numpy() for f in fields(Batch) if f.name != "ids"}
        for slot in range(int(arrays["slot"].max()) + 1):
            here = {name: a[arrays["slot"] == slot] for name, a in arrays.items()}
            cuts = np.flatnonzero(np.diff(here["left"])) + 1
            pieces = {name: np.split(a, cuts) for name, a in here.items()}
            holes = [{name: pieces[name][h] for name in pieces} for h in range(len(cuts) + 1)]
            found.append((batch.ids[row].numpy(), holes))
    return found


def content(hole: Row) -> NDArray[np.int64]:
    """What belongs into the hole, as its targets say."""
    return hole["target"][: int(np.argmax(hole["target"] == END_OF_HOLE_ID))]


def test_a_batch_is_a_function_of_seed_and_index(folder: Path) -> None:
    first, again = windows(folder), windows(folder)
    assert equal(first[5], again[5])
    assert equal(first[0], again[0]), "in any order"
    assert not equal(first[5], first[6])
    assert not equal(first[5], windows(folder, seed=1)[5])


def test_a_window_is_text_of_one_file(folder: Path, tok: Tokenizer) -> None:
    known = [toy.source(n) for n in range(40)]
    for row in windows(folder, joint=0)[0].ids.numpy():
        text = tok.decode(row)
        assert any(text in source for source in known)
        assert START_ID not in row[1:]
        assert END_ID not in row[: int(np.argmax(row == END_ID))]


def test_without_a_canvas_the_window_is_whole(folder: Path) -> None:
    batch = windows(folder, canvas=0, joint=1)[0]
    assert batch.canvas.shape == (4, 0)
    assert not (batch.ids == GAP_ID).any()


@pytest.mark.parametrize("joint", [0.0, 1.0])
def test_canvases_decode_to_what_stood_there(folder: Path, tok: Tokenizer, joint: float) -> None:
    known = [toy.source(n) for n in range(40)]
    seen = {"causal": 0, "denoise": 0, "joint": 0}
    for index in range(6):
        for ids, holes in slots(windows(folder, joint=joint)[index]):
            seen["causal" if holes[0]["causal"][0] else "denoise"] += 1
            text = ids.copy()
            if len(holes) == 1 and not np.any(text == GAP_ID):
                (left,), (right,) = set(holes[0]["left"].tolist()), set(holes[0]["right"].tolist())
                assert text[left:right].tolist() == content(holes[0]).tolist()
            elif len(holes) > 1:
                seen["joint"] += 1
                parts, at = [], 0
                for hole in holes:
                    left, right = int(hole["left"][0]), int(hole["right"][0])
                    assert (right, text[left]) == (left + 1, GAP_ID)
                    parts += [text[at:left], content(hole)]
                    at = right
                assert any(tok.decode(np.concatenate([*parts, text[at:]])) in source for source in known)
    assert seen["causal"]
    assert seen["denoise"]
    assert bool(seen["joint"]) == bool(joint)


def test_slots_are_what_the_engine_will_show(folder: Path) -> None:
    for index in range(8):
        for ids, holes in slots(windows(folder, joint=0.5)[index]):
            for hole in holes:
                inputs, targets, weight = hole["canvas"], hole["target"], hole["weight"]
                text, left = content(hole), int(hole["left"][0])
                assert inputs[0] == ids[left - 1], "a canvas begins with the token before the hole"
                assert hole["position"].tolist() == list(range(left - 1, left - 1 + len(inputs)))
                assert len(text) > 0
                if hole["causal"][0]:
                    assert inputs[1:].tolist() == text.tolist()
                    assert targets.tolist() == [*text, END_OF_HOLE_ID]
                    assert (weight == 1).all()
                    continue
                assert len(text) < len(inputs), "the content and its end fit"
                assert len(inputs) - 1 <= CANVAS_SIZES[-1]
                shown, wanted = inputs[1:], targets[:-1]
                assert (wanted[len(text) :] == END_OF_HOLE_ID).all()
                masked = shown == MASK_ID
                assert (shown[~masked] == wanted[~masked]).all()
                assert (weight[:-1][~masked] == 0).all(), "no loss for what is shown"
                assert (weight[:-1][masked] > 0).all()
                assert weight[-1] == 0
                if masked[-1]:
                    assert len(shown) in CANVAS_SIZES


def test_every_corruption_occurs(folder: Path) -> None:
    kinds = set()
    for index in range(10):
        for _, holes in slots(windows(folder)[index]):
            if holes[0]["causal"][0]:
                continue
            masked = holes[0]["canvas"][1:] == MASK_ID
            inner = masked[: len(content(holes[0]))]
            kind = "all" if inner.all() else "after a start" if inner[np.argmax(inner) :].all() else "anywhere"
            kinds.add((kind, "open" if masked[-1] else "closed"))
    assert len(kinds) == 6


def test_holes_are_those_of_users(tok: Tokenizer) -> None:
    text = "def f(a, b):\n    if (a, b):\n        return [a + b]\n\nx = 1\n" * 2
    ids, kinds = tok.encode(text, at_line_start=True), TokenKinds(tok)
    sampler = HoleSampler(ids, kinds, np.random.default_rng(0))
    drawn: dict[str, set[str]] = {}
    for _ in range(600):
        hole = sampler.draw()
        if hole is not None:
            kind, start, end = hole
            drawn.setdefault(kind, set()).add(tok.decode(ids[start:end]))
    assert {"        return [a + b]", "x = 1"} < drawn["lines"]
    assert any("\n" in hole for hole in drawn["lines"])
    assert drawn["brackets"] == {"a, b", "a + b"}
    assert {"[a + b]", "return [a + b]", "1"} < {hole.strip() for hole in drawn["rest"]}
    assert not any("\n" in hole for hole in drawn["rest"] | drawn["span"])
