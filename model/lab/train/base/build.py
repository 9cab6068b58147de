"""The built-in model's folder, out of the published file: fetch, prune, quantise, write."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from model.backends.builtin.storage.weights import EMBEDDING, matrix_shapes, vector_lengths
from model.backends.builtin.tokenizer import CodeTokenizer
from model.backends.gguf.file import GgufFile, GgufVocabulary
from model.backends.gguf.tokenizer_file import write_tokenizer
from model.errors import UnknownModel
from model.lab.train.base.folder import sha256
from model.lab.train.base.quantising import Excerpt, described, excerpts, sequence, write_folder
from model.lab.train.base.vocabulary import read_ids

CONTEXT_TOKENS = 2048
"""The longest context that the folder's config allows; the engine reads less where time matters."""
KEPT = Path(__file__).parent / "vocabulary.txt"
"""Ids of the published vocabulary that the built-in model keeps, closed under merges: `dlm-fill train vocabulary` wrote them.

counted.json.xz beside it lists the packages by which they were chosen. On 21 held-out excerpts in six languages text costs
0.6996 nats a character with them, 0.6949 with the 32,000 tokens of `CALIBRATED`, and 0.6583 with all 151,643 (same layers,
CPU runtime): what is left out costs 3 nats for each token more that a text takes.
"""
CALIBRATED = Path(__file__).parent / "calibration_vocabulary.txt"
"""Ids in which the calibration set is spelled, so that the layers do not depend on which tokens are kept."""


def build(
    source: Path,
    folder: Path,
    *,
    kept: list[int] | None = None,
    calibrated: list[int] | None = None,
    calibration: list[Excerpt] | None = None,
    say: Callable[[str], None],
) -> None:
    """Write the model folder of the GGUF file `source`, or finish one that was begun with the same settings.

    kept: ids of the vocabulary (default: those of the built-in model); calibrated: those in which the calibration set is
    spelled. Raises UnknownModel for a file that is not the
    model, and then nothing is written; BadRequest where the folder holds a model of other settings.
    """
    file = GgufFile(source)
    vocabulary = file.vocabulary()
    kept = read_ids(KEPT) if kept is None else kept
    calibrated = read_ids(CALIBRATED) if calibrated is None else calibrated
    if max(kept[-1], calibrated[-1]) >= len(vocabulary.tokens):
        raise UnknownModel(
            f"{source} has {len(vocabulary.tokens)} tokens: its vocabulary is not the one that is pruned"
        )
    rows = np.array([*kept, *vocabulary.special.values()], dtype=np.int64)

    def weight(name: str) -> NDArray[np.float32]:
        whole = file.weight(name)
        return np.ascontiguousarray(whole[rows]) if name == EMBEDDING else whole

    spelled, special = _tokenizer(vocabulary, kept)
    sequences = _sequences(vocabulary, calibrated, excerpts() if calibration is None else calibration)
    config = replace(
        file.config(vocab_size=len(rows), special=plain(special), context_tokens=CONTEXT_TOKENS),
        quantisation=described(
            published_sha256=sha256(source),
            tokenizer_sha256=hashlib.sha256(spelled).hexdigest(),
            calibration_sha256=hashlib.sha256(b"".join(ids.tobytes() for ids in sequences)).hexdigest(),
        ),
    )
    file.check((*matrix_shapes(config), *vector_lengths(config)))
    embedding = file.weight(EMBEDDING)
    states = [torch.from_numpy(embedding[ids]) for ids in sequences]
    write_folder(folder, config, weight, states, tokenizer=spelled, say=say)


def _tokenizer(vocabulary: GgufVocabulary, kept: list[int]) -> tuple[bytes, Mapping[str, int]]:
    """The file `tokenizer.json`, and the ids of the special tokens by their texts."""
    with tempfile.TemporaryDirectory(prefix="dlm-fill-") as scratch:
        made = Path(scratch) / "tokenizer.json"
        special = write_tokenizer(vocabulary, kept, made)
        return made.read_bytes(), special


def _sequences(vocabulary: GgufVocabulary, spelled_in: list[int], texts: list[Excerpt]) -> list[NDArray[np.int64]]:
    """The calibration set in published ids."""
    published = np.array([*spelled_in, *vocabulary.special.values()], dtype=np.int64)
    with tempfile.TemporaryDirectory(prefix="dlm-fill-") as scratch:
        made = Path(scratch) / "tokenizer.json"
        special = plain(write_tokenizer(vocabulary, spelled_in, made))
        tokenizer = CodeTokenizer(made)
    return [published[sequence(text, tokenizer, special)] for text in texts]


def plain(special: Mapping[str, int]) -> dict[str, int]:
    """Special tokens by their plain names: `<|fim_prefix|>` is "fim_prefix", `</tool_call>` "end_tool_call"."""
    return {text.strip("<|>").replace("/", "end_"): id_ for text, id_ in special.items()}
