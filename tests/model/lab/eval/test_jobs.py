"""Cases over several processes: the same results in the same order, and errors that reach the caller."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from model.errors import UnknownModel
from model.lab.eval.cases import Case
from model.lab.eval.evaluate import main
from model.lab.eval.jobs import WorkerLost, spread
from model.lab.eval.measure import CaseResult, by_length, judge, lexical_tokens
from model.lab.eval.report import end_torn_line
from model.lab.eval.running import passes
from model.lab.eval.systems import System, SystemChoice

LINES = [f"total_{n} = width_{n} * height_{n}" for n in range(9)]


def case(number: int) -> Case:
    return Case(name=f"c{number}", kind="line", prefix=f"{LINES[number]}\n", middle=LINES[number], suffix="\nend\n")


def rows(text: str) -> list[dict[str, object]]:
    """Results without their times."""
    return [{**json.loads(line), "ms": 0} for line in text.splitlines()]


def run(path: Path, out: Path, *more: str) -> str:
    arguments = ["--jsonl", str(path), "--system", "previous-line", "--system", "longest-match", "--out", str(out)]
    done = CliRunner().invoke(main, [*arguments, *more])
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()[-1]


def test_two_jobs_write_what_one_writes_and_resume(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps(asdict(case(n))) + "\n" for n in range(9)))
    run(path, tmp_path / "one.jsonl")
    two = tmp_path / "two.jsonl"
    figures = run(path, two, "--jobs", "2")
    assert rows(two.read_text()) == rows((tmp_path / "one.jsonl").read_text())
    whole = two.read_text()
    two.write_text(whole[: len(whole) // 3])  # interrupted in the middle of a line
    run(path, two, "--jobs", "2")
    parsed = []
    for line in two.read_text().splitlines():
        try:
            parsed.append((json.loads(line)["system"], json.loads(line)["case"]))
        except ValueError:
            continue
    assert sorted(parsed) == sorted((row["system"], row["case"]) for row in rows(whole))
    assert json.loads(run(path, two))["previous-line"]["all"]["cases"] == 9
    assert json.loads(figures)["previous-line"]["by_lexical_tokens"].keys() == {"2-5"}


def slow_first(mark: Path, case: Case) -> CaseResult:
    """The first case is answered after another: by another process, then."""
    while case.name == "c0" and not mark.exists():
        time.sleep(0.01)
    mark.touch()
    return judge(case, str(os.getpid()))


def make_slow_first(mark: Path) -> System:
    return partial(slow_first, mark)


def dying(case: Case) -> CaseResult:
    if case.name == "c2":
        os._exit(9)
    return judge(case, "")


def make_dying() -> System:
    return dying


def threads(case: Case) -> CaseResult:
    import torch

    return judge(case, str(torch.get_num_threads()))


def make_threads() -> System:
    import torch

    assert torch.get_num_threads() >= 1
    return threads


def test_results_come_in_order_from_several_processes(tmp_path: Path) -> None:
    found = list(spread(partial(make_slow_first, tmp_path / "mark"), [case(n) for n in range(9)], jobs=2))
    assert [r.case for r in found] == [f"c{n}" for n in range(9)]
    assert len({r.text for r in found} - {str(os.getpid())}) == 2


def test_a_process_that_dies_is_reported_and_what_was_before_is_kept() -> None:
    found: list[str] = []
    with pytest.raises(WorkerLost, match="c2"):
        found.extend(r.case for r in spread(make_dying, [case(n) for n in range(4)], jobs=1))
    given = spread(make_dying, [case(n) for n in range(4)], jobs=1)
    assert [next(given).case, next(given).case] == ["c0", "c1"]
    with pytest.raises(WorkerLost):
        next(given)


def sleeping(case: Case) -> CaseResult:
    sleep = f"import os, time\nopen({case.middle!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)"
    if case.name == "c1":
        passes(sleep)
    return judge(case, "")


def make_sleeping() -> System:
    return sleeping


def test_who_stops_early_leaves_no_program_behind(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    asleep = Case(name="c1", kind="line", prefix="", middle=str(mark), suffix="")
    given = spread(make_sleeping, [case(0), asleep], jobs=1)
    assert next(given).case == "c0"
    while not (mark.exists() and mark.read_text()):
        time.sleep(0.01)
    given.close()
    status = Path(f"/proc/{mark.read_text()}/stat")
    assert not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_what_cannot_be_opened_says_so_in_every_process() -> None:
    choice = SystemChoice(name="engine", model="no-such-model")
    with pytest.raises(UnknownModel, match="no-such-model"):
        list(spread(choice.open, [case(0)], jobs=2))


def test_a_process_has_one_torch_thread() -> None:
    assert [r.text for r in spread(make_threads, [case(0)], jobs=1)] == ["1"]


def test_no_cases_take_no_process() -> None:
    assert list(spread(make_dying, [], jobs=4)) == []


@pytest.mark.parametrize(
    ("text", "tokens"), [("x", 1), ("x = f(1)", 6), ("    self.name_of_it", 3), ("été", 1), (" ", 0), ("a\nb", 2)]
)
def test_lexical_tokens(text: str, tokens: int) -> None:
    assert lexical_tokens(text) == tokens


def test_figures_by_length_of_the_truth() -> None:
    truths = {"1": "x", "5": "x = f()", "6": "x = f(1)", "20": "x " * 20, "21": "x " * 21, "300": "x " * 300}
    results = [
        judge(Case(name=n, kind="line", prefix="", middle=t, suffix=""), t if len(n) == 1 else "")
        for n, t in truths.items()
    ]
    table = by_length(results, truths)
    assert {name: (row["cases"], row["exact"]) for name, row in table.items()} == {
        "1": (1, 100.0), "2-5": (1, 100.0), "6-10": (1, 100.0), "11-20": (1, 0.0), "21+": (2, 0.0),
    }  # fmt: skip


def test_a_torn_line_gets_its_end_once(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    end_torn_line(path)
    assert not path.exists()
    path.write_text("{}\n{")
    end_torn_line(path)
    end_torn_line(path)
    assert path.read_text() == "{}\n{\n"
