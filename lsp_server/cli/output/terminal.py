"""The gap, denoising before the user's eyes: masks turn into code in their place in the file.

DrawnFrame on stderr and gone when the fill is there. Nothing is drawn unless both outputs are a terminal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol

from lsp_server.types import Gap, Snapshot
from model.text import PlainText
from model.types import DraftToken, FillEvent, OnEvent

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

_AROUND_LINES = 4
_MASK = "░"
_LEFT_OUT = "⋮"
_SURE, _UNSURE = 0.8, 0.4  # at or above: plain; below: dim


class Screen(Protocol):
    """Where progress is shown, if anywhere."""

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Shows that something takes its time."""
        ...

    @contextmanager
    def denoising(self, snapshot: Snapshot, gaps: tuple[Gap, ...], name: str) -> Iterator[OnEvent | None]:
        """What the engine reports its steps to."""
        ...


def screen(*, silent: bool) -> Screen:
    """A screen that draws, when someone is looking."""
    if silent or not sys.stderr.isatty() or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return Silent()
    from rich.console import Console

    return DrawnFrame(Console(stderr=True))


class Silent:
    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:  # noqa: ARG002
        yield

    @contextmanager
    def denoising(self, snapshot: Snapshot, gaps: tuple[Gap, ...], name: str) -> Iterator[OnEvent | None]:  # noqa: ARG002
        yield None


@dataclass(frozen=True)
class DrawnFrame:
    console: Console

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        with self.console.status(what, spinner="dots"):
            yield

    @contextmanager
    def denoising(self, snapshot: Snapshot, gaps: tuple[Gap, ...], name: str) -> Iterator[OnEvent | None]:
        from rich.live import Live

        picture = Picture.of(snapshot, gaps, name, height=self.console.height - 2)
        with Live(console=self.console, transient=True, auto_refresh=False) as live:
            yield lambda event: _show(live, picture, event)


def _show(live: Live, picture: Picture, event: FillEvent) -> None:
    live.update(picture.at(event), refresh=True)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The lines around the gaps: `texts[h]` stands before gap h, the last after all. `height` in rows."""

    name: str
    lexer: str
    texts: tuple[str, ...]
    height: int

    @classmethod
    def of(cls, snapshot: Snapshot, gaps: tuple[Gap, ...], name: str, *, height: int) -> Picture:
        """What surrounds `gaps`: a few lines on each side, the middle of what is long left out."""
        texts: list[str] = [*snapshot.around([gap.region for gap in gaps])]
        for hole, gap in enumerate(gaps):
            texts[hole] += gap.before
            texts[hole + 1] = gap.after + texts[hole + 1]
        last = len(texts) - 1
        shown = (_near(text, above=place > 0, below=place < last) for place, text in enumerate(texts))
        lexer = {"tsx": "tsx", "csharp": "csharp", "plain": "text"}.get(snapshot.language.name, snapshot.language.name)
        return cls(name=PurePath(name).name, lexer=lexer, texts=tuple(shown), height=height)

    def at(self, event: FillEvent) -> Text:
        """The picture after a denoise step: open places as masks or dim guesses, decided ones as code."""
        from rich.text import Text

        code, marks = self._code(event)
        text = _highlighted(code, self.lexer)
        text.highlight_words([_LEFT_OUT], "not underline dim default")
        for start, end, style in marks:
            text.stylize(style, start, end)
        lines = list(text.split("\n", allow_blank=True))
        if len(lines) >= self.height:
            lines = lines[: self.height - 1]
        decided = sum(not token.open for tokens in event.holes for token in tokens)
        total = sum(map(len, event.holes))
        header = Text(f"{self.name}  step {event.step}  {decided}/{total} tokens", style="dim", no_wrap=True)
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
        return Text("\n").join([header, *lines])

    def _code(self, event: FillEvent) -> tuple[str, list[tuple[int, int, str]]]:
        """The text to draw and (start, end, style) of the holes' tokens in it."""
        code, marks = self.texts[0], []
        for tokens, after in zip(event.holes, self.texts[1:], strict=True):
            for token in tokens:
                drawn, style = _drawn(token)
                if style:
                    marks.append((len(code), len(code) + len(drawn), style))
                code += drawn
            code += after
        return code, marks


def _drawn(token: DraftToken) -> tuple[str, str]:
    text = _drawable(token.text)
    if not token.open:
        return text, "bold" if token.confidence >= _SURE else "bold dim"
    if token.confidence < _UNSURE or not text.strip():
        return _MASK * max(1, len(text.strip())), "not underline dim cyan"
    return text, "dim italic"


def _near(text: str, *, above: bool, below: bool) -> str:
    """The lines of `text` next to the gaps above and below it."""
    lines = _drawable(text).split("\n")
    keep = (_AROUND_LINES + 1) * (above + below)
    if len(lines) <= keep:
        return "\n".join(lines)
    head = lines[: _AROUND_LINES + 1] if above else []
    tail = lines[-_AROUND_LINES - 1 :] if below else []
    return "\n".join([*head, *([_LEFT_OUT] if head and tail else []), *tail])


def _drawable(text: str) -> str:
    """`text` without what would move the cursor: rows and columns must come out as counted."""
    text = PlainText(text).replace("\t", "    ")
    return "".join(c if c == "\n" or c.isprintable() else "·" for c in text)


def _highlighted(code: str, lexer: str) -> Text:
    from rich.syntax import Syntax
    from rich.text import Text

    text = Syntax("", lexer, theme="ansi_dark", background_color="default").highlight(code)
    return text if text.plain.startswith(code) else Text(code)
