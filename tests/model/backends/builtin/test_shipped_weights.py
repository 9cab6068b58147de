"""The weights in the repository are whole, are those listed, and fit the config and the tokenizer beside them."""

from __future__ import annotations

import hashlib

from model.backends.builtin.storage.config import read_config
from model.backends.builtin.storage.shards import SUMS, open_shard, shard_path, sums_of
from model.backends.builtin.storage.weights import matrix_shapes, open_weights
from model.backends.builtin.tokenizer import CodeTokenizer
from model.backends.locate import BUILTIN


def test_each_file_is_the_one_listed() -> None:
    sums = sums_of(BUILTIN)
    files = sorted(BUILTIN.glob("*.safetensors"))
    assert [path.name for path in files] == sorted(sums), f"{SUMS} lists other files"
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == sums[path.name] for path in files)
    assert max(path.stat().st_size for path in files) <= 16_000_000


def test_layers_fit_the_config() -> None:
    config = read_config(BUILTIN)
    count, shapes = config.layers + 2, matrix_shapes(config)
    for layer in range(config.layers):
        matrices, _ = open_shard(shard_path(BUILTIN, layer + 1, count))
        assert {name: (m.format.rows, m.format.columns) for name, m in matrices.items()} == {
            name: shape for name, shape in shapes.items() if name.startswith(f"model.layers.{layer}.")
        }
    whole = open_weights(BUILTIN, config)
    assert whole.matrices.keys() == shapes.keys()
    numbers = sum(m.format.rows * m.format.columns for m in whole.matrices.values())
    assert config.parameters == numbers + sum(len(vector) for vector in whole.vectors.values())


def test_the_tokenizer_fits_the_config() -> None:
    config = read_config(BUILTIN)
    assert CodeTokenizer(BUILTIN / "tokenizer.json").vocab_size == config.vocab_size
    found = hashlib.sha256((BUILTIN / "tokenizer.json").read_bytes()).hexdigest()
    assert found == config.quantisation["tokenizer_sha256"]
