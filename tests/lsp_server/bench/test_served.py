"""`dlm-fill eval --system served`: holes of whole files through the pipeline, with the built-in model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lsp_server.bench.served import rewritten, serve, suggestion
from lsp_server.cli.main import BAD_INPUT, run
from model.lab.eval.evaluate import main
from model.lab.eval.served import DEFAULTS, SERVED, Told
from model.types import Budget, FillOptions, FillRequest, Hole
from tests.fakes import FakeFiller

SOURCE = "".join(
    f"def area_{n}(width, height, scale={n}):\n"
    f"    total = width * height * scale\n"
    f"    print('the area is', total, width)\n"
    f"    return round(total, {n})\n\n\n"
    for n in range(12)
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shapes").mkdir()
    (tmp_path / "shapes" / "area.py").write_text(SOURCE)
    return tmp_path / "shapes"


def asked(name: str, options: FillOptions = DEFAULTS) -> FillRequest:
    filler = FakeFiller(["return x"])
    serve(Told(filler, name, options=options), "def f(x):\n    ", "\n", Hole(max_lines=1))
    (request,) = filler.requests
    return request


def test_the_file_is_served_with_the_hole_cut_out() -> None:
    fill = serve(FakeFiller(["return x"]), "def f(x):\n    ", "\n", Hole(max_lines=1))
    assert [(c.texts, c.parses) for c in fill.candidates] == [(("return x",), True)]
    assert asked("served").template.joined(("«»",)) == "def f(x):\n    «»\n"


@pytest.mark.parametrize("name", SERVED)
def test_each_system_hears_of_syntax_what_it_may(name: str) -> None:
    ranks, mends = SERVED[name]
    request = asked(name, FillOptions(sampler="threshold", budget=Budget(max_time_s=3)))
    assert (request.parses is not None, request.accepts is not None) == (ranks, mends)
    assert (request.sampler, request.budget.max_time_s) == ("threshold", 3)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_command_brings_along_what_serves(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], jobs: str
) -> None:
    out = tmp_path / "eval.jsonl"
    systems = ["--system", "served", "--system", "served-unchecked"]
    assert (
        run(
            [
                "eval",
                "--source",
                str(folder),
                "--cases",
                "4",
                "--kind",
                "line",
                "--jobs",
                jobs,
                "--out",
                str(out),
                *systems,
            ]
        )
        == 0
    )
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["served"]["all"]["returned"] == 100
    assert figures["served"]["all"]["returned_parses"] == 100
    assert figures["mcnemar_served_served-unchecked"]["cases"] == 4


def test_without_the_command_line_nothing_serves(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--source", str(folder), "--system", "served"])
    assert left.value.code == BAD_INPUT
    assert "dlm-fill eval" in capsys.readouterr().err


def test_what_who_types_would_see_and_what_a_rewriting_leaves() -> None:
    assert suggestion(FakeFiller(["x + 1"], confidence=0.4), "def f(x):\n    return ", "\n") == ("x + 1", 0.4, 0.0)
    assert suggestion(FakeFiller(["(x"]), "def f(x):\n    return ", "\n") is None
    assert rewritten(FakeFiller(["x + 2"]), "y = ", "x + 1", "\n") == ("x + 2", True)
    assert rewritten(FakeFiller(["(x"]), "y = ", "x + 1", "\n") == ("x + 1", True)


def test_manners_are_measured_and_written_only_when_asked(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    place = Path("model/backends/builtin/weights/manners.json")
    before = place.read_text()
    assert run(["eval", "manners", "--source", str(folder), "--cases", "2", "--sound", "1"]) == 0
    said = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert 0 <= said["min_confidence"] <= 1
    assert [row["cursors"] for row in said["fit"]["cursors"].values()] == [2, 2, 2, 2]
    assert place.read_text() == before
