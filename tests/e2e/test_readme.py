"""The examples of the README, run as they stand there."""

from __future__ import annotations

import re
import shlex

import pytest

from lsp_server.cli import main as cli
from tests.e2e.builtin import ROOT

CONSOLE = re.compile(r"^```console\n\$ dlm-fill (.*)\n((?:.*\n)*?)```", re.MULTILINE)
EXAMPLES = CONSOLE.findall((ROOT / "README.md").read_text("utf-8"))


def test_there_are_three() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize(("command", "output"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_an_example_says_what_the_readme_shows(
    command: str, output: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is made by rules is equal; what the model writes may change with it, all else of the diff may not."""
    monkeypatch.chdir(ROOT)
    args = shlex.split(command)
    assert cli.run(args) == 0
    shown = capsys.readouterr().out
    if "--list" in args:
        assert shown == output
    else:
        assert around_the_fill(shown) == around_the_fill(output)


def around_the_fill(diff: str) -> list[str]:
    """The lines of a diff without those that are put in, and without the numbers that count them."""
    return [re.sub(r"^@@ .*", "@@", line) for line in diff.splitlines() if not re.match(r"\+(?!\+\+ )", line)]
