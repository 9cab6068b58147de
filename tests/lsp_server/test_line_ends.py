r"""A document means the same to the model however its lines end, and gets its fill back with its own line ends."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lsp_server import pipeline
from lsp_server.cli import fill as fill_module
from lsp_server.cli import main as cli
from lsp_server.code.languages.table import language_of
from lsp_server.code.syntax.parse import parse
from lsp_server.code.text.edits import apply
from lsp_server.code.text.positions import LineIndex
from lsp_server.transforms.fill import fill_regions
from lsp_server.types import Filled, Snapshot
from lsp_server.workspace.exclusions import Exclusions
from lsp_server.workspace.other_files.gather import Gathering, Workspace
from model.types import FillOptions
from tests.fakes import FakeFiller
from tests.lsp_server.editor import connected

ENDS = ("\n", "\r\n", "\r")
LINES = ("import os", "", "def f(x):", "    total = 0", "    # 😀 é", "    return total", "y = f(os)")


def snapshot_of(text: str, uri: str = "file:///w/own.py") -> Snapshot:
    source, language = text.encode(), language_of("own.py")
    return Snapshot(uri=uri, version=1, source=source, language=language, tree=parse(source, language))


def filled(text: str, line: int, filler: FakeFiller, others: tuple[Snapshot, ...] = ()) -> tuple[Filled, bytes]:
    own, index = snapshot_of(text), LineIndex(text.encode())
    workspace = Workspace(folders=(Path("/w"),), exclusions=Exclusions(), opened=others)
    filled = pipeline.run(
        own,
        fill_regions(own, [index.line_region(line)]),
        filler,
        FillOptions(),
        cancelled=lambda: False,
        other_files=lambda cancelled: Gathering().others(own, workspace, cancelled=cancelled),
    )
    return filled, apply(own.source, filled.edits)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    lines=st.lists(st.sampled_from(LINES), min_size=3, max_size=40),
    ends=st.lists(st.sampled_from(ENDS), min_size=80, max_size=80),
    uniform=st.one_of(st.none(), st.sampled_from(ENDS)),
    data=st.data(),
)
def test_the_engine_gets_the_same_request_whatever_the_line_ends(
    lines: list[str], ends: list[str], uniform: str | None, data: st.DataObject
) -> None:
    line = data.draw(st.integers(0, len(lines) - 1))
    used = [uniform or end for end in ends]
    for below, text in enumerate(lines[1:], start=1):
        if not text and used[below - 1 : below + 1] == ["\r", "\n"]:
            used[below - 1] = "\n"  # else the two were one line end
    written = "".join(text + end for text, end in zip(lines, used, strict=False))
    plain = "".join(f"{text}\n" for text in lines)
    theirs, ours = FakeFiller(["a = 1\nb = 2"], context_tokens=60), FakeFiller(["a = 1\nb = 2"], context_tokens=60)
    done, source = filled(written, line, theirs, (snapshot_of(written, "untitled:other"),))
    _, expected = filled(plain, line, ours, (snapshot_of(plain, "untitled:other"),))
    (got,), (want,) = theirs.requests, ours.requests
    assert (got.template, got.extra_context, got.other_files) == (want.template, want.extra_context, want.other_files)
    assert "\r" not in "".join((*got.template.pieces, *got.extra_context, *got.other_files))
    assert source.replace(b"\r\n", b"\n").replace(b"\r", b"\n") == expected
    assert b"\r\r\n" not in source or "\r\r\n" in written
    if uniform is not None:
        assert source == expected.replace(b"\n", uniform.encode())
    assert all(done.edits)


@pytest.mark.parametrize("text", ["a = 1\r\nb = 2", "a = 1\rb = 2", "a = 1\nb = 2\r", "a = 1\r\r\nb"])
@pytest.mark.parametrize("end", ENDS)
def test_line_ends_of_a_models_text_become_those_of_the_file(text: str, end: str) -> None:
    _, source = filled(f"x = 1{end}y = 2{end}z = 3{end}", 1, FakeFiller([text]))
    rest = source.decode().removeprefix(f"x = 1{end}").removesuffix(f"z = 3{end}")
    assert "\r" not in rest.replace(end, "")
    assert "\n" not in rest.replace(end, "")


@pytest.mark.parametrize("name", ["b.py:3", "b.py:2+", "b.py:1:1-1:3"])
@pytest.mark.parametrize("end", ENDS[:2])
def test_the_command_line_copies_from_a_crlf_project(
    name: str, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for file in ("a.py", "b.py"):
        (tmp_path / file).write_bytes("".join(f"{line}{end}" for line in LINES).encode())
    filler = FakeFiller(["one = 1\ntwo = 2"])
    monkeypatch.setattr(fill_module, "open_filler", lambda *_, **__: filler)
    monkeypatch.chdir(tmp_path)
    assert cli.run([name, "--no-cross-file"]) == cli.run([name]) == 0
    assert filler.requests[-1].other_files == ("".join(f"{line}\n" for line in LINES),)
    diff = capfdbinary.readouterr().out
    assert b"\r\r" not in diff
    assert b"one = 1" in diff
    added = [line for line in diff.split(b"\n") if line.startswith(b"+") and not line.startswith(b"+++")]
    assert all(line.endswith(b"\r") == (end == "\r\n") for line in added[:-1])


@pytest.mark.asyncio
@pytest.mark.parametrize("end", ENDS)
async def test_a_suggestion_of_several_lines_has_the_documents_line_ends(end: str) -> None:
    async with connected(texts=["a = 1\nb = 2\nc = 3"]) as editor:
        editor.open(f"import os{end}{end}{end}x = 1{end}")
        (item,) = await editor.complete(1, 0, automatic=True)
        assert str(item.insert_text) == end.join(["a = 1", "b = 2", "c = 3"])
