"""The first half of the next built-in model lies in the repository; it is neither taken for a model nor shipped."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from model.backends.builtin.config import read_config
from model.backends.builtin.shards import SUMS, open_shard, shard_path, sums_of
from model.backends.builtin.tokenizer import CodeTokenizer
from model.backends.builtin.weights import matrix_shapes
from model.errors import UnknownModel
from model.filler import open_filler

ROOT = Path(__file__).parents[4]
FOLDER = ROOT / "model" / "backends" / "builtin" / "weights"
MOST_BYTES = 108_500_000
"""What half of the files may have together."""


def test_each_file_is_the_one_listed() -> None:
    sums = sums_of(FOLDER)
    files = sorted(FOLDER.glob("*.safetensors"))
    assert [path.name for path in files] == sorted(sums), f"{SUMS} lists other files"
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == sums[path.name] for path in files)
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    assert max(path.stat().st_size for path in files) <= 16_000_000


def test_layers_and_tokenizer_fit_the_config() -> None:
    config = read_config(FOLDER)
    count, shapes = config.layers + 2, matrix_shapes(config)
    for layer in range(config.layers // 2):
        matrices, _ = open_shard(shard_path(FOLDER, layer + 1, count))
        assert {name: (m.format.rows, m.format.columns) for name, m in matrices.items()} == {
            name: shape for name, shape in shapes.items() if name.startswith(f"model.layers.{layer}.")
        }
    tokenizer = CodeTokenizer(FOLDER / "tokenizer.json")
    assert tokenizer.vocab_size == config.vocab_size
    assert (
        hashlib.sha256((FOLDER / "tokenizer.json").read_bytes()).hexdigest() == config.quantisation["tokenizer_sha256"]
    )


def test_it_is_not_taken_for_a_model() -> None:
    with pytest.raises(UnknownModel, match=r"incomplete: 13 of 26 files.*dlm-fill train base --to"):
        open_filler(str(FOLDER))


@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_packages_leave_it_out(target: str) -> None:
    from hatchling.builders.sdist import SdistBuilder
    from hatchling.builders.wheel import WheelBuilder

    builder = (WheelBuilder if target == "wheel" else SdistBuilder)(str(ROOT))
    paths = [file.relative_path for file in builder.recurse_included_files()]
    assert "model/backends/builtin/weights.py" in paths
    assert not [path for path in paths if path.startswith("model/backends/builtin/weights/")]
