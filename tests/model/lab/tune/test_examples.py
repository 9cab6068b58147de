"""What tuning learns from: holes as users leave them, in the built-in model's own prompt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.backend import Context
from model.backends.builtin.prompt import FimTokens, prompt
from model.backends.builtin.tokenizer import CodeTokenizer
from model.lab.tune import examples
from model.lab.tune.examples import LONGEST_HOLE, PIECE, TuneBatch, TuneExamples, TuneShape
from tests.model import toy
from tests.model.lab.train.adapt import toys

SHAPE = TuneShape(tokens=160, rows=128)
END = toys.SPECIALS.end
TEXT = toy.source(3)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> CodeTokenizer:
    return CodeTokenizer(toys.model_folder(tmp_path_factory.mktemp("model")) / "tokenizer.json")


def made(tokenizer: CodeTokenizer, n: int, texts: list[str] | None = None, shape: TuneShape = SHAPE) -> TuneBatch:
    return TuneExamples(texts or [TEXT], tokenizer, toys.SPECIALS, shape, seed=1).batch(n)


def holes_of(batch: TuneBatch) -> list[np.ndarray]:
    """The rows of each hole."""
    holes = batch.holes[0].numpy()
    return [np.flatnonzero(holes == hole) for hole in range(holes.max() + 1)]


def test_a_prompt_is_that_of_the_model_and_its_hole_goes_on_in_the_file(tokenizer: CodeTokenizer) -> None:
    specials = toys.SPECIALS
    fim = FimTokens(prefix=specials.prefix, suffix=specials.suffix, middle=specials.middle)
    for n in range(30):
        batch = made(tokenizer, n)
        ids = batch.ids[0].numpy()
        middle, end = int(np.flatnonzero(ids == specials.middle)[0]), int(np.flatnonzero(ids == END)[0])
        suffix, before = ids[2:middle], ids[middle + 1 : end]
        whole = prompt(Context(pieces=(before, suffix), starts_with=(b"",)), fim)
        np.testing.assert_array_equal(whole, ids[:end])
        assert tokenizer.decode(before) + tokenizer.decode(suffix) in TEXT
        assert (ids[end:] == END).all()
        assert len(suffix) <= SHAPE.tokens // 3 or len(before) < SHAPE.tokens - SHAPE.tokens // 3 - 4


def test_rows_write_what_follows_them_and_stand_before_it(tokenizer: CodeTokenizer) -> None:
    for n in range(20):
        batch = made(tokenizer, n)
        ids, counted = batch.ids[0].numpy(), batch.counted.numpy()
        positions, starts = batch.positions[0].numpy(), batch.starts[0].numpy()
        np.testing.assert_array_equal(batch.inputs[0].numpy()[counted], ids[positions[counted]])
        np.testing.assert_array_equal(batch.targets[0].numpy()[counted], ids[positions[counted] + 1])
        for rows in holes_of(batch):
            assert (starts[rows] == positions[rows[0]]).all()
            np.testing.assert_array_equal(positions[rows], starts[rows] + np.arange(len(rows)))
        assert (batch.holes[0].numpy()[~counted] == -1).all()


def test_holes_end_where_the_prompt_does_and_pieces_do_not(tokenizer: CodeTokenizer) -> None:
    kinds = set()
    for n in range(60):
        batch = made(tokenizer, n)
        targets, ended = batch.targets[0].numpy(), batch.ended.numpy()
        assert ended.any()
        written = tokenizer.decode(batch.ids[0].numpy())
        for rows in holes_of(batch):
            if ended[rows[0]]:
                assert len(rows) <= LONGEST_HOLE
                assert (targets[rows] == END).nonzero()[0].tolist() == [len(rows) - 1]
                text = tokenizer.decode(targets[rows])
                kinds.add("lines" if "\n" in text else "line" if "\n" + text in written else "part")
            else:
                assert len(rows) <= PIECE
                assert END not in targets[rows]
    assert kinds == {"lines", "line", "part"}


def test_an_argument_is_a_hole_before_a_comma_or_a_bracket(
    tokenizer: CodeTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examples, "ARGUMENT_SHARE", 1.0)
    found = set()
    text = "".join(f"value_{n} = called(first_{n}, second={n}, *rest)\n" for n in range(40))
    for n in range(10):
        batch = made(tokenizer, n, [text])
        (rows,) = [rows for rows in holes_of(batch) if batch.ended[rows[0]]]
        found.add(tokenizer.decode(batch.targets[0].numpy()[rows]).rstrip("0123456789"))
        assert tokenizer.decode(batch.ids[0].numpy()[2:3]) in ",)"
    assert found <= {"first_", "second=", "*rest"}
    assert len(found) > 1


def test_what_room_is_left_is_padding_that_does_not_count(tokenizer: CodeTokenizer) -> None:
    shape = TuneShape(tokens=160, rows=400)
    batch = made(tokenizer, 0, shape=shape)
    assert batch.ids.shape == (1, 160)
    assert batch.inputs.shape == (1, 400)
    assert 60 < int(batch.counted.sum()) < 400
    assert made(tokenizer, 5, [TEXT], SHAPE).counted.shape == (128,)


def test_the_same_seed_gives_the_same_batches_and_long_files_more_of_them(tokenizer: CodeTokenizer) -> None:
    assert all(
        bool((a == b).all())
        for a, b in zip(vars(made(tokenizer, 3)).values(), vars(made(tokenizer, 3)).values(), strict=True)
    )
    short, long = "a = 1\n" * 20, "b = 2\n" * 180
    drawn = [b"b" in tokenizer.decode(made(tokenizer, n, [short, long]).ids[0].numpy()).encode() for n in range(100)]
    assert 75 <= sum(drawn) <= 98


def test_pieces_beyond_ascii_begin_at_whole_tokens(tokenizer: CodeTokenizer, tmp_path: Path) -> None:
    text = "".join(f"name_{n} = 'größe 🙂 {n}'  # naïve\n" for n in range(60))
    for n in range(20):
        batch = made(tokenizer, n, [text])
        for rows in holes_of(batch):
            if batch.ended[rows[0]]:
                assert "�" not in tokenizer.decode(batch.targets[0].numpy()[rows])
