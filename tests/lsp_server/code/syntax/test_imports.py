from __future__ import annotations

import pytest
from tree_sitter import Tree

from lsp_server.code.languages.table import Language, by_name
from lsp_server.code.syntax import imports
from lsp_server.code.syntax.imports import Imports
from lsp_server.code.syntax.parse import parse


def imported(source: bytes, language: Language) -> tuple[tuple[str, ...], ...]:
    return Imports().of(source, language)


def python(text: str) -> list[str]:
    return [paths[0] for paths in imported(text.encode(), by_name("python"))]


def test_python_modules_and_packages() -> None:
    assert imported(b"import shop.basket as b, prices\n", by_name("python")) == (
        ("shop/basket.py", "shop/basket/__init__.py"),
        ("prices.py", "prices/__init__.py"),
    )


@pytest.mark.parametrize(
    ("statement", "paths"),
    [
        ("from shop.basket import Item, total as t", ["shop/basket/Item.py", "shop/basket/total.py", "shop/basket.py"]),
        ("from . import basket", ["./basket.py", "./__init__.py"]),
        ("from .basket import Item", ["./basket/Item.py", "./basket.py"]),
        ("from ...shop.basket import *", ["../../shop/basket.py"]),
        ("from .. import (\n    one,\n    two,\n)", ["../one.py", "../two.py", "../__init__.py"]),
        ("try:\n    import fast\nexcept ImportError:\n    import slow as fast", ["fast.py", "slow.py"]),
        ("if TYPE_CHECKING:\n    from a import b", ["a/b.py", "a.py"]),
        ("def f():\n    import late", []),
        ("value = 'import nothing'", []),
    ],
)
def test_python_statements(statement: str, paths: list[str]) -> None:
    assert python(f"{statement}\n") == paths


def test_a_file_that_does_not_parse_still_imports() -> None:
    assert python("import one\nvalue = (\nimport two\n")[:1] == ["one.py"]


def test_only_the_head_of_a_large_file_is_read() -> None:
    assert python("import one\n" + "x = 1\n" * 5000 + "import two\n") == ["one.py"]


@pytest.mark.parametrize("language", ["javascript", "typescript", "tsx"])
@pytest.mark.parametrize(
    "statement",
    [
        "import thing, { other } from './basket'",
        'import * as basket from "./basket"',
        "import './basket'",
        "export { total } from './basket'",
        "const { total } = require('./basket')",
    ],
)
def test_scripts_import_what_is_beside_them(language: str, statement: str) -> None:
    (paths,) = imported(f"{statement};\n".encode(), by_name(language))
    assert {"./basket.ts", "./basket.js", "./basket/index.ts", "./basket/index.js"} <= set(paths)


def test_scripts_import_files_by_their_ending() -> None:
    assert imported(b"import '../basket.js'\n", by_name("typescript")) == (
        ("../basket.js", "../basket.ts", "../basket.tsx"),
    )
    assert imported(b"import '../basket.tsx'\n", by_name("tsx")) == (("../basket.tsx",),)


@pytest.mark.parametrize("statement", ["import react from 'react'", "const fs = require(name)", "const a = f('./b')"])
def test_what_no_file_beside_is_imported_from_is_passed_by(statement: str) -> None:
    assert imported(f"{statement}\n".encode(), by_name("javascript")) == ()


def test_other_languages_import_nothing_yet() -> None:
    assert imported(b'import "fmt"\n', by_name("go")) == ()


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What has been parsed, in order."""
    texts: list[bytes] = []

    def counted(source: bytes, language: Language) -> Tree | None:
        texts.append(source)
        return parse(source, language)

    monkeypatch.setattr(imports, "parse", counted)
    return texts


def test_what_is_typed_below_the_imports_is_not_parsed(parsed: list[bytes]) -> None:
    head = "import first\nfrom second import (\n    one,\n    two,\n)\n"
    remembering = Imports()
    for n in range(20):
        found = remembering.of(f"{head}\nvalue = {'x' * n}\n".encode(), by_name("python"))
        assert found[0][0] == "first.py"
    assert parsed == [head.rstrip("\n").encode()]
    scripts = "import {\n  one,\n} from './first';\nexport * from './second';"
    for n in range(20):
        found = remembering.of(f"{scripts}\nexport function f() {{ return {n} }}\n".encode(), by_name("javascript"))
        assert [paths[0] for paths in found] == ["./first.ts", "./second.ts"]
    assert parsed[1:] == [scripts.encode()]


def test_an_import_whose_bracket_is_never_closed_ends_somewhere(parsed: list[bytes]) -> None:
    source = b"from one import (\n" + b"x = 1\n" * 500
    remembering = Imports()
    for typed in (b"", b"y = 2\n", b"z = 3)\n"):
        remembering.of(source + typed, by_name("python"))
    assert len(parsed) == 1, "what is typed far below is no part of it"
    assert 0 < parsed[0].count(b"\n") < 250


def test_what_is_remembered_is_bounded(parsed: list[bytes]) -> None:
    remembering = Imports()

    def ask(n: int) -> None:
        assert remembering.of(f"import module{n}\n".encode(), by_name("python")) == (
            (f"module{n}.py", f"module{n}/__init__.py"),
        )

    for n in range(200):
        ask(n)
    ask(199)
    assert len(parsed) == 200, "the last one is remembered"
    ask(0)
    assert len(parsed) == 201, "the first one is not"
