"""Renaming variables of functions in the languages that a query describes: one case per reason to refuse."""

from __future__ import annotations

import pytest

from lsp_server.code.languages.table import by_name
from lsp_server.code.scopes.table import TABLES
from lsp_server.transforms.applying import change_of
from lsp_server.transforms.refactoring import Refused
from lsp_server.transforms.rename.rename import Rename
from tests.lsp_server.transforms.test_golden import opened

LEAVES = "is no variable or parameter of a function here, so other files may use it"
TAKEN = "would mean something else there"
REFUSED = [
    ("go", "package p\nvar ‸x = 1\n", LEAVES),
    ("go", "package p\nfunc ‸f() {}\n", LEAVES),
    ("go", "package p\nfunc f(x T) int { return x.‸y }\n", "there is no name"),
    ("go", "package p\nfunc f(‸a int) T { return T{a: a} }\n", "a is a key there, and may name a field, in line 2"),
    ("go", "package p\nfunc f(‸a int) { fresh := 1; use(a, fresh) }\n", TAKEN),
    ("go", "package p\nfunc f(‸a int) { var b fresh; use(a, b) }\n", TAKEN),
    ("go", "package p\nfunc f(‸a int) { fresh.Use(a) }\n", TAKEN),
    ("go", "package p\nfunc f(‸a int) { if a { ) }\n", "a syntax error"),
    ("rust", "static ‸X: u8 = 1;\n", LEAVES),
    ("rust", "fn f(‸a: u8) { tokens!(a) }\n", "a is an argument of a macro, in line 1"),
    ("rust", "fn f(‸a: u8) { assert!(g(|a| a)) }\n", "a is an argument of a macro, in line 1"),
    ("rust", 'fn f(‸a: u8) { println!("{a:?}") }\n', "a is named in the text of a format"),
    ("rust", 'fn f(‸a: u8) { let b = 1; println!("{:>fresh$}", a) }\n', "fresh is named in the text of a format"),
    ("rust", "fn f(p: P) { let P { mut ‸x } = p; g(x) }\n", "x stands there for a field, too"),
    ("rust", "fn f(‸a: u8) { let fresh = a; g(a, fresh) }\n", TAKEN),
    ("rust", "const fresh: u8 = 1;\nfn f(‸a: u8) { g(a) }\n", TAKEN),
    ("java", "class A { int ‸x; }\n", LEAVES),
    ("java", "class A { void f(int ‸a) { new B() { int g() { return a; } }; } }\n", "may have a member of this name"),
    ("java", "class A { void f(Object o) { if (o instanceof B ‸b) g(b); } }\n", "b is bound by instanceof"),
    ("java", "class A { void f(int ‸a) { switch (o) { case a: g(a); } } }\n", "the constant of an enum"),
    ("java", "class A { void f(int ‸a) { { int fresh = 1; } } }\n", TAKEN),
    ("c", "int ‸x;\n", LEAVES),
    ("c", "#define M x + 1\nint f(int ‸x) { return M; }\n", "x stands in a macro"),
    ("c", "#define M fresh + 1\nint f(int ‸x) { return M; }\n", "fresh stands in a macro"),
    ("c", "#define m(x) #x\nint f(int ‸a) { return m(a); }\n", "a is an argument of a macro"),
    ("c", "int f(int ‸a) { return MACRO(a); }\n", "a is an argument of a macro"),
    ("c", "int f(void) { extern int ‸a; return a; }\n", "a is declared extern"),
    ("c", "int f(int ‸a) { fresh *b = 0; return a; }\n", TAKEN),
    ("c", "#define fresh 1\nint f(int ‸a) { return a; }\n", TAKEN),
    ("c", "int f(int ‸a) {\n#if a > 1\n  g();\n#endif\n  return a;\n}\n", "a condition of the preprocessor"),
    ("cpp", "void f(int ‸a) { struct B { int g() { return a; } }; }\n", "may have a member of this name"),
    ("cpp", "void f(int ‸a) { for (;;) { auto fresh = [](int a) { return a; }; g(a, fresh); } }\n", TAKEN),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text", "reason"), REFUSED)
def test_each_reason_to_refuse(language: str, text: str, reason: str) -> None:
    snapshot, region = opened(text, language)
    with pytest.raises(Refused) as raised:
        change_of(Rename(), snapshot, region, answers={"name": "fresh"})
    assert reason in str(raised.value)
    assert str(raised.value).startswith("not renamed: ")


@pytest.mark.parametrize(
    ("language", "text", "after"),
    [
        ("java", "class A { void f(int ‸a) { new B() { void g(int b) { int c = b; } }; } }\n", "b"),
        ("go", "package p\nfunc f(‸a int) { { b := 1; use(b) } }\n", "b"),
        ("rust", "fn f(‸a: u8) { { let b = a; g(b); } }\n", "b"),
        ("c", "int f(int ‸a) { { int b = 1; g(b); } return a; }\n", "b"),
    ],
)
def test_a_name_that_is_not_in_the_way_may_be_taken_twice(language: str, text: str, after: str) -> None:
    snapshot, region = opened(text, language)
    change = change_of(Rename(), snapshot, region, answers={"name": after})
    assert change.source.decode().count("a") < text.count("a")


@pytest.mark.parametrize("language", TABLES)
def test_a_table_is_of_a_language_with_a_grammar(language: str) -> None:
    assert by_name(language).grammar is not None
