"""Packages that not every install has."""

from __future__ import annotations

import importlib.util

from model.errors import MissingExtra


def require(package: str, *, extra: str, why: str) -> None:
    """Raises MissingExtra if `package` is not installed; `why` says what needs it."""
    if importlib.util.find_spec(package) is None:
        raise MissingExtra(f"{why} needs {package}: pip install 'dlm-fill[{extra}]'")
