"""One list of refactorings: whatever is defined is in it, and every place that names all of them names those."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsp_server import transforms
from lsp_server.cli import main as cli
from lsp_server.transforms.refactoring import Refused
from lsp_server.transforms.registry import REFACTORINGS, by_name, known

NAMES = [one.name for one in known()]
PAGE = Path(__file__).parents[3] / "docs" / "refactorings.md"


def defined() -> Iterator[str]:
    """The classes below `transforms` that are refactorings by what they have, the protocol apart."""
    for found in pkgutil.walk_packages(transforms.__path__, f"{transforms.__name__}."):
        module = importlib.import_module(found.name)
        for name, one in inspect.getmembers(module, inspect.isclass):
            own = one.__module__ == module.__name__ and not getattr(one, "_is_protocol", False)
            if own and callable(getattr(one, "title", None)) and callable(getattr(one, "change", None)):
                yield name


def test_whatever_is_defined_is_registered() -> None:
    assert set(defined()) == {type(one).__name__ for one in REFACTORINGS}
    assert len(set(NAMES)) == len(NAMES) == len(REFACTORINGS) + 1


def test_each_is_found_by_its_name() -> None:
    for one in REFACTORINGS:
        assert by_name(one.name) is one


def test_who_mistypes_a_name_is_told_all_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    assert cli.run(["refactor", "nonsense", f"{tmp_path / 'a.py'}:1"]) == 2
    said = capsys.readouterr().err
    assert re.findall(r"[\w-]+", said.split("there are")[1]) == NAMES


def test_the_list_and_the_page_name_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["refactor", "--list", "--json"]) == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out)] == NAMES
    table = PAGE.read_text("utf-8").partition("| by rules |")[2].partition("\n\n")[0]
    rows = [re.findall(r"`([\w-]+)`", line.split("|")[1]) for line in table.split("\n")[2:]]
    assert sorted(name for row in rows for name in row) == sorted(NAMES)


def test_what_changes_nothing_is_no_refactoring_of_an_editor() -> None:
    with pytest.raises(Refused, match="changes nothing"):
        by_name("suspicious")
