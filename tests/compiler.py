"""Whether C can be compiled here."""

from __future__ import annotations

import shutil

import pytest

from model.backends.builtin.kernel import build as native

needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))) and not native.required(),
    reason=f"no C compiler (an error where {native.REQUIRE} is set)",
)
