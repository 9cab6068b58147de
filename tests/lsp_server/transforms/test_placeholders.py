from __future__ import annotations

import pytest

from lsp_server.code.languages.table import language_of
from lsp_server.code.syntax.parse import parse
from lsp_server.transforms.placeholders import placeholders
from lsp_server.types import Snapshot


def marked(text: str, name: str = "a.py") -> tuple[str, list[str]]:
    """The text with the placeholders found around ‸ put in «», and what they say."""
    before, after = text.split("‸")
    source, language = (before + after).encode(), language_of(name)
    taken = Snapshot(uri=f"file:///{name}", version=1, source=source, language=language, tree=parse(source, language))
    found = placeholders(taken, len(before.encode()))
    for region in reversed(found):
        source = (
            source[: region.start]
            + b"\xc2\xab"
            + source[region.start : region.end]
            + b"\xc2\xbb"
            + source[region.end :]
        )
    return source.decode(), [taken.text(region) for region in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "def f(x):\n    y = ___‸\n    ...\n\ndef g():\n    ...\n",
            "def f(x):\n    y = «___»\n    «...»\n\ndef g():\n    ...\n",
        ),
        ("def f():\n    return ...‸  # now\n", "def f():\n    return «...»  # now\n"),
        (
            "def f(a: tuple[int, ...]):‸\n    x = a[..., 1]\n    ...",
            "def f(a: tuple[int, ...]):\n    x = a[..., 1]\n    «...»",
        ),
        (
            "def f():\n    s = '___'  # ___\n    g(___, ____)‸\n",
            "def f():\n    s = '___'  # ___\n    g(«___», «____»)\n",
        ),
        ("‸x = ___\n\ndef f():\n    __dunder___ = a.___\n", "x = «___»\n\ndef f():\n    __dunder___ = a.___\n"),
        ("x = '😀'‸; y = ___\n", "x = '😀'; y = «___»\n"),
        ("x = 1‸\n", "x = 1\n"),
    ],
)
def test_placeholders_of_the_function_around_are_found(text: str, expected: str) -> None:
    assert marked(text)[0] == expected


def test_spread_is_no_placeholder() -> None:
    source, found = marked("function f(a) {\n  g(...a);\n  return [...a];\n  ...\n  const x = ___;‸\n}\n", "a.js")
    assert found == ["...", "___"], source
