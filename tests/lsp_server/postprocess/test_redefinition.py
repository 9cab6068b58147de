"""No text defines anew what its scope defines, in any of the languages that the filter knows."""

from __future__ import annotations

import pytest

from lsp_server.postprocess.tidy import tidied
from tests.lsp_server.marked import marked

CASES: list[tuple[str, str, str, str | None]] = [
    ("python", "class A:\n    def f(self):\n        return 1\n\n    ‸\n", "def f(self):\n        return 2", ""),
    (
        "python",
        "class A:\n    async def f(self):\n        return 1\n\n    ‸\n",
        "async def f(self):\n        return 2",
        "",
    ),
    (
        "python",
        "class A:\n    @property\n    def f(self):\n        return 1\n\n    ‸\n",
        "@f.setter\n    def f(self, v):\n        self.x = v",
        None,
    ),
    ("python", "if x:\n    def f(): pass\nelse:\n    ‸\n", "def f(): return 1", None),
    ("python", "try:\n    import a\nexcept ImportError:\n    ‸\n", "class a: pass", None),
    ("python", "@overload\ndef f(a: int): ...\n@overload\ndef f(a: str): ...\n‸\n", "def f(a): return a", None),
    ("python", "def f(): pass\n\n\n‸\n", "x = 1\n\n\ndef f(): return 2", "x = 1"),
    ("python", "def g():\n    def f(): pass\n    return f\n\n\n‸\n", "def f(): return 2", None),
    ("python", "‸\n\n\ndef f(): pass\n", "def f(): return 2", ""),
    ("python", "@pytest.fixture\ndef f(): pass\n\n\n‸\n", "@pytest.fixture\ndef f(): return 2", ""),
    ("python", "class A: pass\n\n\n‸\n", "class A: pass", ""),
    ("python", "@singledispatch\ndef f(a): pass\n\n\n‸\n", "@f.register\ndef f(a: int): pass", None),
    ("javascript", "function f() { return 1; }\n\n‸\n", "function f() { return 2; }", ""),
    ("javascript", "class A {\n  f() { return 1; }\n  ‸\n}\n", "f() { return 2; }", ""),
    ("javascript", "const f = 1;\n\n‸\n", "const f = 2;", ""),
    ("javascript", "export const f = () => 1;\n‸\n", "export const f = () => 2;", ""),
    ("javascript", "class A {\n  get f() { return 1; }\n  ‸\n}\n", "set f(v) { this.x = v; }", None),
    ("typescript", "interface A { a: number }\n‸\n", "interface A { b: number }", None),
    ("typescript", "const a: number = 1;\n‸\n", "const a: number = 2;", ""),
    ("go", "func f() {}\n\n‸\n", "func f() {}", ""),
    ("go", "func (a A) f() {}\n\n‸\n", "func (b B) f() {}", None),
    ("go", "type T struct{}\n\n‸\n", "type T struct{ a int }", ""),
    ("rust", "fn f() {}\n\n‸\n", "fn f() {}", ""),
    ("rust", "impl A for B {\n    fn f(&self) {}\n}\n\nimpl A for C {\n    ‸\n}\n", "fn f(&self) {}", None),
    ("java", "class A {\n  void f() {}\n  ‸\n}\n", "void f(int a) {}", None),
    ("java", "class A {\n  void f() {}\n  ‸\n}\n", "void f() {}", ""),
    ("ruby", "class A\n  def f\n    1\n  end\n\n  ‸\nend\n", "def f\n    2\n  end", ""),
    ("bash", "f() {\n  a\n}\n\n‸\n", "f() {\n  b\n}", ""),
    ("lua", "local function f()\nend\n\n‸\n", "local function f()\nend", ""),
    ("php", "<?php\nfunction f() {}\n‸\n", "function f() {}", ""),
    ("c", "int f(int a) {\n  return a;\n}\n\n‸\n", "int f(int a) {\n  return 2;\n}", ""),
    ("c", "static char *f(void)\n{\n  return 0;\n}\n\n‸\n", "static char *f(void)\n{\n  return 1;\n}", ""),
    ("c", "int f(int a);\n\n‸\n", "int f(int a) {\n  return 2;\n}", None),
    ("c", "#define SIZE 10\n‸\n", "#define SIZE 20", ""),
    ("c", "#define SIZE 10\n‸\n", "#define WIDTH 20", None),
    ("c", "#ifdef A\n#define SIZE 10\n#else\n‸\n#endif\n", "#define SIZE 20", None),
    ("c", "#ifdef A\nint f(void) { return 1; }\n#else\n‸\n#endif\n", "int f(void) { return 2; }", None),
    ("c", "struct a { int b; };\n‸\n", "struct a { int c; };", ""),
    ("c", "struct a *f(void) { return 0; }\n‸\n", "struct a *g(void) { return 0; }", None),
    ("c", "int g(void) {\n  int x = f(1);\n  ‸\n}\n", "int x = f(2);\n  return x;", None),
    ("cpp", "int f(int a) { return a; }\n‸\n", "int f(char a) { return a; }", None),
    ("cpp", "class A {\n};\n‸\n", "class A {\n};", ""),
    ("cpp", "class A;\n‸\n", "class A {\n};", None),
    ("cpp", "#define N 1\n‸\n", "#define N 2", ""),
    ("css", ".a { color: red }\n‸\n", ".a { width: 1px }", None),
    ("javascript", "function g() {\n  if (a) {\n    const b = 1;\n  } else {\n    ‸\n  }\n}\n", "const b = 2;", None),
    ("javascript", "switch (a) {\n  case 1:\n    let b = 1;\n  case 2:\n    ‸\n}\n", "let b = 2;", None),
    ("javascript", "if (a) {\n  f();\n}\n‸\n", "if (b) {\n  g();\n}", None),
    ("javascript", "class A {\n  f() { return 1; }\n  ‸\n}\n", "g() { return 2; }", None),
]


@pytest.mark.parametrize(("language", "code", "said", "kept"), CASES)
def test_what_the_scope_defines_is_not_defined_again(language: str, code: str, said: str, kept: str | None) -> None:
    """`kept`: None where all of it is."""
    snapshot, gap = marked(code, language)
    assert tidied(snapshot, gap, said)[0] == (said if kept is None else kept)
