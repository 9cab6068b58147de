"""What would happen in a file, and why: for `dlm-fill doctor FILE`."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from lsp_server import pipeline
from lsp_server.cli.targets import files
from lsp_server.cli.targets.ranges import gaps_of
from lsp_server.cli.targets.repository import root_of
from lsp_server.cli.targets.targets import Target, parse_target
from lsp_server.code.languages.table import language_of
from lsp_server.code.syntax.parse import parse
from lsp_server.configuration.settings import Settings
from lsp_server.configuration.workspace_file import NAME, WorkspaceFile
from lsp_server.types import Snapshot
from lsp_server.workspace.exclusions import Exclusions
from lsp_server.workspace.uris import Uri
from model.filler import open_filler
from model.machine.finding import Finding
from model.types import FillOptions

_LINE = re.compile(r":[0-9]+\Z")


def prospects(place: str) -> Iterator[Finding]:
    """What stands for and against filling a file, named as FILE or FILE:LINE; with a line, what comes there, and when.

    Raises InputError if the file cannot be read, or has no such line.
    """
    target = parse_target(place) if _LINE.search(place) and not Path(place).exists() else None
    name = target.file if target is not None else place
    file = files.read(name)
    assert file.path is not None, "the name of a file"
    root = root_of(file.path)
    exclusions = Exclusions([root] if root is not None else [file.path.parent])
    rule = exclusions.excluded(Path(name).absolute())
    if rule is not None:
        yield Finding(
            topic="file", text=f"{name} is not filled: excluded by {rule}", remedy=rule.remedy(file.path.name)
        )
    else:
        yield Finding(topic="file", text=f"{name} is filled; no rule excludes it", remedy="")
        ignored = exclusions.excluded(file.path, for_context=True)
        told = f"left out: {ignored}" if ignored is not None else "copied from, where that helps"
        yield Finding(topic="other files", text=f"for fills in other files it is {told}", remedy="")
    language = language_of(name)
    how = "cut and checked by syntax" if language.grammar else "cut by lines: no grammar, so nobody checks syntax"
    yield Finding(topic="language", text=f"{language.name}: {how}", remedy="")
    yield from _settings(root or file.path.parent)
    if target is not None and rule is None:
        yield _trial(file, target)


def _trial(file: files.TextFile, target: Target) -> Finding:
    """What the built-in model writes in place of the line, and the time that it takes."""
    assert file.path is not None, "the name of a file"
    language = language_of(file.name)
    tree = parse(file.source, language)
    snapshot = Snapshot(uri=str(Uri.of(file.path)), version=None, source=file.source, language=language, tree=tree)
    gaps = gaps_of(snapshot, [target])
    filler = open_filler("builtin")
    started = time.perf_counter()
    filled = pipeline.run(snapshot, gaps, filler, FillOptions(), cancelled=lambda: False)
    took = (
        f"{filler.info.name} on {filler.info.device}, {1000 * (time.perf_counter() - started):.0f} ms without loading"
    )
    if not filled.edits:
        return Finding(topic="trial", text=f"nothing in place of that line ({took})", remedy=filled.reason)
    best = filled.fill.candidates[0]
    return Finding(
        topic="trial", text=f"{best.texts[0].strip()!r}, confidence {best.confidence:.2f} ({took})", remedy=""
    )


def _settings(folder: Path) -> Iterator[Finding]:
    """The settings of the folder that are not the defaults, and where they come from."""
    values, complaints = WorkspaceFile(folder).values()
    keys = {field.name for field in fields(Settings)}
    set_here = ", ".join(f"{key} = {value}" for key, value in values.items() if key in keys)
    origin = f"from {folder / NAME}: {set_here}" if set_here else f"the defaults ({folder / NAME} sets nothing)"
    if values.get("enabled") is False:
        yield Finding(topic="settings", text=f"editors fill nothing: {origin}", remedy=f"set enabled = true in {NAME}")
    else:
        yield Finding(topic="settings", text=f"{origin}; those of your editor come on top", remedy="")
    for complaint in complaints:
        yield Finding(topic="settings", text=complaint, remedy="mend that line")
