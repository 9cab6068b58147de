"""What a viewer is told of a fill, in order: masks before anything is read, then never less than before."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from lsp_server import pipeline
from lsp_server.code.languages.table import language_of
from lsp_server.transforms.fill import fill_regions
from lsp_server.types import Gap, Region, Snapshot
from model.backends.left_to_right.sequential import SequentialFiller
from model.backends.left_to_right.writer import Middle, Piece
from model.infill.infiller import Infiller
from model.text import PlainText
from model.types import Cancelled, Fill, Filler, FillerInfo, FillEvent, FillOptions, FillRequest, Hole, OnEvent
from tests.model.scripted import CharCodec, Scripted

WORDS = ("total", "x", "=", "1", "+", "item", "(", ")", "while")
KINDS = ("denoises", "writes and denoises", "writes alone", "asks a writer")


class Reading:
    """A filler that notes when it is first given something to read."""

    def __init__(self, filler: Filler, log: list[object]) -> None:
        self._filler, self._log = filler, log

    @property
    def info(self) -> FillerInfo:
        return replace(self._filler.info, reads_other_files=True)

    def count_tokens(self, text: str) -> int:
        self._log.append("read")
        return self._filler.count_tokens(text)

    def fill(
        self, request: FillRequest, *, cancelled: Cancelled = lambda: False, on_event: OnEvent | None = None
    ) -> Fill:
        self._log.append("read")
        return self._filler.fill(request, cancelled=cancelled, on_event=on_event)


class Writing:
    """A writer that writes each text in pieces."""

    rewrites, several = True, False
    info = FillerInfo(name="writing", device="cpu", context_tokens=2000)

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts

    def count_tokens(self, text: str) -> int:
        return len(text)

    async def write(self, middle: Middle) -> AsyncGenerator[Piece, None]:
        for character in self._texts.pop(0):
            yield Piece(text=character)

    async def close(self) -> None:
        return


def line(random: Random) -> str:
    return "    " * random.randrange(3) + " ".join(random.choices(WORDS, k=random.randrange(5)))


def case(random: Random) -> tuple[Snapshot, tuple[Gap, ...]]:
    """A file, and gaps that cover lines of it or lie between two; some are of a given length, some rewrite."""
    lines = [line(random) + "\n" for _ in range(random.randrange(6, 20))]
    source = "".join(lines).encode()
    starts = [len("".join(lines[:n]).encode()) for n in range(len(lines))]
    edges = sorted(random.sample(range(len(lines)), 2 * random.randint(1, min(3, len(lines) // 2))))
    regions = [
        Region(starts[a], starts[a] if random.random() < 0.3 else starts[b] - 1)
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]
    taken = Snapshot(uri="file:///a.txt", version=1, source=source, language=language_of("a.txt"), tree=None)
    gaps = fill_regions(taken, regions)
    return taken, tuple(replace(gap, hole=demanding(random, gap.hole)) for gap in gaps)


def demanding(random: Random, hole: Hole) -> Hole:
    longer = replace(hole, length_tokens=random.randint(1, 40))
    return random.choice([hole, hole, replace(hole, strength=0.5), longer])


def filler_of(kind: str, texts: list[str], random: Random) -> Filler:
    if kind == "asks a writer":
        return SequentialFiller(Writing(texts))
    sure = {(h, i): random.uniform(0.8, 0.99) for h in range(len(texts)) for i in range(99)}
    able: dict[str, Any] = {
        "denoises": {},
        "writes and denoises": {"beam": 3},
        "writes alone": {"beam": 3, "denoises": False},
    }[kind]
    targets = texts if kind != "writes alone" else texts[:1]  # it is asked hole by hole
    backend = Scripted(targets, sure=lambda hole, index: sure[hole, min(index, 98)], **able)
    return Infiller(backend, CharCodec(), name="scripted", device="cpu")


def decided(event: FillEvent) -> int:
    """How many characters of the holes are decided. Only a text that is not accepted is taken back, and here all are."""
    return sum(len(token.text) for tokens in event.holes for token in tokens if not token.open)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(12))
def test_masks_come_before_anything_is_read_and_nothing_decided_is_taken_back(kind: str, seed: int) -> None:
    random, log = Random(f"{kind} {seed}"), list[object]()
    taken, gaps = case(random)
    if kind == "asks a writer":
        gaps = tuple(replace(gap, hole=replace(gap.hole, length_tokens=None)) for gap in gaps)
    texts = [" ".join(random.choices(WORDS, k=random.randint(1, 4))) for _ in gaps]

    def others(_: Cancelled) -> tuple[PlainText, ...]:
        log.append("read")
        return ()

    pipeline.run(
        taken, gaps, Reading(filler_of(kind, texts, random), log), FillOptions(mend="closing"),
        cancelled=lambda: False, on_event=log.append, other_files=others,
    )  # fmt: skip
    first, *events = (event for event in log if isinstance(event, FillEvent))
    assert log[0] is first
    assert "read" in log
    assert (first.step, first.forward_passes, len(first.holes)) == (0, 0, len(gaps))
    assert all(tokens and all(token.open for token in tokens) for tokens in first.holes)
    assert events
    assert all(event.step > 0 and len(event.holes) == len(gaps) and all(event.holes) for event in events)
    shown = [decided(event) for event in events]
    assert shown == sorted(shown), f"{shown}"
    assert shown[-1] > 0
