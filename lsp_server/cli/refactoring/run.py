"""`dlm-fill refactor`: from a target to a diff, a file or JSON, and an exit code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from lsp_server.cli.output import output, terminal
from lsp_server.cli.targets import files
from lsp_server.cli.targets.ranges import counted_from_1, region_of
from lsp_server.cli.targets.repository import other_files
from lsp_server.cli.targets.targets import parse_place
from lsp_server.code.languages.table import language_of
from lsp_server.code.syntax.parse import parse
from lsp_server.code.text.positions import LineIndex
from lsp_server.errors import InputError, NothingFilled
from lsp_server.transforms.applying import Refactored, RefactoringResult, change_of, refactored
from lsp_server.transforms.refactoring import Change, Refactoring
from lsp_server.transforms.registry import REFACTORINGS, by_name, known
from lsp_server.types import Region, Snapshot
from lsp_server.workspace.exclusions import Exclusions
from lsp_server.workspace.other_files.gather import Gathering
from lsp_server.workspace.uris import Uri
from model.filler import fetch, open_filler
from model.types import Filler, FillOptions

REFACTORED, NOTHING_FOUND = 0, 1


@dataclass(frozen=True, kw_only=True)
class RefactoringWish:
    """What the user asked for: the refactoring called `name` at `target`, as spelled on the command line.

    `min_confidence`: what the model gives less is shown, and not written (None: as the refactoring says).
    """

    name: str
    target: str
    answers: Mapping[str, str]
    options: FillOptions
    min_confidence: float | None
    model: str
    device: str
    offline: bool
    write: bool
    json: bool


@dataclass(frozen=True, kw_only=True)
class TargetPlace:
    """A target that was found: its file, the text in it, and the bytes that it names."""

    file: files.TextFile
    snapshot: Snapshot
    region: Region


def refactor(wish: RefactoringWish, *, among: Sequence[Refactoring] = REFACTORINGS) -> int:
    """Do what was asked; the exit code. Raises InputError and model.errors.ModelError for what cannot be done."""
    refactoring = by_name(wish.name, among)
    place = place_of(wish.target)
    if wish.write and place.file.path is None and wish.json:
        raise InputError("standard input: --write and --json both need standard output; drop one of them")
    if wish.write and place.file.path is not None:
        files.check_writable(place.file)
    change = change_of(refactoring, place.snapshot, place.region, answers=wish.answers)
    try:
        done = _filled(place, change, wish)
    except NothingFilled as reason:
        output.note(f"{files.shown(place.file.name)}: {reason}")
        if wish.json:
            output.put(_as_json(place, refactoring.name, change, ()))
        return _unwritten(place, wish)
    if wish.min_confidence is not None:
        done = replace(done, change=replace(done.change, least_confidence=wish.min_confidence))
    if wish.json:
        output.put(_as_json(place, refactoring.name, done.change, done.results[: wish.options.candidates]))
    if done.unsure:
        output.note(f"{files.shown(place.file.name)}: {done.doubt}")
        if wish.write:
            output.note("not written: look at it without --write, then allow it by --min-confidence 0")
            return _unwritten(place, wish)
    _deliver(_target(place.file, change), done.results[0], wish)
    return REFACTORED


def _unwritten(place: TargetPlace, wish: RefactoringWish) -> int:
    """The exit code where nothing was changed; who reads the whole text from standard output gets it as it was."""
    if wish.write and place.file.path is None:
        output.put((place.file.bom + place.file.source).decode("utf-8"))
    return NOTHING_FOUND


def _target(file: files.TextFile, change: Change) -> files.TextFile:
    """The file that is changed: the one that was named, or the new one."""
    if not change.new_file:
        return file
    return files.TextFile(name=change.new_file, path=Path(change.new_file), source=b"", bom=b"")


def listed(target: str | None, *, as_json: bool, among: Sequence[Refactoring] = REFACTORINGS) -> int:
    """Print the refactorings that are offered at `target` (None: all there is); 1 if there are none."""
    if target is None:
        found = [{"name": one.name, "kind": one.kind} for one in known(among)]
    else:
        place = place_of(target)
        titles = {one.name: one.title(place.snapshot, place.region) for one in among}
        found = [{"name": one.name, "kind": one.kind, "title": t} for one in among if (t := titles[one.name])]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    elif found:
        width = max(len(one["name"]) for one in found)
        for one in found:
            click.echo(f"{one['name']:{width}}  {one.get('title', one['kind'])}")
    else:
        output.note(f"{target}: nothing to refactor is known there; select an expression, statements, or a name")
    return REFACTORED if found else NOTHING_FOUND


def place_of(spelled: str) -> TargetPlace:
    """What a target names. Raises InputError."""
    target = parse_place(spelled)
    file = files.read(target.file)
    language = language_of(file.name)
    snapshot = Snapshot(
        uri=str(Uri.of(file.path)) if file.path else "untitled:stdin",
        version=None,
        source=file.source,
        language=language,
        tree=parse(file.source, language),
    )
    return TargetPlace(file=file, snapshot=snapshot, region=region_of(snapshot, target))


def _filled(place: TargetPlace, change: Change, wish: RefactoringWish) -> Refactored:
    """The change with its holes filled; the model is loaded only if it has any. Raises NothingFilled."""
    if not change.gaps:
        return refactored(place.snapshot, change, None, wish.options, cancelled=lambda: False)
    if place.file.path is not None:
        Exclusions().check(Path(place.file.name).absolute())  # before a model is loaded, and by the name as given, too
    screen = terminal.screen(silent=wish.json)
    filler = opened(wish, screen)
    with screen.waiting("asking the model …"):
        return refactored(
            place.snapshot,
            change,
            filler,
            wish.options,
            cancelled=lambda: False,
            other_files=other_files(place.snapshot, Gathering()),
        )


def opened(wish: RefactoringWish, screen: terminal.Screen) -> Filler:
    """The model that was asked for. Raises model.errors.ModelError."""
    if not wish.offline:
        fetch(wish.model)  # draws a progress bar of its own
    with screen.waiting("loading the model …"):
        return open_filler(wish.model, device=wish.device)


def _deliver(file: files.TextFile, result: RefactoringResult, wish: RefactoringWish) -> None:
    if wish.write and file.path is None:
        output.put((file.bom + result.source).decode("utf-8"))
        return
    if not wish.json:
        output.show_diff(file, result.edits, write=wish.write)
    if wish.write and file.path is not None and not file.path.exists():
        files.create(file.path, result.source)
        output.note(f"{file.name}: made")
    elif wish.write:
        files.replace_source(file, result.source)


def _as_json(place: TargetPlace, name: str, change: Change, results: Sequence[RefactoringResult]) -> str:
    """The contract of `--json`: making `edits` is the whole change; `results` are all that was asked for, the best first."""
    index = LineIndex(place.snapshot.source)

    def entry(result: RefactoringResult) -> dict[str, Any]:
        edits = [
            {
                "range": counted_from_1(index, edit.region),
                "text": edit.new_text,
                "old_text": place.snapshot.as_written(edit.region),
            }
            for edit in result.edits
        ]
        confidence = None if result.confidence is None else round(result.confidence, 4)
        return {"texts": list(result.texts), "confidence": confidence, "edits": edits}

    entries = [entry(result) for result in results]
    unsure = bool(results) and Refactored(change=change, results=tuple(results)).unsure
    report = {
        "refactoring": name,
        "file": place.file.name,
        "summary": change.summary,
        "unsure": unsure,
        "edits": entries[0]["edits"] if entries else [],
        "results": entries,
    }
    return json.dumps(report, ensure_ascii=False) + "\n"
