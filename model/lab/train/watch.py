"""What a person sees of a run: a bar on a terminal, else a line a minute; and how they stop it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from typing import Protocol

    class RunProgress(Protocol):
        """What is shown of a run."""

        step: int
        elapsed_s: float
        tokens: int


LINE_EVERY_S = 60.0


class TrainingWatch:
    """Shows progress towards `budget_s` seconds of training; a context manager."""

    def __init__(self, console: Console, *, budget_s: float) -> None:
        self._console, self._budget_s = console, budget_s
        self._shown_at: float | None = None
        columns = (TextColumn("step {task.fields[steps]}"), BarColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, TextColumn("{task.fields[losses]}"), console=console)
        self._task = self._bar.add_task("", total=budget_s, steps=0, losses="")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def step(self, progress: RunProgress, losses: Mapping[str, float]) -> None:
        """After a step: `losses` are running means, nats per token."""
        parts = " ".join(f"{name} {value:.2f}" for name, value in losses.items())
        rate = progress.tokens / max(progress.elapsed_s, 1e-9)
        text = f"{parts}  {rate:,.0f} tokens/s"
        if self._console.is_terminal:
            done = min(progress.elapsed_s, self._budget_s)
            self._bar.update(self._task, completed=done, steps=progress.step, losses=text)
        elif self._shown_at is None or progress.elapsed_s - self._shown_at >= LINE_EVERY_S:
            self._shown_at = progress.elapsed_s
            of = f"{progress.elapsed_s / 60:.1f} of {self._budget_s / 60:.1f} min"
            self._console.print(f"step {progress.step}, {of}: {text}", highlight=False)


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """A function that says whether an interrupt or a termination was asked for; the second one ends at once."""
    asked: list[int] = []

    def ask(number: int, _: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
