"""How often each token of the published vocabulary stands in a corpus of permissively licensed packages: what is worth keeping."""

from __future__ import annotations

import json
import lzma
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.tokenizer import CodeTokenizer
from model.backends.gguf.file import GgufVocabulary
from model.backends.gguf.tokenizer_file import write_tokenizer
from model.errors import BadRequest
from model.lab.train.adapt.documents import CorpusDocuments

Frequencies = NDArray[np.float64]
COUNTED = 0.7
"""The weight of what was counted; the rest is the order in which the published vocabulary learnt its tokens."""
SHARES: Mapping[str, float] = {"python": 0.35, "javascript": 0.1, "typescript": 0.1}
"""The weight of a language among those counted; the others share the rest equally."""
LANGUAGE_CHARACTERS = 6_000_000
"""At most so much of each language is counted: more changes nothing."""
FULL_TOKENS = 1_000_000
"""A language with fewer tokens weighs less in proportion: a few packages' own names are not the language."""


def frequencies(documents: CorpusDocuments, vocabulary: GgufVocabulary) -> Frequencies:
    """float64 [tokens], summing to one: by languages, weighted by `SHARES`, and by the published order."""
    size = len(vocabulary.tokens)
    with tempfile.TemporaryDirectory(prefix="dlm-fill-") as scratch:
        write_tokenizer(vocabulary, range(size), Path(scratch) / "tokenizer.json")
        tokenizer = CodeTokenizer(Path(scratch) / "tokenizer.json")
    counts: dict[str, Frequencies] = {}
    for language, indices in sorted(documents.by_language().items()):
        counts[language] = np.zeros(size)
        room = LANGUAGE_CHARACTERS
        for index in indices.tolist():
            text = documents.text(index)[:room]
            counts[language] += np.bincount(tokenizer.encode(text), minlength=size)[:size]
            room -= len(text)
            if room <= 0:
                break
    weights = language_weights({language: float(count.sum()) for language, count in counts.items()})
    found = (1 - COUNTED) * published_order(vocabulary)
    for language, count in counts.items():
        found += COUNTED * weights[language] * count / count.sum()
    return found


def language_weights(tokens: Mapping[str, float]) -> dict[str, float]:
    """Summing to one, of languages by how many tokens of each there are."""
    others = [name for name in tokens if name not in SHARES]
    rest = (1 - sum(SHARES.values())) / max(len(others), 1)
    weights = {name: SHARES.get(name, rest) * min(1.0, count / FULL_TOKENS) for name, count in tokens.items()}
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()}


def published_order(vocabulary: GgufVocabulary) -> Frequencies:
    """float64 [tokens], summing to one: by Zipf's law over the ranks of the ASCII tokens; the others have none."""
    ascii_ = np.array([token.isascii() for token in vocabulary.tokens])
    zipf = np.where(ascii_, 1.0 / np.maximum(np.cumsum(ascii_), 1), 0.0)
    order: Frequencies = zipf / zipf.sum()
    return order


def write_counted(corpus: Path, path: Path) -> int:
    """Write which packages were counted (JSON, compressed by xz): name, version, licence, size. Return how many.

    Raises BadRequest where the corpus has no manifest.
    """
    try:
        said = json.loads((corpus / "manifest.json").read_text("utf-8"))
        rows = [row for row in said["packages"] if not row["held_out"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BadRequest(
            f"no manifest in {corpus} ({error}): make it again with `dlm-fill train adapt corpus`"
        ) from error
    told = {"characters": said["characters"]["train"], "packages": rows}
    path.write_bytes(lzma.compress(json.dumps(told, separators=(",", ":")).encode(), preset=9))
    return len(rows)
