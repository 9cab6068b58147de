"""Programs under limits, and pass@1 from the file to the figure. The tasks are toys made up here."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from model.lab.eval.cases import Case
from model.lab.eval.evaluate import main
from model.lab.eval.measure import judge
from model.lab.eval.running import LIMITS, ProcessLimits, passes

QUICK = ProcessLimits(cpu_s=1, wall_s=3.0)
UNHURRIED = ProcessLimits(cpu_s=60, wall_s=300.0)  # where time is not what a program shall fail for


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("x = 1", True),
        ("assert False", False),
        ("x = (", False),
        ("raise SystemExit(0)", False),  # an early exit with status 0 is no pass
        ("import os\nos._exit(0)", False),
        ("import os, sys\nassert os.listdir('.') == [] and sys.stdin.read() == ''", True),
        ("import os\nassert 'SECRET_OF_THE_USER' not in os.environ", True),
        ("if __name__ != '__main__': raise ValueError", True),
        ("print('x' * 10_000_000)", True),  # output costs nothing
        ("bytearray(2 << 30)", False),
        ("open('big', 'wb').write(b'x' * (2 << 20))", False),
        ("kept = [open('f', 'w') for n in range(100)]", False),
        ("open('small', 'w').write('x' * 1000)", True),
    ],
)
def test_what_passes(program: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_USER", "1")
    assert passes(program, limits=UNHURRIED) is expected


@pytest.mark.parametrize("program", ["while True: pass", "import time\ntime.sleep(60)"])
def test_time_is_limited(program: str) -> None:
    assert not passes(program, limits=QUICK)


def test_what_a_program_started_ends_with_it(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    child = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    program = (
        f"import os, subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {child!r}])\n"
        f"while not (os.path.exists({str(mark)!r}) and os.path.getsize({str(mark)!r})): time.sleep(0.01)\n"
    )
    assert passes(program, limits=UNHURRIED)
    for _ in range(1_200):
        status = Path(f"/proc/{mark.read_text()}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("a child outlived its program")


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    passes("open('left', 'w').write('x')", limits=LIMITS)
    passes("assert False")
    assert list(tmp_path.iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


def test_a_case_without_a_check_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    harmful = f"open({str(mark)!r}, 'w')"
    assert judge(Case(name="x", kind="line", prefix="", middle="a", suffix="\n"), harmful).passed is None
    assert not mark.exists()


def toy(number: int, test: str) -> dict[str, str]:
    return {
        "task_id": f"SingleLineInfilling/Toy/{number}", "entry_point": "shout",
        "prompt": "def shout(word):\n    upper = word.upper()\n", "suffix": "    return upper",
        "canonical_solution": "    upper = upper + '!'\n", "test": f"def check(f):\n    {test}\n",
    }  # fmt: skip


def test_pass_at_1_from_file_to_figure(tmp_path: Path) -> None:
    """The baseline repeats the line before the hole: right for tests that a second `upper` does not hurt."""
    path, out = tmp_path / "toys.jsonl", tmp_path / "out.jsonl"
    rows = [toy(0, "assert f('a') == 'A'"), toy(1, "assert f('a') == 'A!'"), toy(2, "assert f('') == ''")]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = ["--infilling", str(path), "--run-code", "--system", "previous-line", "--out", str(out)]
    done = CliRunner().invoke(main, arguments, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout.splitlines()[-1])["previous-line"]
    assert figures["all"]["pass@1"] == pytest.approx(66.7)
    assert figures["kinds"]["SingleLineInfilling"]["pass@1_95"][0] < 66.7
    assert figures["all"]["exact"] == 0
    assert "pass@1" in done.stderr
    written = out.read_text()
    assert [json.loads(line)["passed"] for line in written.splitlines()] == [True, False, True]
    again = CliRunner().invoke(main, arguments)
    assert again.stdout.splitlines()[-1] == done.stdout.splitlines()[-1]
    assert out.read_text() == written


def test_the_truth_passes_its_own_check(tmp_path: Path) -> None:
    case = Case(
        name="x", kind="line", prefix="def two():\n", middle="    return 2", suffix="",
        check="def check(f):\n    assert f() == 2\ncheck(two)",
    )  # fmt: skip
    assert judge(case, case.middle).passed is True
    assert judge(case, "    return 3").passed is False
    assert judge(case, "    return (").passed is False
