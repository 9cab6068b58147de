from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from lsp_server.cli.refactoring import run as refactoring_run
from lsp_server.cli.refactoring.refactor import main
from lsp_server.code.languages.table import language_of
from lsp_server.code.syntax.parse import parse
from lsp_server.transforms.applying import refactored
from lsp_server.transforms.refactoring import Change, Refused
from lsp_server.transforms.writing.test_skeleton import Test as Skeleton
from lsp_server.types import Region, Snapshot
from lsp_server.workspace.uris import Uri
from model.types import FillOptions
from tests.fakes import FakeFiller

PYTHON = "def f(a):\n    if a:\n        raise ValueError(a)\n    return a\n\n\nclass A:\n    def g(self):\n        return 1\n"


def change_for(path: Path, text: str, at: str) -> tuple[Snapshot, Change]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    language, source = language_of(path.name), text.encode()
    snapshot = Snapshot(
        uri=str(Uri.of(path)), version=1, source=source, language=language, tree=parse(source, language)
    )
    start = text.index(at)
    assert Skeleton().title(snapshot, Region(start, start))
    return snapshot, Skeleton().change(snapshot, Region(start, start), answers={})


@pytest.mark.parametrize(
    ("file", "marks", "other", "expected"),
    [
        ("pkg/sub/m.py", ["pyproject.toml", "pkg/__init__.py", "pkg/sub/__init__.py", "tests/"], "", "tests/test_m.py"),
        ("m.py", [], "", "test_m.py"),
        ("m.py", ["setup.py"], "import unittest\n", "tests/test_m.py"),
        ("src/m.ts", ["package.json"], "", "src/m.test.ts"),
        ("m.go", ["go.mod"], "", "m_test.go"),
    ],
)
def test_it_stands_where_the_project_has_its_tests(
    tmp_path: Path, file: str, marks: list[str], other: str, expected: str
) -> None:
    for mark in marks:
        (tmp_path / mark).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / mark).mkdir() if mark.endswith("/") else (tmp_path / mark).write_text("", "utf-8")
    if other:
        (tmp_path / "tests").mkdir()
        (tmp_path / "tests" / "test_other.py").write_text(other, "utf-8")
    text = {
        ".py": PYTHON,
        ".ts": "export function f(a: number) { return a }\n",
        ".go": "package m\n\nfunc f(a int) int { return a }\n",
    }
    snapshot, change = change_for(tmp_path / file, text[Path(file).suffix], "f(")
    assert change.new_file == str(tmp_path / expected)
    source = change.source.decode()
    tree = parse(change.source, snapshot.language)
    assert tree is not None
    assert not tree.root_node.has_error
    assert "unittest.TestCase" in source if other else "unittest" not in source
    assert len(change.gaps) == 3 + (file.endswith(".py") and not other)
    for gap in change.gaps:
        assert re.fullmatch(gap.hole.must_match, change.source[gap.region.start : gap.region.end].decode())
    if file.startswith("pkg"):
        assert "from pkg.sub.m import f\n" in source
        assert "with pytest.raises(ValueError):" in source


def test_the_model_reads_the_function_and_the_new_file_holds_the_test_alone(tmp_path: Path) -> None:
    snapshot, change = change_for(tmp_path / "m.py", PYTHON, "f(")
    filler = FakeFiller(["1) == 1", "2) == 2", "3) == 3", "4)"])
    done = refactored(snapshot, change, filler, FillOptions(), cancelled=lambda: False)
    assert filler.requests[0].template.pieces[0].startswith("def f(a):\n")
    assert done.results[0].source.decode() == (
        "import pytest\n\nfrom m import f\n\n\ndef test_f() -> None:\n    assert f(1) == 1\n    assert f(2) == 2\n"
        "    assert f(3) == 3\n\n\ndef test_f_raises_value_error() -> None:\n    with pytest.raises(ValueError):\n        f(4)\n"
    )


def test_it_is_refused_where_a_test_is_or_no_function(tmp_path: Path) -> None:
    snapshot, change = change_for(tmp_path / "m.py", PYTHON, "f(")
    method = PYTHON.index("return 1")
    with pytest.raises(Refused, match="no method"):
        Skeleton().change(snapshot, Region(method, method), answers={})
    Path(change.new_file).write_text("", "utf-8")
    assert Skeleton().title(snapshot, Region(4, 4)) is None
    with pytest.raises(Refused, match="exists"):
        Skeleton().change(snapshot, Region(4, 4), answers={})


def test_the_command_line_shows_it_and_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.py").write_text(PYTHON, "utf-8")
    filler = FakeFiller(["1) == 1", "2) == 2", "3) == 3", "4)"])
    monkeypatch.setattr(refactoring_run, "open_filler", lambda name, **_: filler)
    monkeypatch.setattr(refactoring_run, "fetch", lambda name: None)
    shown = CliRunner().invoke(main, ["test", f"{tmp_path / 'm.py'}:1:5"])
    assert "+    assert f(1) == 1" in shown.output
    assert not (tmp_path / "test_m.py").exists()
    CliRunner().invoke(main, ["test", f"{tmp_path / 'm.py'}:1:5", "--write"])
    assert "assert f(1) == 1" in (tmp_path / "test_m.py").read_text("utf-8")
    assert (tmp_path / "m.py").read_text("utf-8") == PYTHON
