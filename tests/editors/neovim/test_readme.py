"""What the README tells a user of Neovim to write, run as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.editors.neovim.neovim import PLUGIN, ROOT, Neovim, bare, installed

PLACE = "/path/to/dlm-fill/editors/neovim"
"""What a reader replaces by where the plugin is."""


def snippets() -> dict[str, str]:
    """The blocks of Lua in the README and in the plugin's own."""
    pages = {"README": ROOT / "README.md", "plugin's README": PLUGIN / "README.md"}
    return {
        f"{name} {number}": block
        for name, page in pages.items()
        for number, block in enumerate(re.findall(r"^```lua\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE), 1)
    }


@contextmanager
def as_told(
    binary: str, snippet: str, folder: Path, *, plugin: Path = PLUGIN, path: str | None = None
) -> Iterator[Neovim]:
    """Neovim of a user who has put the snippet into `init.lua`, and nothing else."""
    assert PLACE in snippet, "the snippet says where the plugin is"
    config = folder / "config" / "nvim"
    config.mkdir(parents=True)
    (config / "init.lua").write_text(snippet.replace(PLACE, str(plugin)))
    home = {"HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "config"), "VIRTUAL_ENV": ""}
    home |= {"XDG_DATA_HOME": str(folder / "data"), "PATH": path if path is not None else os.environ["PATH"]}
    with bare(binary, "-u", str(config / "init.lua"), environment=home) as editor:
        yield editor


@pytest.fixture(params=sorted(snippets()))
def snippet(request: pytest.FixtureRequest) -> str:
    """One of the blocks."""
    return snippets()[request.param]


@pytest.fixture
def project(source: Path) -> Path:
    """A file in a project whose settings show all that is suggested: what is tested is the editor."""
    (source.parent / "dlm-fill.toml").write_text("minConfidence = 0\n")
    return source


def without_tool(folder: Path) -> str:
    """A PATH on which there is no dlm-fill, but what Neovim needs."""
    (folder / "bin").mkdir()
    for tool in ("env", "sh", "dirname", "readlink"):
        (folder / "bin" / tool).symlink_to(str(shutil.which(tool)))
    return str(folder / "bin")


def test_there_are_snippets() -> None:
    assert len(snippets()) >= 2


def test_a_suggestion_comes_and_tab_accepts_it_whatever_is_typed_before(
    binary: str, snippet: str, project: Path, tmp_path: Path
) -> None:
    """Letters of the suggestion and Tab come in one burst: nothing doubled, nothing lost; undo takes back what was accepted."""
    with as_told(binary, snippet, tmp_path / "user") as editor:
        editor.command(f"edit {project}")
        editor.until(lambda: editor.state() == "ready", "the model is loaded")
        for count in range(3):
            editor.type(("<Esc>Gdd" if count else "") + "<Esc>Go<C-u>    ret")  # each time below the same text
            editor.until(lambda: editor.idle() and editor.ghost() and not asking(editor), "ghost text")
            rest = editor.ghost()[0].rstrip()
            letters = rest[:count]
            editor.type(f"{letters}<Tab>")
            last_line_becomes(editor, "    ret" + rest)
            editor.type("<Esc>u")
            last_line_becomes(editor, "    ret" + letters)


def asking(editor: Neovim) -> bool:
    """Whether an answer of the server is still to come."""
    return bool(editor.lua("return require('dlm-fill.suggestion').asking()"))


def last_line_becomes(editor: Neovim, wanted: str) -> None:
    editor.until(lambda: editor.idle() and editor.text()[-1] == wanted, f"the last line is {wanted!r}")


def test_a_program_that_is_not_installed_is_told_with_the_remedy(
    binary: str, snippet: str, project: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "downloaded" / "editors" / "neovim"
    shutil.copytree(PLUGIN, elsewhere)
    path = without_tool(tmp_path)
    with as_told(binary, snippet, tmp_path / "user", plugin=elsewhere, path=path) as editor:
        editor.command(f"edit {project}")
        editor.until(lambda: shown(editor, "not installed: see :checkhealth dlm-fill"), "a message with the remedy")
        editor.command("6 | Dlm fill")
        editor.until(lambda: shown(editor, "checkhealth"), "the command says so, too")
        assert not editor.rpc.api.get_mode()["blocking"]
        editor.command("checkhealth dlm-fill")
        report = "\n".join(editor.text())
        assert "pipx install dlm-fill" in report
        assert "cmd = {" in report


def shown(editor: Neovim, message: str) -> bool:
    """Whether a message is at the foot of the screen."""
    return any(message in line for line in editor.screen.lines()[-3:])


@pytest.mark.parametrize("binary", [path for version, path in installed().items() if version != "0.11"])
def test_neovims_own_package_manager_takes_it_from_a_repository(binary: str, project: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "editors" / "neovim.md").read_text()
    (snippet,) = re.findall(r"^```lua\n(vim\.pack\..*?)^```", page, re.DOTALL | re.MULTILINE)
    repository = tmp_path / "dlm-fill"
    ignore = shutil.ignore_patterns("node_modules", "tags")
    shutil.copytree(PLUGIN, repository / "editors" / "neovim", ignore=ignore)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for line in (["init", "-q", "-b", "main"], ["add", "."], [*who, "commit", "-q", "-m", "all"]):
        subprocess.run(["git", *line], cwd=repository, check=True)
    snippet = snippet.replace("/path/to/dlm-fill", str(repository)) + f"-- instead of {PLACE}\n"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # the server is not beside such a plugin
    with as_told(binary, snippet, tmp_path, path=path) as editor:
        editor.until(lambda: editor.lua("return vim.v.vim_did_enter") == 1, "it was fetched, and init.lua is done")
        editor.command(f"edit {project}")
        editor.until(lambda: editor.state() == "ready", "the model is loaded")
        assert str(tmp_path / "data") in editor.lua(
            "return vim.api.nvim_get_runtime_file('lua/dlm-fill/init.lua', false)[1]"
        )
        assert editor.lua("return vim.fn.exists(':Dlm')") == 2
