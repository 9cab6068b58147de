"""The adapter's corpus: sources in many languages from packages under permissive licences, without duplicates."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from model.errors import BadRequest
from model.lab.train.adapt.archives import Archive, archives, read_archive
from model.lab.train.adapt.documents import write_documents
from model.lab.train.corpus import Package, deduplicate

PACKAGE_CHARACTERS = 3_000_000


def build(
    training: Sequence[Path],
    held_out: Sequence[Path],
    out: Path,
    *,
    package_characters: int = PACKAGE_CHARACTERS,
    on_package: Callable[[str], None] = lambda _: None,
) -> dict[str, Counter[str]]:
    """Write a corpus from folders of packages; return the characters by language of "train" and "held_out".

    Held-out packages are read first; a file that shares half of its lines with them is left out of training, and so is a
    package of the same name. Raises BadRequest where a folder has no package that may be used.
    """
    kept: list[tuple[str, Archive]] = []
    refused: list[str] = []
    for part, folders in (("held_out", held_out), ("train", training)):
        names = {archive.name.lower() for _, archive in kept}
        for path in (path for folder in folders for path in archives(folder)):
            on_package(path.name)
            archive = _read(path)
            if archive is None or archive.name.lower() in names:
                refused.append(path.name)
            else:
                names.add(archive.name.lower())
                kept.append((part, archive))
        if not any(each == part for each, _ in kept):
            where = ", ".join(map(str, folders)) or "no folder"
            raise BadRequest(f"no package under a permissive licence for {part.replace('_', '-')} files in {where}")
    return _write(kept, refused, out, package_characters)


def _read(path: Path) -> Archive | None:
    try:
        return read_archive(path)
    except BadRequest:
        return None  # the manifest lists it among those that were left out


def _write(
    kept: Sequence[tuple[str, Archive]], refused: Sequence[str], out: Path, most: int
) -> dict[str, Counter[str]]:
    languages = {text: language for _, archive in kept for language, text in archive.files}
    packages = [
        Package(
            a.name, a.version, a.licence, list(dict.fromkeys(text for _, text in a.files)), held_out=part == "held_out"
        )
        for part, a in kept
    ]
    deduplicate(packages, package_characters=most, seed=0)
    out.mkdir(parents=True, exist_ok=True)
    counts: dict[str, Counter[str]] = {}
    for part, held in (("held_out", True), ("train", False)):
        texts = [(languages[text], text) for package in packages if package.held_out == held for text in package.files]
        random.Random(0).shuffle(texts)
        write_documents(out, part, texts)
        counts[part] = Counter()
        for language, text in texts:
            counts[part][language] += len(text)
    rows = [package.manifest() | {"held_out": package.held_out} for package in packages if package.files]
    manifest = {"packages": rows, "left_out": sorted(refused), "characters": counts}
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    return counts
