"""`dlm-fill eval refactor --model`: cases are damaged as they say, and what is right, wrong or missing is told apart."""

from __future__ import annotations

import ast
import json
import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from lsp_server.bench.filled import eval_filled, suspicious
from lsp_server.bench.filled.cases import File, Function, drawn, files
from lsp_server.bench.filled.damage import damage
from lsp_server.bench.filled.project_tests import ProjectTests
from lsp_server.bench.filled.repairs import repair, repairing
from lsp_server.bench.filled.times import CaseTimes
from lsp_server.bench.filled.transforms import document, implement, listed_in
from lsp_server.transforms.applying import Refactored, RefactoringResult
from lsp_server.transforms.refactoring import Change
from lsp_server.transforms.suspicious.suspicions import Suspicion
from lsp_server.types import Region
from tests.fakes import FakeFiller

TEXT = '''def total(values, offset):
    """The sum of the values above the offset, é.

    Args:
        values: What to add.
        offset: How much to leave out.
    """
    result = 0
    for value in values:
        if value > offset and value != 1:
            result += value
    return result
'''


def only(tmp_path: Path, text: str = TEXT) -> tuple[File, Function]:
    (tmp_path / "a.py").write_text(text)
    rng = random.Random(0)
    return next(drawn(files([tmp_path], rng), rng))


def done(text: str) -> Refactored:
    return Refactored(
        change=Change(source=b"", summary=""), results=(RefactoringResult(edits=(), source=text.encode()),)
    )


def test_one_word_is_damaged_and_all_kinds_are_drawn(tmp_path: Path) -> None:
    file, function = only(tmp_path)
    kinds = set()
    for seed in range(60):
        found = damage(file, function, random.Random(seed))
        assert found is not None
        data = found.source.encode()
        assert data[found.start : found.end].decode() == found.text != found.right
        assert data[: found.start] + found.right.encode() + data[found.end :] == file.text.encode()
        assert found.start >= file.text.encode().index(b"result"), "the docstring is no code"
        ast.parse(found.source)
        kinds.add(found.kind)
    assert kinds == {"name", "slip", "operator", "constant"}


def test_what_is_told_of_sound_code_counts_by_its_lines(tmp_path: Path) -> None:
    only(tmp_path)
    filler = FakeFiller([], improbable={"return": "yield"})
    said: list[str] = []
    report = suspicious.measured(filler, [tmp_path], cases=1, seed=1, max_time_s=None, say=said.append)
    assert len(said) == report["cases"] == report["told of sound code"] == 1
    assert report["recall"] == report["precision"] == 0.0, "the damaged word is another one"
    assert report["sound lines"] == 12
    assert report["per 100 sound lines"] == pytest.approx(100 / 12, abs=0.01)


def test_what_is_found_and_mended_exactly_counts_so(tmp_path: Path) -> None:
    file, function = only(tmp_path)
    found = damage(file, function, random.Random(3))
    assert found is not None

    def looked(instead: str) -> suspicious.Looked:
        region = Region(found.start, found.end)
        one = Suspicion(region=region, text=found.text, instead=instead, nats=5, probability=0.01)
        return suspicious.Looked(damage=found, lines=12, sound=(), damaged=(one,))

    right, wrong, missed = (
        looked(found.right),
        looked("other"),
        suspicious.Looked(damage=found, lines=12, sound=(), damaged=()),
    )
    times = CaseTimes()
    with times.measured():
        pass
    report = suspicious.figures([right, wrong, missed], times)
    assert (report["recall"], report["exactly"], report["precision"]) == (0.667, 0.333, 1.0)
    assert report["recall by kind"] == {found.kind: "2/3"}
    assert report["p50_ms"] == report["p95_ms"] == round(times.ms[0])
    assert report["p95_cpu_ms"] == round(times.cpu_ms[0])
    assert CaseTimes().figures()["p50_ms"] is None


def test_a_repair_is_exact_or_otherwise_or_changes_sound_lines(tmp_path: Path) -> None:
    file, _ = only(tmp_path)
    broken = TEXT.replace("result += value", "result += += value")
    case = repairing(file, broken, broken.encode().index(b"+= value"))
    keys = ("exactly", "same tree", "otherwise", "sure", "sure and otherwise", "sound lines changed")
    for repaired, found in (
        (TEXT, (1, 1, 0, 1, 0, 0)),
        (TEXT.replace("result += value", "result  += value"), (0, 1, 0, 1, 0, 0)),
        (TEXT.replace("result += value", "result -= value"), (0, 0, 1, 1, 1, 0)),
        (TEXT.replace("result += value", "result += value\n            break"), (0, 0, 1, 1, 1, 0)),
        (TEXT.replace("return result", "return  result"), (0, 1, 0, 1, 0, 1)),
        (broken, (0, 0, 0, 1, 1, 0)),
    ):
        assert case.judge(done(repaired)) == dict(zip(keys, map(float, found), strict=True)), repaired
    assert case.judge(None) == dict.fromkeys(keys, 0.0)
    wrong = done(TEXT.replace("result += value", "result -= value"))
    unsure = Refactored(
        change=Change(source=b"", summary="", least_confidence=0.6),
        results=(replace(wrong.results[0], confidence=0.5),),
    )
    assert (case.judge(unsure)["sure"], case.judge(unsure)["sure and otherwise"]) == (0.0, 0.0)


def test_a_case_of_repair_does_not_parse_and_differs_on_one_line(tmp_path: Path) -> None:
    file, function = only(tmp_path)
    for seed in range(10):
        case = repair(file, function, random.Random(seed))
        assert case is not None
        with pytest.raises(SyntaxError):
            ast.parse(case.snapshot.source)
        lines = zip(case.snapshot.source.decode().split("\n"), TEXT.split("\n"), strict=True)
        assert sum(a != b for a, b in lines) == 1


@pytest.mark.parametrize(
    ("docstring", "names"),
    [
        ("Do.\n\nArgs:\n    a: One.\n    *rest: Two: three.\n\nReturns:\n    b: it.", ["a", "rest"]),
        ("Do.\n\nParameters\n----------\na : int\n    One.\nb\n    Two.\n\nReturns\n-------\nint\n    It.", ["a", "b"]),
        ("Do.\n\n:param a: one.\n:param b: two.\n:returns: it.", ["a", "b"]),
        ("Do a and b.", []),
    ],
)
def test_parameters_are_read_from_each_convention(docstring: str, names: list[str]) -> None:
    assert listed_in(docstring) == names


def test_a_docstring_names_exactly_the_parameters_or_not(tmp_path: Path) -> None:
    file, function = only(tmp_path)
    case = document(file, function, random.Random(0))
    assert case is not None
    assert case.judge(done(TEXT))["names exactly the parameters"] == 1.0
    assert (
        case.judge(done(TEXT.replace("        offset: How much to leave out.\n", "")))["names exactly the parameters"]
        == 0.0
    )
    assert case.judge(None)["filled"] == 0.0


def test_a_body_is_judged_by_the_projects_tests(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "src").mkdir()
    file, function = only(tmp_path / "src")
    (tmp_path / "check.py").write_text("from a import total\nassert total([1, 2, 3], 1) == 5\n")
    tests = ProjectTests(f"{sys.executable} check.py")
    case = implement(file, function, random.Random(0), tests=tests)
    assert case is not None
    assert case.judge(done(TEXT)) == {"passed": 1.0}
    assert case.judge(done(TEXT.replace("+=", "-="))) == {"passed": 0.0}
    assert case.judge(None) == {"passed": 0.0}
    assert case.baselines == {"returns its argument": 0.0}
    (tmp_path / "check.py").write_text("")
    assert implement(file, function, random.Random(0), tests=ProjectTests(f"{sys.executable} check.py")) is None, (
        "the tests do not need the body"
    )


def test_what_was_written_is_told_with_its_confidence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    only(tmp_path)
    filler = FakeFiller(["Total the values."], others=[["Sum."]])
    eval_filled.measured("document", filler, [tmp_path], cases=1, seed=0, max_time_s=None)
    told = json.loads(capsys.readouterr().err.partition("1/1 ")[2])
    assert set(told["texts"]) == {"Total the values."}
    assert 0 < told["confidence"] <= 1
    assert "The sum of the values" in told["right"][0]


def test_the_command_prints_figures_and_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(tmp_path)
    monkeypatch.setattr(eval_filled, "open_filler", lambda name: FakeFiller(["int"], improbable={"return": "yield"}))
    arguments = ["--transform", "suspicious", "--transform", "document", "--source", str(tmp_path), "--cases", "1"]
    printed = CliRunner().invoke(eval_filled.main, arguments, standalone_mode=False)
    assert printed.return_value == 0, printed.output
    report = json.loads(printed.output.splitlines()[-1])
    assert [(row["transform"], row["cases"]) for row in report] == [("suspicious", 1), ("document", 1)]
