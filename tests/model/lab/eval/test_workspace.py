from __future__ import annotations

from pathlib import Path

import pytest

from model.lab.eval import workspace as workspace_module
from model.lab.eval.cases import Case, cut_cases
from model.lab.eval.systems import filler_system, request_of
from model.lab.eval.workspace import EvalWorkspace
from model.types import Candidate, Fill, FillerInfo, FillRequest


@pytest.fixture
def package(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    for name in ("a.py", "b.py", "deep/far/c.py", "deep/d.py", "e.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"# {name}\n")
    (root / "notes.txt").write_text("# no code\n")
    return root


def case(root: Path, text: str, *, name: str = "a.py") -> Case:
    return Case(name="x", kind="line", prefix=text, middle="y = 1", suffix="\n", path=root / name, root=root)


def test_near_files_come_first_and_the_own_one_never(package: Path) -> None:
    found = EvalWorkspace().others(case(package, ""))
    assert found == ("# b.py\n", "# e.py\n", "# deep/d.py\n", "# deep/far/c.py\n")


@pytest.mark.parametrize(
    "statement",
    [
        "from .deep.far import c",
        "from .deep.far.c import thing",
        "from shop.deep.far.c import (",
        "import shop.deep.far.c as c",
        "    from .deep.far.c import *",
    ],
)
def test_imported_files_come_before_all(package: Path, statement: str) -> None:
    assert EvalWorkspace().others(case(package, f"{statement}\n"))[0] == "# deep/far/c.py\n"


def test_relative_imports_climb(package: Path) -> None:
    found = EvalWorkspace().others(case(package, "from ...e import thing\n", name="deep/far/c.py"))
    assert found[0] == "# e.py\n"


def test_what_does_not_parse_imports_nothing(package: Path) -> None:
    assert EvalWorkspace().others(case(package, "from . import import\nimport\n"))[0] == "# b.py\n"


def test_files_are_bounded_in_number_and_size(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace_module, "MOST_FILES", 2)
    (package / "b.py").write_text("x" * 300_000)
    assert EvalWorkspace().others(case(package, "")) == ("# e.py\n", "# deep/d.py\n")


def test_a_case_of_no_file_has_no_others() -> None:
    assert EvalWorkspace().others(Case(name="x", kind="line", prefix="", middle="y", suffix="")) == ()


class Remembering:
    info = FillerInfo(name="one", device="cpu", context_tokens=1024, reads_other_files=True)

    def __init__(self) -> None:
        self.requests: list[FillRequest] = []

    def count_tokens(self, text: str) -> int:
        return len(text)

    def fill(self, request: FillRequest, **_: object) -> Fill:
        self.requests.append(request)
        one = Candidate(texts=("y = 1",), confidences=(1.0,), confidence=1.0)
        return Fill(candidates=(one,), forward_passes=1, tokens=1, prefill_ms=0.0, denoise_ms=0.0)


def test_the_engine_is_told_of_other_files_where_there_is_a_workspace(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "a.py").write_text("".join(f"value_{n} = compute({n}, 'something')\n" for n in range(60)))
    (root / "b.py").write_text("other = 1\n")
    cases = list(cut_cases(root, per_kind={"line": 3}, seed=1))
    assert len(cases) == 3
    filler = Remembering()
    for one in cases:
        filler_system(filler, workspace=EvalWorkspace())(one)
        filler_system(filler)(one)
    told = [request.other_files for request in filler.requests]
    assert told == [("other = 1\n",), ()] * 3
    assert request_of(cases[0]).other_files == ()
