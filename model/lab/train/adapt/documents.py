"""The corpus on disk: texts one after the other, with their languages; read by training as they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import BadRequest

PARTS = ("train", "held_out")


@dataclass(frozen=True, kw_only=True, eq=False)
class CorpusDocuments:
    """Texts of one part of a corpus. ends: int64 [n], where each ends in `data` (UTF-8); languages: one name for each."""

    data: NDArray[np.uint8]
    ends: NDArray[np.int64]
    languages: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ends)

    def text(self, index: int) -> str:
        start = int(self.ends[index - 1]) if index else 0
        return self.data[start : int(self.ends[index])].tobytes().decode("utf-8")

    def by_language(self) -> dict[str, NDArray[np.int64]]:
        """The indices of the documents in each language."""
        names = np.asarray(self.languages)
        return {str(name): np.flatnonzero(names == name) for name in np.unique(names)}


def write_documents(folder: Path, part: str, texts: Iterable[tuple[str, str]]) -> None:
    """Write `(language, text)` pairs as the part "train" or "held_out" of a corpus."""
    languages, ends, at = [], [], 0
    with (folder / f"{part}.txt").open("wb") as file:
        for language, text in texts:
            data = text.encode("utf-8")
            at += len(data)
            file.write(data)
            languages.append(language)
            ends.append(at)
    (folder / f"{part}.json").write_text(json.dumps({"ends": ends, "languages": languages}), "utf-8")


def read_documents(folder: Path, part: str) -> CorpusDocuments:
    """A part of a corpus, mapped. Raises BadRequest where there is none, or a damaged one."""
    try:
        said: Mapping[str, Any] = json.loads((folder / f"{part}.json").read_text("utf-8"))
        data = np.memmap(folder / f"{part}.txt", dtype=np.uint8, mode="r")
        found = CorpusDocuments(data=data, ends=np.asarray(said["ends"], np.int64), languages=tuple(said["languages"]))
        if not len(found) or len(found.languages) != len(found) or int(found.ends[-1]) != len(data):
            raise ValueError("its lists do not fit its texts")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BadRequest(
            f"no corpus in {folder} ({part}: {error}): make it with `dlm-fill train adapt corpus --out {folder}`"
        ) from error
    return found
