"""The built-in model's folder, out of the published file: fetch, prune, quantise, write."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.tokenizer import CodeTokenizer
from model.backends.builtin.weights import EMBEDDING
from model.errors import UnknownModel
from model.train.base.gguf_file import GgufFile
from model.train.base.quantising import Excerpt, excerpts, sequence, write_folder
from model.train.base.vocabulary import read_ids, write_tokenizer

CONTEXT_TOKENS = 2048
"""The longest context that the folder's config allows; the engine reads less where time matters."""
KEPT = Path(__file__).parent / "vocabulary.txt"
"""Ids of the published vocabulary that the built-in model keeps, closed under merges.

By frequency: 0.7 of the weight is that in packages of twelve languages (which were counted, not trained on, so whatever
their licence), 0.3 the place in the published order of those that are ASCII.
"""


def build(
    source: Path,
    folder: Path,
    *,
    kept: list[int] | None = None,
    calibration: list[Excerpt] | None = None,
    say: Callable[[str], None],
) -> None:
    """Write the model folder of the GGUF file `source`. Nothing is left of a folder that could not be finished.

    kept: ids of the vocabulary (default: those of the built-in model). Raises UnknownModel.
    """
    file = GgufFile(source)
    vocabulary = file.vocabulary()
    kept = read_ids(KEPT) if kept is None else kept
    if kept[-1] >= len(vocabulary.tokens):
        raise UnknownModel(
            f"{source} has {len(vocabulary.tokens)} tokens: its vocabulary is not the one that is pruned"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        made = Path(scratch)
        special = write_tokenizer(vocabulary, kept, made / "tokenizer.json")
        rows = np.array([*kept, *vocabulary.special.values()], dtype=np.int64)
        config = file.config(vocab_size=len(rows), special=plain(special), context_tokens=CONTEXT_TOKENS)

        def weight(name: str) -> NDArray[np.float32]:
            whole = file.weight(name)
            return np.ascontiguousarray(whole[rows]) if name == EMBEDDING else whole

        tokenizer = CodeTokenizer(made / "tokenizer.json")
        texts = excerpts() if calibration is None else calibration
        write_folder(made, config, weight, [sequence(text, tokenizer, config.special) for text in texts], say=say)
        folder.mkdir(exist_ok=True)
        for old in (*folder.glob("weights-*.safetensors"), folder / "config.json"):
            old.unlink(missing_ok=True)
        for path in sorted(made.iterdir(), key=lambda path: path.name == "config.json"):  # the config makes it a model
            path.replace(folder / path.name)


def plain(special: Mapping[str, int]) -> dict[str, int]:
    """Special tokens by their plain names: `<|fim_prefix|>` is "fim_prefix", `</tool_call>` "end_tool_call"."""
    return {text.strip("<|>").replace("/", "end_"): id_ for text, id_ in special.items()}
