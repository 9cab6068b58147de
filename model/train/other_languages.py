"""Files of other languages that Python packages bring: C and C++, JavaScript and TypeScript, YAML, TOML, Markdown.

The rules of the Python corpus hold here too: permissive licence, written by people, no vendored copies, near
duplicates dropped. Packages are held out for other languages on their own, since those that are held out for
Python bring next to none; they were chosen by name, to cover each language, before anything was measured.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from model.train.corpus import HELD_OUT, Package, deduplicate, licence_of, listed_files, sources

LANGUAGES = {
    ".h": "c", ".c": "c", ".hpp": "c", ".cc": "c", ".cpp": "c", ".js": "javascript", ".mjs": "javascript",
    ".ts": "javascript", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".md": "markdown",
}  # fmt: skip
OTHER_HELD_OUT = frozenset({"django", "sklearn", "distributed", "openai", "statsmodels", "fastapi", "scipy"})
BUILT = re.compile(r"^(dist|bundled?|bundles|build|static|_static)$")
"""Folders of what was bundled for a browser; `static` unless the file is in a folder `js` or `src`."""
GENERATED = re.compile(r"generated (from|by|with)|automatically produced", re.IGNORECASE)
MINIFIED = re.compile(r"([.-](min|bundle|umd|esm|prod|pack(ed)?)\.|chunk|\.d\.ts$)")


def _written(path: Path, top: Path) -> bool:
    folders = path.relative_to(top).parts[:-1]
    built = [part for part in folders if BUILT.match(part)]
    return not MINIFIED.search(path.name) and (not built or (built == ["static"] and "js" in folders))


def other_languages(sites: Sequence[Path]) -> list[Package]:
    """One package of files per package that has any, deduplicated; `held_out` ones are marked."""
    found: dict[str, Package] = {}
    for site in sites:
        for dist in metadata.distributions(path=[str(site)]):
            licence = licence_of(dist)
            if licence is None:
                continue
            for top, paths in listed_files(dist, site, suffixes=frozenset(LANGUAGES)).items():
                written = [path for path in paths if _written(path, site / top)]
                files = [text for _, text in sources(site / top, written) if not GENERATED.search(text[:600])]
                if files and top not in found and not top.endswith(".dist-info"):
                    held_out = top in OTHER_HELD_OUT | HELD_OUT
                    found[top] = Package(f"{top} (other languages)", dist.version, licence, files, held_out=held_out)
    packages = [found[name] for name in sorted(found)]
    deduplicate(packages, package_characters=1_500_000, seed=0)
    return [package for package in packages if package.files]


def limited(others: list[Package], python_characters: int, *, share: float, seed: int = 0) -> list[Package]:
    """At most so many training files that `share` of all training characters are of other languages; held-out ones stay.

    There may be fewer than asked for: nothing is repeated.
    """
    room = share / (1 - share) * python_characters
    files = [(p, text) for p in others if not p.held_out for text in p.files]
    random.Random(seed).shuffle(files)
    kept: dict[str, list[str]] = {}
    for package, text in files:
        if room >= len(text):
            room -= len(text)
            kept.setdefault(package.name, []).append(text)
    for package in others:
        if not package.held_out:
            package.files = kept.get(package.name, [])
    return [package for package in others if package.files]
