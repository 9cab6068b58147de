"""The canary: whatever way is tried, text of an excluded file never reaches a filler, and somebody says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from pygls.exceptions import JsonRpcInvalidParams

from lsp_server import pipeline
from lsp_server.cli import fill as fill_module
from lsp_server.cli import main as cli
from lsp_server.code.languages.table import language_of
from lsp_server.errors import Excluded
from lsp_server.transforms.fill import fill_regions
from lsp_server.types import Region, Snapshot
from lsp_server.workspace.exclusions import Exclusions
from model.types import FillOptions
from tests.fakes import FakeFiller
from tests.lsp_server.editor import connected, until

CANARY = "PASSWORD = 'canary-7f3a'\n\n"


def test_there_is_no_way_past_the_pipeline() -> None:
    for uri, exclusions in [("file:///w/.env", None), ("git:/w/.env?HEAD", Exclusions())]:
        snapshot = Snapshot(uri=uri, version=1, source=CANARY.encode(), language=language_of(".env"), tree=None)
        filler = FakeFiller(["x"])
        gaps = fill_regions(snapshot, [Region(3, 4)])
        with pytest.raises(Excluded, match=r"\.env: excluded by \.env\* \(built in\)"):
            pipeline.run(snapshot, gaps, filler, FillOptions(), cancelled=lambda: False, exclusions=exclusions)
        assert filler.requests == []


@pytest.mark.parametrize("name", [".env", "link.py", "own.py", "../out.py"])
async def test_an_editor_is_told_and_the_model_is_not(name: str, tmp_path: Path) -> None:
    root = tmp_path / "w"
    root.mkdir()
    (root / ".dlmignore").write_text("own.py\n")
    (tmp_path / ".dlmignore").write_text("out.py\n")
    (tmp_path / ".git").mkdir()
    for file in (root / ".env", root / "own.py", tmp_path / "out.py"):
        file.write_text(CANARY)
    (root / "link.py").symlink_to(".env")
    uri, free = (root / name).resolve().parent.joinpath(Path(name).name).as_uri(), (root / "free.py").as_uri()
    async with connected(folders=[root], record=tmp_path / "fills") as editor:
        editor.open(CANARY, uri=uri)
        await until(lambda: editor.statuses[-1].state == "inactive")
        assert editor.statuses[-1].message.startswith("excluded by ")
        editor.open("x = 1\n", uri=free)
        await until(lambda: editor.statuses[-1].state == "ready")
        assert await editor.complete(1, 0, uri=uri) == []
        assert await editor.complete(1, 0, automatic=True, uri=uri) == []
        await until(lambda: editor.statuses[-1].state == "inactive")
        with pytest.raises(JsonRpcInvalidParams, match="excluded by"):
            await editor.fill((0, 0, 0, 3), uri=uri)
        await editor.complete(0, 5, uri=free)
        await until(lambda: editor.statuses[-1].state == "ready")
        assert all("canary" not in piece for fill in editor.recorded() for piece in fill["pieces"])
        assert any("x = 1" in piece for fill in editor.recorded() for piece in fill["pieces"])


async def test_a_rule_written_meanwhile_holds_for_what_is_remembered(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with connected(folders=[tmp_path], texts=["1"]) as editor:
        editor.open("x = \n", uri=uri)
        assert len(await editor.complete(0, 4, uri=uri)) == 1
        (tmp_path / ".dlmignore").write_text("a.py\n")
        assert await editor.complete(0, 4, uri=uri) == []


async def test_an_unopened_secret_is_not_read_from_disk(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(CANARY)
    async with connected(folders=[tmp_path], record=tmp_path / "fills") as editor:
        with pytest.raises(JsonRpcInvalidParams, match="excluded by"):
            await editor.fill((0, 0, 0, 3), uri=(tmp_path / ".env").as_uri())
        assert editor.recorded() == []


@pytest.mark.parametrize("name", [".env", "link.py", "notes/own.py", "../w/.env"])
def test_the_command_line_says_why_and_leaves_with_2(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "w"
    (root / "notes").mkdir(parents=True)
    monkeypatch.chdir(root)
    for file in (".env", "notes/own.py", "good.py"):
        Path(file).write_text(CANARY)
    Path("link.py").symlink_to(".env")
    Path(".dlmignore").write_text("notes/\n")
    filler = FakeFiller(["x"])
    monkeypatch.setattr(fill_module, "open_filler", lambda *_, **__: filler)
    assert cli.run([f"{name}:1", "good.py:1", "--write"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert f"{Path(name).name}: excluded by " in captured.err
    assert filler.requests == []
    assert Path(name).read_text() == CANARY == Path("good.py").read_text()
    assert cli.run(["good.py:1"]) == 0
