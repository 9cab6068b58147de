"""Packages that not every install has."""

from __future__ import annotations

import importlib.util
from types import MappingProxyType
from typing import Final

from model.errors import MissingExtra

_EXTRA_OF: Final = MappingProxyType(
    dict.fromkeys(("prometheus_client", "pydantic", "starlette", "uvicorn"), "serve")
    | dict.fromkeys(("huggingface_hub", "tokenizers", "torch", "transformers"), "torch")
    | {"gguf": "gguf", "keyring": "keyring", "ray": "ray"}
)


def require(package: str, *, extra: str, why: str) -> None:
    """Raises MissingExtra if `package` is not installed; `why` says what needs it."""
    if importlib.util.find_spec(package) is None:
        raise MissingExtra(f"{why} needs {package}: pip install 'dlm-fill[{extra}]'")


def extra_of(error: ModuleNotFoundError) -> str | None:
    """The extra that brings the package which was not found; None if none does, so that it is a defect."""
    return _EXTRA_OF.get((error.name or "").partition(".")[0])
