"""The plugin's pure parts, tested in Lua, and its help."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.editors.neovim.neovim import PLUGIN


def run(binary: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Neovim without a user's configuration."""
    return subprocess.run(
        [binary, "-u", "NONE", "-i", "NONE", "-n", *arguments], check=False, capture_output=True, text=True
    )


def test_the_unit_tests_pass(binary: str) -> None:
    done = run(binary, "-l", str(PLUGIN / "spec" / "run.lua"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"(\d+) passed, 0 failed", done.stdout + done.stderr)[1]) >= 29  # type: ignore[index]


def test_the_help_has_a_tag_for_each_command_option_and_mapping(binary: str, tmp_path: Path) -> None:
    help_file = Path(shutil.copytree(PLUGIN / "doc", tmp_path / "doc")) / "dlm-fill.txt"
    done = run(binary, "--headless", "-c", f"helptags {help_file.parent}", "-c", "qa!")
    assert (done.returncode, done.stderr) == (0, "")
    tags = {line.split("\t")[0] for line in (help_file.parent / "tags").read_text().splitlines()}
    lua = {path.name: path.read_text() for path in (PLUGIN / "lua" / "dlm-fill").glob("*.lua")}
    commands = re.findall(r"^  (\w+) = \{$", lua["commands.lua"].partition("M.subcommands = {")[2], re.MULTILINE)
    options = re.findall(r"^---@field (\w+) ", lua["config.lua"].partition("---@class dlm.Config")[2], re.MULTILINE)
    keys = re.findall(r"^  \[?'?([\w-]+)'?\]? = \{$", lua["keys.lua"].partition("actions = {")[2], re.MULTILINE)
    plugs = re.findall(r"<Plug>\(dlm-fill-[\w-]+\)", (PLUGIN / "plugin" / "dlm-fill.lua").read_text())
    assert min(len(commands), len(options), len(keys), len(plugs)) >= 4
    wanted = {f":Dlm-{name}" for name in commands}
    wanted |= {f"dlm-fill-option-{name}" for name in options}
    wanted |= {f"<Plug>(dlm-fill-{name})" for name in keys} | set(plugs)
    assert wanted - tags == set()
    linked = set(re.findall(r"\|((?:dlm-fill|:Dlm)[\w-]*)\|", help_file.read_text()))
    assert linked - tags == set()
