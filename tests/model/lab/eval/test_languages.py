"""`dlm-fill eval languages`: holes in packages of several languages, the table, and what is resumed."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.bench import served
from model.errors import BadRequest
from model.lab.eval.languages import KINDS, LanguageSource, cases_of, main, solve, sources, table_of
from model.lab.eval.measure import CaseResult
from tests.fakes import FakeFiller

GO = "package shapes\n\n// area is the area.\n" + "".join(
    f"func area{n}(width int, height int) int {{\n\ttotal := width * height * {n}\n\treturn total + width\n}}\n\n"
    for n in range(40)
)
PYTHON = "".join(
    f"def area_{n}(width, height):\n    total = width * height * {n}\n    return total + width\n\n\n" for n in range(40)
)


def npm(folder: Path, name: str, files: dict[str, str], *, licence: str = "MIT") -> None:
    """An archive as npm hands it out."""
    about = {"package/package.json": json.dumps({"name": name, "version": "1.0.0", "license": licence})}
    with tarfile.open(folder / f"{name}-1.0.0.tgz", "w:gz") as tar:
        for path, text in (about | files).items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))


def wheel(folder: Path, name: str, files: dict[str, str]) -> None:
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as packed:
        packed.writestr(f"{name}-1.0.dist-info/METADATA", f"Name: {name}\nVersion: 1.0\nLicense-Expression: MIT\n")
        for path, text in files.items():
            packed.writestr(path, text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    packages = tmp_path / "packages"
    packages.mkdir()
    npm(packages, "shapes", {"package/src/shapes.go": GO})
    npm(packages, "closed", {"package/src/closed.go": GO.replace("area", "volume")}, licence="UNLICENSED")
    wheel(packages, "areas", {"areas/area.py": PYTHON})
    return packages


def test_holes_are_of_permissively_licensed_files_and_say_what_stood_there(folder: Path) -> None:
    found = list(sources([folder], ["go", "python", "rust"]))
    assert sorted({(s.package, s.language) for s in found}) == [("areas 1.0", "python"), ("shapes 1.0.0", "go")]
    for language, text in (("go", GO), ("python", PYTHON)):
        cases = cases_of(found, language=language, each=20, seed=1)
        assert {case.kind for case in cases} == set(KINDS)
        assert len(cases) > 30
        for case in cases:
            assert case.language == language
            assert case.prefix + case.middle + case.suffix == text
            assert case.middle.strip()
            assert not case.middle.strip().startswith("//") or case.kind == "rest"
        assert cases == cases_of(found, language=language, each=20, seed=1)
        assert cases != cases_of(found, language=language, each=20, seed=2)
    assert cases_of(found, language="rust", each=20, seed=1) == []


def test_packages_count_alike_whatever_their_size() -> None:
    files = [LanguageSource(package="large", language="go", text=GO.replace("area", f"area{n}")) for n in range(30)]
    files.append(LanguageSource(package="small", language="go", text=GO))
    cases = cases_of(files, language="go", each=20, seed=0)
    assert sum(":small:" in case.name for case in cases) >= len(cases) // 3


def test_a_hole_is_filled_in_its_own_language_and_nobody_says_that_it_is_no_python(folder: Path) -> None:
    case = cases_of(list(sources([folder], ["go"])), language="go", each=1, seed=0)[0]
    filler = FakeFiller([case.middle])
    result = solve(filler, served.serve, case)
    assert (result.stripped, result.parses) == (True, None)
    assert filler.requests[0].language == "go"


RESULTS = st.lists(
    st.builds(
        CaseResult,
        case=st.just("c"),
        kind=st.sampled_from(KINDS),
        text=st.just("x"),
        exact=st.just(False),
        stripped=st.booleans(),
        similarity=st.just(0.5),
        parses=st.none(),
        length_right=st.just(False),
        ms=st.floats(0, 100),
    ),
    min_size=1,
    max_size=20,
)


@given(python=RESULTS, go=RESULTS)
def test_the_table_holds_what_was_right_and_compares_it_with_python(
    python: Sequence[CaseResult], go: Sequence[CaseResult]
) -> None:
    table = table_of({"python": python, "go": go})
    for kind in KINDS:
        hits = [r.stripped for r in go if r.kind == kind]
        assert (kind in table["go"]) is bool(hits)
        if hits:
            assert table["go"][kind]["exact"] == pytest.approx(100 * sum(hits) / len(hits), abs=0.06)
            assert (table["go"][kind]["of_python"] is None) is not any(r.stripped for r in python if r.kind == kind)
    for kind, row in table["python"].items():
        assert row["of_python"] in (1.0, None), kind


def test_one_command_makes_the_table_and_goes_on_where_it_stopped(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fillers: list[FakeFiller] = []

    def open_filler(*_: object, **__: object) -> FakeFiller:
        fillers.append(FakeFiller(["x"]))
        return fillers[-1]

    monkeypatch.setattr("model.lab.eval.languages.open_filler", open_filler)
    arguments = [
        "--packages",
        str(folder),
        "--cases",
        "3",
        "--language",
        "go",
        "--language",
        "python",
        "--out",
        str(tmp_path / "l.jsonl"),
    ]
    first, again = (CliRunner().invoke(main, arguments, obj=served) for _ in range(2))
    assert first.exit_code == again.exit_code == 0, first.output
    figures = [json.loads(run.stdout.splitlines()[-1]) for run in (first, again)]
    assert figures[0] == figures[1]
    assert set(figures[0]["table"]) == {"go", "python"}
    assert figures[0]["packages"] == {"go": ["shapes 1.0.0"], "python": ["areas 1.0"]}
    assert len(fillers[0].requests) >= 10
    assert fillers[1].requests == []


def test_without_holes_it_says_what_to_name(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--packages", str(tmp_path)], obj=served)
    assert result.exit_code == 2
    assert "name --packages with archives" in result.output


def test_a_damaged_package_is_named(tmp_path: Path) -> None:
    (tmp_path / "torn-1.0.tgz").write_bytes(b"\x1f\x8b torn")
    with pytest.raises(BadRequest, match=r"torn-1\.0\.tgz is damaged"):
        list(sources([tmp_path], ["go"]))
