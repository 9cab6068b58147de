"""The command line's contract, in this process and without a model: the filler is scripted."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from lsp_server.cli import fill as fill_module
from lsp_server.cli import main as cli
from model.errors import BadRequest, UnknownDevice
from model.types import Trace, TracePass, TraceRow, TraceToken
from tests.fakes import FakeFiller

SOURCE = "def area(width, height):\n    ...\n\n\ndef double(x):\n    return 2 * x\n"


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Run(Protocol):
    def __call__(self, *args: str, stdin: bytes = b"") -> Result: ...


@pytest.fixture
def filler(monkeypatch: pytest.MonkeyPatch) -> FakeFiller:
    fake = FakeFiller(["    return width * height"])
    monkeypatch.setattr(fill_module, "open_filler", lambda name, **_: fake)
    return fake


@pytest.fixture
def dlm_fill(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path, filler: FakeFiller
) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("area.py").write_text(SOURCE)

    def run(*args: str, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = cli.run(args)
        captured = capsysbinary.readouterr()
        return Result(code, captured.out.decode(), captured.err.decode())

    return run


def test_a_line_is_shown_as_a_diff_and_left_alone(dlm_fill: Run) -> None:
    result = dlm_fill("area.py:2")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "--- a/area.py\n+++ b/area.py\n@@ -1,5 +1,5 @@\n def area(width, height):\n-    ...\n"
        "+    return width * height\n \n \n def double(x):\n"
    )
    assert Path("area.py").read_text() == SOURCE


def test_write_puts_the_fill_into_the_file(dlm_fill: Run) -> None:
    assert dlm_fill("area.py:2", "--write").code == 0
    assert Path("area.py").read_text() == SOURCE.replace("    ...", "    return width * height")


def test_the_diff_is_what_patch_needs(dlm_fill: Run) -> None:
    if not shutil.which("git"):
        pytest.skip("needs git to apply the diff")
    Path("area.py").write_bytes(SOURCE.rstrip("\n").replace("\n", "\r\n").encode() + "\f é".encode())
    diff = dlm_fill("area.py:2", "area.py:6", "area.py:6+").out
    subprocess.run(["git", "apply", "-"], input=diff.encode(), check=True)
    by_patch = Path("area.py").read_bytes()
    Path("area.py").write_bytes(SOURCE.rstrip("\n").replace("\n", "\r\n").encode() + "\f é".encode())
    assert dlm_fill("area.py:2", "area.py:6", "area.py:6+", "--write").code == 0
    assert Path("area.py").read_bytes() == by_patch
    assert by_patch.count(b"\n") == by_patch.count(b"\r\n") == 6
    assert not by_patch.endswith(b"\n")


def test_ranges_of_one_file_are_one_request(dlm_fill: Run, filler: FakeFiller) -> None:
    filler.texts = ["    return width * height", "    return x + x"]
    result = dlm_fill("area.py:6", "./area.py:2", "--json")
    assert result.code == 0
    assert len(filler.requests) == 1
    assert [fill["text"] for fill in result.json["fills"]] == ["    return width * height", "    return x + x"]


def test_files_are_requests_of_their_own(dlm_fill: Run, filler: FakeFiller) -> None:
    Path("b.py").write_text(SOURCE)
    result = dlm_fill("area.py:2", "b.py:2", "--write")
    assert (result.code, len(filler.requests)) == (0, 2)
    assert Path("b.py").read_text() == Path("area.py").read_text() != SOURCE
    assert result.out.count("+++ ") == 2


def test_json_is_the_contract(dlm_fill: Run, filler: FakeFiller) -> None:
    filler.others = [["    return width ** height"]]
    result = dlm_fill("area.py:2", "--json", "--candidates", "2", "--seed", "7")
    assert result.err == ""
    assert result.out.endswith("}\n")
    report = result.json
    assert list(report) == ["model", "device", "fills", "forward_passes", "tokens", "ms"]
    assert list(report["ms"]) == ["load", "cut", "prefill", "denoise", "total"]
    assert (report["model"], report["device"], report["forward_passes"]) == ("fake", "cpu", 3)
    (fill,) = report["fills"]
    best, other = fill.pop("candidates")
    assert fill == {
        "file": "area.py",
        "range": {"start": [2, 1], "end": [2, 8]},
        "text": "    return width * height",
        "old_text": "    ...",
        "confidence": 0.9,
        "parses": True,
    }
    assert best == {"text": fill["text"], "confidence": 0.9, "parses": True}
    assert other["text"] == "    return width ** height"
    assert (filler.requests[0].seed, filler.requests[0].candidates) == (7, 2)
    assert Path("area.py").read_text() == SOURCE


def replaced(source: str, fill: dict[str, Any]) -> str:
    """What a program would do with an entry: lines and code points from 1, end exclusive."""
    lines = source.splitlines(keepends=True)
    before = [sum(map(len, lines[: line - 1])) + column - 1 for line, column in fill["range"].values()]
    return source[: before[0]] + str(fill["text"]) + source[before[1] :]


@pytest.mark.parametrize("target", ["area.py:2", "area.py:1-2", "area.py:0+", "area.py:6+", "area.py:5:5-5:11"])
def test_what_json_says_is_what_write_does(dlm_fill: Run, target: str) -> None:
    text = SOURCE.replace("double", "dôublé").replace("...", '"😀"')
    Path("area.py").write_text(text)
    (fill,) = dlm_fill(target, "--json").json["fills"]
    assert dlm_fill(target, "--write").code == 0
    assert Path("area.py").read_text() == replaced(text, fill) != text


def test_columns_are_code_points(dlm_fill: Run, filler: FakeFiller) -> None:
    Path("a.py").write_text("s = '😀é', old\n")
    filler.texts = ["new"]
    (fill,) = dlm_fill("a.py:1:11-1:14", "--json", "--write").json["fills"]
    assert (fill["old_text"], fill["text"]) == ("old", "new")
    assert Path("a.py").read_text() == "s = '😀é', new\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n"])
def test_line_ends_and_the_missing_last_one_are_kept(dlm_fill: Run, filler: FakeFiller, end: str, last: str) -> None:
    filler.texts = ["    y = 1\n    return y"]
    Path("a.py").write_bytes(f"def f():\n    ...{last}".replace("\n", end).encode())
    assert dlm_fill("a.py:2", "--write").code == 0
    assert Path("a.py").read_bytes() == f"def f():\n    y = 1\n    return y{last}".replace("\n", end).encode()


def test_a_byte_order_mark_survives(dlm_fill: Run) -> None:
    Path("a.py").write_bytes(b"\xef\xbb\xbf...\nx\n")
    assert dlm_fill("a.py:1", "--write").code == 0
    assert Path("a.py").read_bytes().startswith(b"\xef\xbb\xbf")
    assert b"..." not in Path("a.py").read_bytes()


def test_standard_input(dlm_fill: Run) -> None:
    diff = dlm_fill("-:2", stdin=SOURCE.encode())
    assert (diff.code, "+    return width * height\n" in diff.out) == (0, True)
    whole = dlm_fill("-:2", "--write", stdin=SOURCE.replace("\n", "\r\n").encode())
    assert whole.out == SOURCE.replace("    ...", "    return width * height").replace("\n", "\r\n")
    both = dlm_fill("-:2", "--write", "--json", stdin=SOURCE.encode())
    assert (both.code, both.out) == (2, "")


def test_options_reach_the_model(dlm_fill: Run, filler: FakeFiller) -> None:
    dlm_fill("area.py:2", "--max-time", "2.5", "--steps", "4", "--length", "12", "--sampler", "low_confidence")
    (request,) = filler.requests
    assert (request.budget.max_time_s, request.steps, request.sampler) == (2.5, 4, "low_confidence")
    assert [hole.length_tokens for hole in request.template.holes] == [12]
    dlm_fill("area.py:2", "--length", "auto")
    assert filler.requests[1].template.holes[0].length_tokens is None


def test_how_much_of_the_old_text_is_written_anew(dlm_fill: Run, filler: FakeFiller) -> None:
    dlm_fill("area.py:2", "--strength", "0.4")
    dlm_fill("area.py:2")
    assert [hole.strength for request in filler.requests for hole in request.template.holes] == [0.4, 1.0]
    assert filler.requests[0].template.holes[0].old_text
    for wrong in ("0", "1.5", "x"):
        refused = dlm_fill("area.py:2", "--strength", wrong)
        assert refused.code == 2
        assert "--strength" in refused.err


def test_the_old_text_is_not_shown_to_the_model(dlm_fill: Run, filler: FakeFiller) -> None:
    Path("area.py").write_text(SOURCE.replace("...", "secret = 1"))
    dlm_fill("area.py:2")
    (request,) = filler.requests
    assert not [text for text in (*request.template.pieces, *request.extra_context) if "secret" in text]


def test_time_out_returns_the_best_so_far_and_says_so(dlm_fill: Run, filler: FakeFiller) -> None:
    filler.steps, filler.step_s = 100, 0.02
    result = dlm_fill("area.py:2", "--max-time", "0.05")
    assert (result.code, "time ran out" in result.err) == (0, True)
    assert filler.steps_done == 3


@pytest.mark.parametrize("texts", [[], [""], ["  \n"]])
def test_nothing_acceptable_is_exit_code_1_with_a_reason(dlm_fill: Run, filler: FakeFiller, texts: list[str]) -> None:
    filler.texts = texts
    result = dlm_fill("area.py:2", "--write")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("dlm-fill: area.py: not filled: ")
    assert Path("area.py").read_text() == SOURCE
    report = dlm_fill("area.py:2", "--json")
    assert (report.code, report.json["fills"][0]["text"], report.json["fills"][0]["candidates"]) == (1, None, [])


def test_a_fill_with_a_syntax_error_says_so(dlm_fill: Run, filler: FakeFiller) -> None:
    filler.texts = ["    return width *)"]
    assert "syntax error" in dlm_fill("area.py:2").err
    assert dlm_fill("area.py:2", "--json").json["fills"][0]["parses"] in {True, False}


BAD: list[tuple[list[str], str]] = [
    (["missing.py:3"], "missing.py: no such file"),
    (["folder:3"], "folder: is a directory"),
    (["binary.py:1"], "binary.py: is a binary file"),
    (["latin.py:1"], "latin.py: is not UTF-8"),
    (["area.py:40-55"], "no such line: the file has 6 lines, you asked for 40–55; write area.py:6+"),
    (["area.py:7+"], "the file has 6 lines"),
    (["area.py:6-7"], "the file has 6 lines"),
    (["area.py:2:99-2:100"], "line 2 has 7 columns"),
    (["area.py:5-3"], "reversed; write area.py:3-5"),
    (["area.py:0-3"], "counted from 1"),
    (["area.py:1-3", "area.py:3-4"], "overlaps area.py:"),
    (["area.py:1-3", "./area.py:2:1-2:2"], "overlaps area.py:1-3"),
    (["area.py:2+", "area.py:2+"], "overlaps area.py:"),
    (["empty.py:1"], "empty.py: is empty, so there is no line to replace; write empty.py:0+"),
    (["area.py"], "area.py: which lines?"),
    (["area.py:2", "--device", "tpu"], "'--device'"),
    (["area.py:2", "--length", "0"], "'--length'"),
    (["area.py:2", "--candidates", "0"], "'--candidates'"),
    (["area.py:2", "--max-time", "0"], "'--max-time'"),
    (["area.py:2", "--no-such"], "--no-such"),
    (["area.py:2", "--seed"], "--seed"),
    ([], "dlm-fill FILE:3-5"),
    (["bench", "nothing"], "nothing"),
]


@pytest.mark.parametrize(("args", "said"), BAD, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
@pytest.mark.parametrize("extra", [[], ["--write"]], ids=["show", "write"])
def test_bad_input_is_one_line_and_exit_code_2(
    dlm_fill: Run, filler: FakeFiller, args: list[str], said: str, extra: list[str]
) -> None:
    Path("folder").mkdir()
    Path("binary.py").write_bytes(b"\0\1\2")
    Path("latin.py").write_bytes(b"na\xefve\n")
    Path("empty.py").touch()
    before = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    result = dlm_fill(*args, *(extra if "bench" not in args else []))
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert result.err.startswith("dlm-fill: ")
    assert result.err.count("\n") == 1
    assert not filler.requests, "nothing is filled before all input is known to be good"
    assert {path: path.read_bytes() for path in Path().iterdir() if path.is_file()} == before


def test_an_empty_file_takes_new_lines(dlm_fill: Run, filler: FakeFiller) -> None:
    Path("empty.py").touch()
    filler.texts = ["x = 1"]
    assert dlm_fill("empty.py:0+", "--write").code == 0
    assert Path("empty.py").read_text() == "x = 1\n"


@pytest.mark.parametrize("error", [UnknownDevice("no cuda here: use --device cpu"), BadRequest("unknown sampler")])
def test_what_the_model_refuses_is_bad_input(dlm_fill: Run, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(name: str, **_: object) -> FakeFiller:
        raise error

    monkeypatch.setattr(fill_module, "open_filler", refuse)
    result = dlm_fill("area.py:2")
    assert (result.code, result.out, result.err) == (2, "", f"dlm-fill: {error}\n")


@pytest.mark.parametrize(("package", "extra"), [("pydantic", "serve"), ("torch.nn", "torch"), ("gguf", "gguf")])
def test_a_package_that_an_extra_brings_is_named_with_it(
    dlm_fill: Run, monkeypatch: pytest.MonkeyPatch, package: str, extra: str
) -> None:
    def lacking(place: str) -> object:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr(cli, "load", lacking)
    done = dlm_fill("bench", "serve")
    assert (done.code, done.err) == (2, f"dlm-fill: this needs {package}: pip install 'dlm-fill[{extra}]'\n")


def test_a_module_of_ours_that_is_missing_is_a_defect(dlm_fill: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(place: str) -> object:
        raise ModuleNotFoundError("No module named 'lsp_server.lost'", name="lsp_server.lost")

    monkeypatch.setattr(cli, "load", lacking)
    assert dlm_fill("bench", "serve").code == cli.CRASHED


def test_a_defect_is_not_taken_for_no_fill(dlm_fill: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(name: str, **_: object) -> FakeFiller:
        raise ZeroDivisionError

    monkeypatch.setattr(fill_module, "open_filler", crash)
    assert dlm_fill("area.py:2").code == 70


def interrupt(*_: object, **__: object) -> FakeFiller:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "where",
    [lambda m: m.setattr(fill_module, "open_filler", interrupt), lambda m: m.setattr(FakeFiller, "fill", interrupt)],
    ids=["loading", "denoising"],
)
def test_interrupting_leaves_the_file_and_no_traceback(
    dlm_fill: Run, monkeypatch: pytest.MonkeyPatch, where: Callable[[pytest.MonkeyPatch], None]
) -> None:
    where(monkeypatch)
    result = dlm_fill("area.py:2", "--write")
    assert (result.code, result.out, "Traceback" in result.err) == (130, "", False)
    assert Path("area.py").read_text() == SOURCE


def test_help_names_every_way() -> None:
    command = [sys.executable, "-m", "lsp_server.cli.main", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for word in (
        "FILE:A-B",
        "FILE:A+",
        "FILE:A:C-B:D",
        "--write",
        "--json",
        "dlm-fill lsp",
        "dlm-fill train",
        "Exit status",
    ):
        assert word in done.stdout
    ways = [line.split()[0] for line in done.stdout.splitlines() if line.startswith(("  FILE:", "  -:"))]
    assert ways == ["FILE:A-B", "FILE:A", "FILE:A+", "FILE:A:C-B:D", "-:A-B"], "a line each"


def with_trace(filler: FakeFiller, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = TraceToken(id=3, text="return", confidence=0.9, state="committed")
    passes = (TracePass(kind="denoise", ms=1.0, rows=(TraceRow(label="from masks", holes=((cell,),)),)),)
    fill = filler.fill
    kept = Trace(passes=passes, drafts=(), ranking=())
    monkeypatch.setattr(
        filler, "fill", lambda request, **on: replace(fill(request, **on), trace=kept if request.trace else None)
    )


def test_trace_writes_a_page_beside_the_diff(
    dlm_fill: Run, filler: FakeFiller, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = dlm_fill("area.py:2")
    with_trace(filler, monkeypatch)
    Path("how.html").write_text("old")
    Path("how.html").chmod(0o640)
    assert dlm_fill("area.py:2", "--trace", "how.html") == plain
    page = Path("how.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "return" in page
    assert Path("how.html").stat().st_mode & 0o777 == 0o640
    assert sorted(p.name for p in Path().iterdir()) == ["area.py", "how.html"]
    assert filler.requests[-1].trace
    assert not filler.requests[0].trace


@pytest.mark.parametrize(
    ("path", "says"),
    [("no/such/how.html", "no such folder"), (".", "is a directory"), ("area.py", "would be overwritten"),
     ("/dev/null", "no regular file"), ("a\0b", "cannot be written")],
)  # fmt: skip
def test_trace_that_cannot_be_written_fails_before_the_model_is_loaded(
    dlm_fill: Run, monkeypatch: pytest.MonkeyPatch, path: str, says: str
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(fill_module, "open_filler", lambda name, **_: loaded.append(name))
    result = dlm_fill("area.py:2", "--trace", path)
    assert (result.code, result.out, loaded) == (2, "", [])
    assert says in result.err
    assert Path("area.py").read_text() == SOURCE


def test_a_model_without_history_writes_no_page_and_says_so(dlm_fill: Run) -> None:
    result = dlm_fill("area.py:2", "--trace", "how.html")
    assert result.code == 0
    assert "how.html: not written: the model fake keeps no history" in result.err
    assert not Path("how.html").exists()


def test_a_published_model_is_fetched_first_and_its_revision_named(
    dlm_fill: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[tuple[str, str]] = []

    def opened(name: str, **_: object) -> FakeFiller:
        happened.append(("open", name))
        return FakeFiller(["return width * height"])

    monkeypatch.setattr(fill_module, "fetch", lambda name: happened.append(("fetch", name)))
    monkeypatch.setattr(fill_module, "open_filler", opened)
    assert dlm_fill("area.py:2", "--model", "org/name", "--revision", "v1").code == 0
    assert dlm_fill("area.py:2", "--model", "org/name", "--offline").code == 0
    assert happened == [("fetch", "org/name@v1"), ("open", "org/name@v1"), ("open", "org/name")]
