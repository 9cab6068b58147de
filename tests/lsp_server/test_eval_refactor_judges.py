"""The judges of `dlm-fill eval refactor` catch a wrong rename, extract or inline that somebody has planted."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from lsp_server.bench.refactor import eval_refactor
from lsp_server.bench.refactor.cases import CaseSource, sources
from lsp_server.bench.refactor.compiled import COMPILERS, Compiler
from lsp_server.bench.refactor.extraction import Make, cases_in_javascript, function_case, inline_case, variable_case
from lsp_server.bench.refactor.javascript import judge_with, unlike_javascript
from lsp_server.bench.refactor.package_tests import PackageTests
from lsp_server.bench.refactor.rename import rename_case, rename_case_of_locals
from lsp_server.transforms.extract import function, inline, variable
from lsp_server.transforms.refactoring import Change, Refused
from lsp_server.transforms.rename import rename

MODULES = Path(__file__).parents[2] / "editors" / "vscode" / "node_modules"
NAMES = {
    "go": "package p\n\nfunc f(old int, b int) int { c := b; return old + b + c }\n",
    "rust": "pub fn f(old: u32, b: u32) -> u32 { let c = b; old + b + c }\n",
    "java": "class A { int f(int old, int b) { int c = b; return old + b + c; } }\n",
    "c": "int f(int old, int b) { int c = b; return old + b + c; }\n",
    "cpp": "int f(int old, int b) { int c = b; return old + b + c; }\n",
}


def only(tmp_path: Path, text: str, language: str, name: str) -> CaseSource:
    """The one file of a package."""
    file = tmp_path / "package" / "src" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    (tmp_path / "package" / "Cargo.toml").write_text('[package]\nedition = "2021"\n', "utf-8")
    (source,) = sources([file], language, eval_refactor.SUFFIXES[language], random.Random(0))
    return source


@pytest.mark.parametrize("language", list(COMPILERS))
def test_a_compiler_tells_a_wrong_rename_from_a_right_one(language: str, tmp_path: Path) -> None:
    if shutil.which(COMPILERS[language][0]) is None:
        pytest.skip(f"no {COMPILERS[language][0]} here")
    text = NAMES[language]
    name = {"java": "A.java", "rust": "lib.rs"}.get(language, f"a{eval_refactor.SUFFIXES[language][0]}")
    source = only(tmp_path, text, language, name)
    compiler = Compiler(language)
    renamed = {"old": "§", "young": "§"}
    assert compiler.compiles(source.path, text)
    assert compiler.unlike(source.path, text, text.replace("old", "young"), renamed) == ""
    forgotten = text.replace("old", "young", 1)
    assert compiler.unlike(source.path, text, forgotten, renamed).startswith(
        ("does not compile", "it compiles to some")
    )
    captured = text.replace("old + b", "b + b")
    assert compiler.unlike(source.path, text, captured, renamed) == "it compiles to something else"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc here")
def test_a_rename_that_takes_any_name_is_caught_by_the_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = only(tmp_path, NAMES["c"], "c", "a.c")
    monkeypatch.setattr(rename, "_problem", lambda *_: "")
    case, rng = rename_case_of_locals(Compiler("c")), random.Random(1)
    outcomes = [case(source, rng, "") for _ in range(30)]
    assert any(outcome is not None and outcome.fault for outcome in outcomes)


PYTHON = "def f(old, b):\n    c = g(old)\n    h(c, b)\n    return c\n\ndef g(a):\n    return a\n\ndef h(a, b):\n    d = b\n    return d\n"


def faults_in_python(tmp_path: Path, make: Make) -> set[str]:
    source = only(tmp_path, PYTHON, "python", "a.py")
    rng = random.Random(1)
    outcomes = [make(source, rng, "") for _ in range(40)]
    return {outcome.fault for outcome in outcomes if outcome is not None and outcome.fault}


def test_a_rename_that_takes_any_name_is_caught_in_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults_in_python(tmp_path, rename_case) == set()
    monkeypatch.setattr(rename, "_problem", lambda *_: "")
    assert "a name means something else" in faults_in_python(tmp_path, rename_case)


@pytest.mark.parametrize(
    ("make", "module", "class_name"),
    [
        (variable_case, variable, "ExtractVariable"),
        (function_case, function, "ExtractFunction"),
        (inline_case, inline, "InlineVariable"),
    ],
)
def test_what_loses_a_name_is_caught_in_python(
    make: Make, module: object, class_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = getattr(module, class_name)
    right = kind.change

    def planted(self: object, *given: object, **more: object) -> Change:
        change: Change = right(self, *given, **more)
        return Change(source=change.source.replace(b"old", b"lost", 1), summary="planted")

    assert faults_in_python(tmp_path, make) == set()
    monkeypatch.setattr(kind, "change", planted)
    found = faults_in_python(tmp_path, make)
    assert any(fault.startswith("nothing declares") for fault in found)


JAVASCRIPT = "module.exports = function f(a) {\n  const x = a.b;\n  a.b = 2;\n  return x + 1;\n};\n"


@pytest.mark.skipif(
    shutil.which("node") is None or not (MODULES / "eslint-scope").is_dir(), reason="no Node.js, or no eslint-scope"
)
def test_a_wrong_inline_is_caught_by_a_packages_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = only(tmp_path, JAVASCRIPT, "javascript", "a.js")
    (tmp_path / "package" / "package.json").write_text("{}")
    check = "if (require('./src/a.js')({ b: 1 }) !== 2) throw new Error('wrong')"
    tests = PackageTests(f"node -e {json.dumps(check)}")
    assert tests.why_fail(source.path, JAVASCRIPT) == ""
    make = cases_in_javascript(judge_with(MODULES), tests)["inline-variable"]
    refused = make(source, random.Random(0), "")
    assert refused is not None
    assert "what runs before may change its value" in refused.refused
    monkeypatch.setattr("lsp_server.transforms.extract.javascript.inline._why_not_there", lambda *_, **__: "")
    wrong = make(source, random.Random(0), "")
    assert wrong is not None
    assert wrong.fault.startswith("the tests fail")
    blind = PackageTests("node -e 0")
    assert cases_in_javascript(judge_with(MODULES), blind)["inline-variable"](source, random.Random(0), "") is None, (
        "tests that do not load the file say nothing of it"
    )


@pytest.mark.skipif(
    shutil.which("node") is None or not (MODULES / "eslint-scope").is_dir(), reason="no Node.js, or no eslint-scope"
)
@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("const f = (b) => b + c;", "nothing declares c any more"),
        ("const f = (b) => b + ;", "does not parse"),
        ("const g = 1, f = (b) => b + g;", ""),
    ],
)
def test_the_judge_of_extracting_in_javascript(after: str, said: str) -> None:
    found = unlike_javascript("const f = (b) => b + 1;", after, None, judge_with(MODULES))
    assert found.startswith(said)
    assert bool(found) is bool(said)


@pytest.mark.skipif(
    shutil.which("node") is None or not (MODULES / "@typescript-eslint" / "parser").is_dir(),
    reason="no Node.js, or no typescript-eslint",
)
@pytest.mark.parametrize(
    ("after", "renamed", "said"),
    [
        ("type T = number;\nconst f = (c: T): T => c + 1;", {"b": "§", "c": "§"}, ""),
        ("type T = number;\nconst f = (c: T): T => b + 1;", {"b": "§", "c": "§"}, "a name means something else"),
        ("type U = number;\nconst f = (b: T): T => b + 1;", {"T": "§", "U": "§"}, "a name means something else"),
        ("type T = number;\nconst f = (b: T): string => b + 1;", {"b": "§"}, "the tree is another one"),
        ("type T = number;\nconst f = (b: T): T => b + c;", None, "nothing declares c any more"),
        ("type T = number;\nconst f = (b: T): T => b +;", None, "does not parse"),
    ],
)
def test_the_judge_of_typescript(after: str, renamed: dict[str, str] | None, said: str) -> None:
    before = "type T = number;\nconst f = (b: T): T => b + 1;"
    found = unlike_javascript(before, after, renamed, judge_with(MODULES, "typescript"))
    assert found.startswith(said)
    assert bool(found) is bool(said)


def test_what_is_refused_is_no_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> Change:
        raise Refused("not today, line 7")

    only(tmp_path, PYTHON, "python", "a.py")
    monkeypatch.setattr(rename.Rename, "change", refuses)
    tally = eval_refactor.run("rename", "python", [tmp_path], cases=2, seed=0, modules={})
    assert (tally.made, tally.faults) == (0, [])
    assert dict(tally.refused) == {"not today, line N": tally.tried}
