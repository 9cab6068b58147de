"""`dlm-fill FILE:A-B …`: from targets to diffs, files or JSON, and an exit code."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

from lsp_server import pipeline
from lsp_server.cli.output import report, terminal
from lsp_server.cli.output.output import note, put, show_diff
from lsp_server.cli.targets import files, ranges
from lsp_server.cli.targets.repository import other_files
from lsp_server.cli.targets.targets import Target, parse_target
from lsp_server.code.languages.table import language_of
from lsp_server.code.syntax.parse import parse
from lsp_server.code.text.edits import apply
from lsp_server.errors import InputError
from lsp_server.types import Gap, Snapshot
from lsp_server.workspace.exclusions import Exclusions
from lsp_server.workspace.other_files.gather import Gathering
from lsp_server.workspace.uris import Uri
from model.filler import fetch, open_filler
from model.types import Filler, FillerInfo, FillOptions

FILLED, NOT_FILLED = 0, 1


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the user asked for. `targets` as spelled on the command line; `page`: where that of the trace goes, if anywhere.

    offline: no model is fetched from the hub. context_refresh: see `model.filler.open_filler`. cross_file: other files
    of the repository may be copied from. strength: the share of the ranges' old text that is written anew;
    length_tokens: of each fill (None: the model chooses).
    """

    targets: Sequence[str]
    options: FillOptions
    model: str
    device: str
    write: bool
    json: bool
    page: str | None = None
    strength: float = 1.0
    length_tokens: int | None = None
    offline: bool = False
    context_refresh: int = 1
    cross_file: bool = True


@dataclass(frozen=True, kw_only=True)
class _Job:
    file: files.TextFile
    snapshot: Snapshot
    gaps: tuple[Gap, ...]


def fill(wish: Wish) -> int:
    """Do what was asked; the exit code. Raises InputError and model.errors.ModelError for what cannot be done."""
    started = time.perf_counter()
    jobs = _jobs(wish)
    page = None if wish.page is None else files.check_creatable(wish.page, apart_from=[job.file for job in jobs])
    if not wish.offline:
        fetch(wish.model)  # here, where nothing else is drawn: it draws a progress bar of its own
    loading = _start(lambda: open_filler(wish.model, device=wish.device, refresh=wish.context_refresh))
    jobs = [replace(job, snapshot=_parsed(job.snapshot)) for job in jobs]
    screen = terminal.screen(silent=wish.json)
    with screen.waiting("loading the model …"):
        filler, load_ms = loading.result()
    done, gathering = [], Gathering()
    for job in jobs:
        others = other_files(job.snapshot, gathering) if wish.cross_file else None
        with screen.denoising(job.snapshot, job.gaps, job.file.name) as on_event:
            filled = pipeline.run(
                job.snapshot,
                job.gaps,
                filler,
                wish.options,
                cancelled=lambda: False,
                on_event=on_event,
                other_files=others,
            )
        done.append(report.Done(file=job.file, snapshot=job.snapshot, filled=filled))
    total_ms = (time.perf_counter() - started) * 1000
    if wish.json:
        put(report.as_json(done, filler.info, load_ms=load_ms, total_ms=total_ms))
    if page is not None:
        _write_trace(page, done, filler.info)
    for one in done:
        _deliver(one, wish)
    return FILLED if all(one.filled.edits for one in done) else NOT_FILLED


def _write_trace(page: Path, done: Sequence[report.Done], info: FillerInfo) -> None:
    """The page of all files, or a note that this back end keeps no history."""
    from lsp_server.cli.trace_page.page import page_of

    if any(one.filled.fill.trace for one in done):
        files.create(page, page_of(done, info).encode("utf-8"))
    else:
        note(f"{page.name}: not written: the model {info.name} keeps no history of its fills")


def _jobs(wish: Wish) -> list[_Job]:
    """One per file, ranges of one file together; everything that can be wrong with them is found here."""
    by_file: dict[object, tuple[files.TextFile, list[Target]]] = {}
    for target in map(parse_target, wish.targets):
        known = next((f for f, _ in by_file.values() if f.name == target.file), None)
        file = known or files.read(target.file)
        if file.path is not None:
            Exclusions().check(Path(file.name).absolute())  # before a model is loaded, and by the name as given, too
        by_file.setdefault(file.path, (file, []))[1].append(target)
    if wish.write and wish.json and None in by_file:
        raise InputError("standard input: --write and --json both need standard output; drop one of them")
    jobs = []
    for file, targets in by_file.values():
        if wish.write and file.path is not None:
            files.check_writable(file)
        snapshot = Snapshot(
            uri=str(Uri.of(file.path)) if file.path else "untitled:stdin",
            version=None,
            source=file.source,
            language=language_of(file.name),
            tree=None,
        )
        gaps = tuple(
            replace(gap, hole=replace(gap.hole, strength=wish.strength, length_tokens=wish.length_tokens))
            for gap in ranges.gaps_of(snapshot, targets)
        )
        jobs.append(_Job(file=file, snapshot=snapshot, gaps=gaps))
    return jobs


def _parsed(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, tree=parse(snapshot.source, snapshot.language))


def _start(load: Callable[[], Filler]) -> Future[tuple[Filler, float]]:
    """The filler and the ms that loading took, while this thread goes on. A daemon: Ctrl-C need not wait for it."""
    future: Future[tuple[Filler, float]] = Future()

    def work() -> None:
        began = time.perf_counter()
        try:
            future.set_result((load(), (time.perf_counter() - began) * 1000))
        except BaseException as error:  # noqa: BLE001  it is raised where the result is asked for
            future.set_exception(error)

    Thread(target=work, name="load-model", daemon=True).start()
    return future


def _deliver(done: report.Done, wish: Wish) -> None:
    """The diff, or the file; and on stderr what the user should know."""
    edits, source = done.filled.edits, done.snapshot.source
    name = files.shown(done.file.name)
    if not edits:
        note(f"{name}: not filled: {done.filled.reason}")
        if wish.write and done.file.path is None:
            put((done.file.bom + source).decode("utf-8"))
        return
    if done.filled.fill.candidates[0].parses is False:
        note(f"{name}: the filled text has a syntax error; look at it before you use it")
    if done.filled.fill.stopped == "time":
        note(f"{name}: time ran out; this is the best so far")
    filled = apply(source, edits)
    if wish.write and done.file.path is None:
        put((done.file.bom + filled).decode("utf-8"))
        return
    if not wish.json and not show_diff(done.file, edits, write=wish.write):
        note(f"{name}: the fill is what stands there already")
    if wish.write:
        files.replace_source(done.file, filled)
