from __future__ import annotations

import pytest

from lsp_server.code.languages.table import LANGUAGES, PLAIN, by_name, language_of
from lsp_server.code.syntax.parse import parse

SAMPLES = {
    "python": "def f(x):\n    return x\n",
    "javascript": "const f = (x) => x;\n",
    "typescript": "const f = (x: number): number => x;\n",
    "tsx": "const f = (x: number) => <b>{x}</b>;\n",
    "go": "package a\n\nfunc f(x int) int { return x }\n",
    "rust": "fn f(x: u8) -> u8 { x }\n",
    "c": "int f(int x) { return x; }\n",
    "cpp": "template <class T> T f(T x) { return x; }\n",
    "java": "class A { int f(int x) { return x; } }\n",
    "csharp": "class A { int F(int x) => x; }\n",
    "ruby": "def f(x)\n  x\nend\n",
    "php": "<?php function f($x) { return $x; }\n",
    "lua": "function f(x) return x end\n",
    "bash": 'f() { echo "$1"; }\n',
    "html": "<p>x</p>\n",
    "css": "p { color: red; }\n",
    "json": '{"x": [1]}\n',
    "yaml": "x:\n  - 1\n",
    "toml": "[x]\ny = 1\n",
    "markdown": "# x\n\ny\n",
    "scala": "class A(x: Int) { def f(y: Int): Int = { val z = y; z } }\n",
    "swift": "class A { let x: Int\n init(x: Int) { self.x = x }\n func f() -> Int { return x } }\n",
    "vue": "<template><p>x</p></template>\n<script>\nlet x;\n</script>\n",
    "svelte": "<script>\nlet x;\n</script>\n<p>x</p>\n",
}


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one.grammar], ids=lambda language: language.name)
def test_every_grammar_loads_and_knows_the_node_kinds_of_the_table(language) -> None:  # type: ignore[no-untyped-def]
    tree = parse(SAMPLES[language.name].encode(), language)
    assert tree is not None
    assert not tree.root_node.has_error
    grammar = tree.language
    known = {grammar.node_kind_for_id(i) for i in range(grammar.node_kind_count)}
    named = language.definitions | language.wrappers | language.bodies | language.imports | language.import_holders
    assert named <= known


@pytest.mark.parametrize(
    ("path", "language_id", "name"),
    [
        ("a/b.py", None, "python"),
        ("file:///a/B.PY", None, "python"),
        ("x.tsx", None, "tsx"),
        ("x.ts", None, "typescript"),
        ("x.ts", "typescriptreact", "tsx"),
        ("x.jsx", "javascriptreact", "javascript"),
        ("script", "shellscript", "bash"),
        ("Gemfile", None, "ruby"),
        ("a.d/Rakefile", None, "ruby"),
        ("x.h", None, "c"),
        ("x.hpp", None, "cpp"),
        ("x.cs", None, "csharp"),
        ("x.yml", None, "yaml"),
        ("x.py", "unheard-of", "python"),
        ("Makefile", None, "make"),
        ("a/Dockerfile", None, "dockerfile"),
        ("A.kt", None, "kotlin"),
        ("x", "swift", "swift"),
        ("x.sql", None, "sql"),
        ("x.unknown", "unheard-of", "plain"),
        ("noextension", None, "plain"),
    ],
)
def test_a_file_is_recognised(path: str, language_id: str | None, name: str) -> None:
    assert language_of(path, language_id).name == name


def test_names_and_extensions_belong_to_one_language_each() -> None:
    for field in ("extensions", "filenames", "language_ids"):
        values = [value for language in LANGUAGES for value in getattr(language, field)]
        if field == "language_ids":
            values += [language.name for language in LANGUAGES if language.name not in language.language_ids]
        assert len(values) == len(set(values)), field


def test_a_language_without_grammar_has_no_tree() -> None:
    assert by_name("cobol") is PLAIN
    assert parse(b"IDENTIFICATION DIVISION.", PLAIN) is None
