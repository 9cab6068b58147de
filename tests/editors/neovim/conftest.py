"""Each test runs in every Neovim that is here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editors.neovim.neovim import installed

PYTHON = """\
def add(first, second):
    return first + second


def subtract(first, second):
    return first - second


def multiply(first, second):
"""


@pytest.fixture(params=sorted(installed()))
def binary(request: pytest.FixtureRequest) -> str:
    """The program."""
    return installed()[request.param]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file in which a next line suggests itself."""
    path = tmp_path / "shop.py"
    path.write_text(PYTHON)
    return path
