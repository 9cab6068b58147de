"""Cases from files: what is read, and what each bad line is told."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from model.lab.eval.evaluate import main
from model.lab.eval.own_cases import BadCases, own_cases, sample, tasks

OWN = {"prefix": "a = 1\n", "suffix": "\nc = 3\n", "middle": "b = 2"}
TASK = {
    "task_id": "SingleLineInfilling/Toy/0/L0", "entry_point": "twice", "prompt": "def twice(x):\n",
    "suffix": "    return y", "canonical_solution": "    y = 2 * x\n",
    "test": "def check(f):\n    assert f(3) == 6\n",
}  # fmt: skip


def written(path: Path, *rows: object) -> Path:
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_own_cases_are_read(tmp_path: Path) -> None:
    path = written(tmp_path / "own.jsonl", OWN, "", {**OWN, "kind": "line", "note": 1})
    first, second = own_cases(path)
    assert (first.prefix, first.middle, first.suffix, first.kind) == ("a = 1\n", "b = 2", "\nc = 3\n", "own")
    assert second.kind == "line"
    assert first.name.startswith("own.jsonl:1:")
    assert second.name.startswith("own.jsonl:3:")
    assert own_cases(path) == [first, second]


def test_a_case_that_changed_has_another_name(tmp_path: Path) -> None:
    before = own_cases(written(tmp_path / "own.jsonl", OWN))[0]
    after = own_cases(written(tmp_path / "own.jsonl", {**OWN, "middle": "b = 4"}))[0]
    assert before.name != after.name


def test_line_separators_inside_texts_end_no_line(tmp_path: Path) -> None:
    row = json.dumps({**OWN, "prefix": "s = '\u2028\x85'\n"}, ensure_ascii=False)
    assert own_cases(written(tmp_path / "own.jsonl", row, OWN))[1].name.startswith("own.jsonl:2:")


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("{", "not JSON"), ("[1]", "not an object"), ({"prefix": "a"}, "no text in suffix, middle"),
        ({**OWN, "suffix": None}, "no text in suffix"), ({**OWN, "middle": " \n"}, "nothing to fill"),
        ({**OWN, "kind": 3}, "`kind`"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_and_nothing_computed(tmp_path: Path, bad: object, said: str) -> None:
    path, out = written(tmp_path / "own.jsonl", OWN, bad), tmp_path / "out.jsonl"
    done = CliRunner().invoke(main, ["--jsonl", str(path), "--system", "previous-line", "--out", str(out)])
    assert isinstance(done.exception, BadCases)
    assert f"own.jsonl:2: {said}" in str(done.exception) or f"own.jsonl:2: `middle` is empty: there is {said}" in str(
        done.exception
    )
    assert "\n" not in str(done.exception)
    assert not out.exists()


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe{}"])
def test_a_file_without_cases(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "own.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadCases, match="one JSON object a line"):
        own_cases(path)


def test_a_torn_archive(tmp_path: Path) -> None:
    path = written(tmp_path / "tasks.jsonl.gz", TASK)
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(BadCases, match="cannot read"):
        tasks(path)


@pytest.mark.parametrize("name", ["tasks.jsonl", "tasks.jsonl.gz"])
def test_tasks_are_read_plain_and_compressed(tmp_path: Path, name: str) -> None:
    found = tasks(written(tmp_path / name, TASK))[0]
    assert (found.kind, found.middle, found.suffix) == ("SingleLineInfilling", "    y = 2 * x", "\n    return y")
    assert found.prefix + found.middle + found.suffix == "def twice(x):\n    y = 2 * x\n    return y"
    assert found.check.endswith("\ncheck(twice)\n")


def test_a_hole_of_any_span_keeps_its_line_break(tmp_path: Path) -> None:
    found = tasks(written(tmp_path / "t.jsonl", {**TASK, "task_id": "RandomSpanInfilling/Toy/0/1"}))[0]
    assert found.middle == "    y = 2 * x\n"
    assert tasks(written(tmp_path / "t.jsonl", {**TASK, "task_id": "7"}))[0].kind == "infilling"


@pytest.mark.parametrize("bad", [TASK, {**TASK, "task_id": "b", "entry_point": "f(); import os"}, OWN])
def test_a_bad_task_is_named(tmp_path: Path, bad: object) -> None:
    with pytest.raises(BadCases, match=r"t\.jsonl:2: "):
        tasks(written(tmp_path / "t.jsonl", TASK, bad))


def test_a_sample_keeps_the_order_and_depends_on_the_seed(tmp_path: Path) -> None:
    cases = own_cases(written(tmp_path / "own.jsonl", *[OWN] * 40))
    some = sample(cases, total=10, seed=1)
    assert some == sorted(some, key=cases.index)
    assert len(set(some)) == 10
    assert some == sample(cases, total=10, seed=1) != sample(cases, total=10, seed=2)
    assert sample(cases, total=99, seed=1) == cases


@pytest.mark.parametrize(
    "arguments",
    [
        ["--infilling", "FILE"], ["--jsonl", "FILE", "--infilling", "FILE"], ["--jsonl", "FILE", "--run-code"],
        ["--jsonl", "FILE", "--kind", "line"], ["--jsonl", "FILE", "--source", "."], ["--jsonl", "FILE", "--seed", "3"],
        ["--vs", "other"],
    ],
)  # fmt: skip
def test_options_that_contradict_are_refused(tmp_path: Path, arguments: list[str]) -> None:
    path, out = written(tmp_path / "t.jsonl", {**TASK, **OWN}), tmp_path / "out.jsonl"
    given = [str(path) if a == "FILE" else a for a in arguments]
    done = CliRunner().invoke(main, [*given, "--system", "previous-line", "--out", str(out)])
    assert done.exit_code == 2
    assert ("--run-code" in done.output) or "--infilling" not in arguments or "--jsonl" in arguments
    assert not out.exists()
