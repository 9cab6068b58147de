"""A model folder that was begun is finished: files that are complete are taken as they are."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from model.backends.builtin.storage.packing import dequantised
from model.backends.builtin.storage.shards import SUMS, open_shards, sums_of
from model.backends.builtin.storage.weights import EMBEDDING
from model.backends.gguf.file import GgufFile
from model.errors import BadRequest, UnknownModel
from model.filler import open_filler
from model.lab.train.base.build import build
from tests.model.backends.gguf import tiny_gguf
from tests.model.lab.train.base.test_build import CALIBRATION

FILES = tiny_gguf.LAYERS + 2
KEPT = list(range(264))


def make(tmp_path: Path, folder: Path, *, kept: list[int] = KEPT) -> list[str]:
    """Make or finish the folder; return what was said."""
    said: list[str] = []
    build(tmp_path / "tiny.gguf", folder, kept=kept, calibrated=KEPT, calibration=CALIBRATION, say=said.append)
    return said


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `whole` beside the file that it was made of."""
    scratch = tmp_path_factory.mktemp("base")
    tiny_gguf.write(scratch / "tiny.gguf")
    make(scratch, scratch / "whole")
    return scratch / "whole"


@pytest.mark.parametrize("kept_files", range(FILES))
def test_what_was_cut_off_after_some_files_goes_on_to_the_same_bytes(
    whole: Path, tmp_path: Path, kept_files: int
) -> None:
    cut = tmp_path / "cut"
    shutil.copytree(whole, cut)
    for path in sorted(cut.glob("weights-*.safetensors"))[kept_files:]:
        path.unlink()
    (cut / "weights-02-of-04.partial").write_bytes(b"half of a file")
    said = make(whole.parent, cut)
    assert contents(cut) == contents(whole)
    assert sum("is there" in line for line in said) == (kept_files - 1 if 1 <= kept_files <= tiny_gguf.LAYERS else 0)


def test_files_are_taken_from_where_they_were_made(whole: Path, tmp_path: Path) -> None:
    """A layer with other bytes, as another machine may make them, stays, and the layers behind it build on it."""
    cut = tmp_path / "cut"
    shutil.copytree(whole, cut)
    changed, next_ = cut / "weights-02-of-04.safetensors", cut / "weights-03-of-04.safetensors"
    data = bytearray(changed.read_bytes())
    data[-1] ^= 1
    changed.write_bytes(data)
    sums = sums_of(cut) | {changed.name: hashlib.sha256(data).hexdigest()}
    (cut / SUMS).write_text("".join(f"{sum_}  {name}\n" for name, sum_ in sums.items()), "utf-8")
    next_.unlink()
    make(whole.parent, cut)
    assert changed.read_bytes() == data
    assert sums_of(cut)[next_.name] == hashlib.sha256(next_.read_bytes()).hexdigest()
    assert open_filler(str(cut)).info.device == "cpu"


def test_a_folder_of_other_settings_is_refused_and_left_alone(whole: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    shutil.copytree(whole, cut)
    before = contents(cut)
    with pytest.raises(BadRequest, match=r"other settings.*--to"):
        make(whole.parent, cut, kept=list(range(260)))
    assert contents(cut) == before


def test_a_file_that_is_not_the_one_listed_is_named(whole: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    shutil.copytree(whole, cut)
    (cut / "weights-03-of-04.safetensors").write_bytes(b"changed")
    with pytest.raises(BadRequest, match=r"weights-03-of-04.*take it away"):
        make(whole.parent, cut)
    (cut / "weights-03-of-04.safetensors").unlink()
    make(whole.parent, cut)
    assert contents(cut) == contents(whole)


def test_half_of_a_model_is_no_model(whole: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    shutil.copytree(whole, cut)
    (cut / "weights-03-of-04.safetensors").unlink()
    (cut / "weights-04-of-04.safetensors").unlink()
    with pytest.raises(UnknownModel, match=r"incomplete: 2 of 4 files.*train base --to"):
        open_filler(str(cut))


def test_the_list_of_sums_is_right(whole: Path) -> None:
    sums = sums_of(whole)
    assert sorted(sums) == sorted(path.name for path in whole.glob("weights-*.safetensors"))
    assert all(hashlib.sha256((whole / name).read_bytes()).hexdigest() == sum_ for name, sum_ in sums.items())


def test_halves_of_the_embedding_are_one(whole: Path) -> None:
    matrix = open_shards(whole)[0][EMBEDDING]
    assert len(matrix.pieces) == 2
    rows = [*KEPT, *GgufFile(whole.parent / "tiny.gguf").vocabulary().special.values()]
    floats = GgufFile(whole.parent / "tiny.gguf").weight(EMBEDDING)[rows]
    np.testing.assert_allclose(dequantised(matrix.whole(), matrix.format), floats, atol=0.004)
    assert json.loads((whole / "config.json").read_text("utf-8"))["vocab_size"] == len(rows)
