"""Cases spread over processes, results in the order of the cases: what one process would give, sooner."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing.connection import Connection, wait

from model.errors import ModelError
from model.lab.eval.cases import Case
from model.lab.eval.measure import CaseResult
from model.lab.eval.systems import System


class WorkerLost(ModelError):
    """A process ended before it had answered."""


def spread(make: Callable[[], System], cases: Sequence[Case], *, jobs: int) -> Generator[CaseResult, None, None]:
    """The results, case by case, of `jobs` processes that each hold their own `make()`; `make` can be pickled.

    Raises what `make` or the system raises if that is a ModelError, WorkerLost if a process ends.
    """
    context = multiprocessing.get_context("spawn")  # a fork would inherit torch's threads as locks without owners
    ends, processes = [], []
    try:
        for _ in range(min(jobs, len(cases))):
            here, there = context.Pipe()
            process = context.Process(target=work, args=(make, there), daemon=True)
            process.start()
            there.close()
            ends.append(here)
            processes.append(process)
        yield from _gathered(ends, cases)
    finally:
        for process in processes:
            process.terminate()
        for here in ends:
            here.close()
        for process in processes:
            process.join()


def work(make: Callable[[], System], there: Connection) -> None:
    """Answer each case that comes with its result, until the other end is closed. One thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's to handle
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a program under test is ended and cleared away
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        system = make()
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)
        while True:
            there.send(system(there.recv()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the other end is closed
    except ModelError as error:
        there.send(error)


def _gathered(ends: Sequence[Connection], cases: Sequence[Case]) -> Iterator[CaseResult]:
    waiting, running = deque(range(len(cases))), dict[Connection, int]()
    done: dict[int, CaseResult] = {}

    def hand(end: Connection) -> None:
        if waiting:
            running[end] = waiting.popleft()
            end.send(cases[running[end]])

    def answer(end: Connection) -> None:
        at = running[end]
        try:
            found: CaseResult | ModelError = end.recv()
            if isinstance(found, ModelError):
                raise found
            done[running.pop(end)] = found
            hand(end)
        except (EOFError, OSError) as error:
            raise WorkerLost(
                f"a process ended while it worked on {cases[at].name} (out of memory?):"
                " what was computed is kept, go on with fewer --jobs"
            ) from error

    for end in ends:
        hand(end)
    for n in range(len(cases)):
        while n not in done:
            ready = set(wait(list(running)))
            for end in [end for end in running if end in ready]:
                answer(end)
        yield done.pop(n)
