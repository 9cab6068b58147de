"""A fill is judged by the errors that it brings: whatever is wrong elsewhere, and in whatever language it stands."""

from __future__ import annotations

import ast
import bisect
import heapq
import inspect
import json.encoder
import shlex
import sys
import textwrap
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.code.checking.accept import fits, whole
from lsp_server.code.checking.syntax_checker import SyntaxChecker
from lsp_server.code.syntax.python_dialect import for_this_python
from tests.lsp_server.marked import marked

FAR = "\n\n".join(f"def far_{n}(x):\n    '''Add.\n\n    Some.\n    '''\n    return x + {n}\n" for n in range(100))
WRONG = ["total = sum(", "x = [1,", "d = {", "text = '''", 'text = """Some', "%timeit f(1)", "!ls -l", "far_1?", "?far_1",
         "files = !ls", "def torn(:", "class Stack[T, *Ts]:\n    top: T", "type Pair[T] = tuple[T, T]", "def f(x",
         "match x:\n    case [1, *]: pass", "print 3", "try:\n    a()\nexcept A, B:\n    b()"]  # fmt: skip


@given(
    wrong=st.sampled_from(WRONG),
    below=st.booleans(),
    body=st.sampled_from(
        [
            "def near(a):\n    b = ‸\n    return b\n",
            "class C:\n    def near(self, a):\n        b = ‸\n        return b\n",
            "class C:\n    def near(self, a):\n        if a:\n            «...»\n        return a\n",
            "@cache\ndef near(a):\n    for b in a:\n        use(\n            ‸\n        )\n    return b\n",
            "value = ‸\n",
        ]
    ),
    fill=st.sampled_from(
        [("a", True), ("a + (1)", True), ("f(a)", True), ("(a", False), ("a)", False), ("a +", False)]
    ),
)
@settings(deadline=None, max_examples=150)
def test_an_error_elsewhere_is_not_blamed_on_the_fill(
    wrong: str, below: bool, body: str, fill: tuple[str, bool]
) -> None:
    parts = (
        [FAR, body, FAR.replace("far", "more"), "\n", wrong] if below else [FAR, wrong, FAR.replace("far", "b"), body]
    )
    snapshot, gap = marked("\n\n".join(parts) + "\n")
    text, right = fill
    assert whole(snapshot, (gap,), (text,)) is right
    assert fits(snapshot, (gap,), (text,)) is right


SHAPES = {
    "javascript": ("function f(a) {\n  g(a);\n}\n", "class A {\n  m(a) {\n    const b = ‸;\n    return b;\n  }\n}\n"),
    "typescript": ("function f(a: number) {\n  g(a);\n}\n", "function m(a: A): B {\n  const b = ‸;\n  return b;\n}\n"),
    "java": ("class F {\n  int f;\n}\n", "class A {\n  int m(int a) {\n    int b = ‸;\n    return b;\n  }\n}\n"),
    "c": ("int f(int a) {\n  return a;\n}\n", "int m(int a)\n{\n  int b = ‸;\n  return b;\n}\n"),
    "go": ("func f(a int) {\n\tg(a)\n}\n", "func m(a int) int {\n\tb := ‸\n\treturn b\n}\n"),
    "rust": (
        "fn f(a: u8) {\n    g(a);\n}\n",
        "impl A {\n    fn m(a: u8) -> u8 {\n        let b = ‸;\n        b\n    }\n}\n",
    ),
    "ruby": ("def f(a)\n  g(a)\nend\n", "class A\n  def m(a)\n    b = ‸\n    b\n  end\nend\n"),
    "lua": ("function f(a)\n  g(a)\nend\n", "function m(a)\n  local b = ‸\n  return b\nend\n"),
}


@pytest.mark.parametrize("language", SHAPES)
@pytest.mark.parametrize("wrong", ["x = f(", "call(1, [2,"])
@pytest.mark.parametrize(("fill", "right"), [("a", True), ("f(a)", True), ("(a", False), ("a)", False)])
def test_nor_in_other_languages(language: str, wrong: str, fill: str, right: bool) -> None:
    filler, body = SHAPES[language]
    snapshot, gap = marked(filler * 30 + wrong + "\n" + filler * 30 + body + filler * 3, language)
    assert whole(snapshot, (gap,), (fill,)) is right


@pytest.mark.parametrize(
    "text",
    [
        "class Stack[T]:\n    def push(self, x: T) -> None:\n        ‸\n\n    def pop(self) -> T:\n        return 1\n",
        "def first[T](xs: list[T]) -> T:\n    ‸\n\n\ntype A = int\n",
        "type A = int\n\n\ndef f():\n    ‸\n",
        'def f(d):\n    return f"{d["a"]}"\n\n\ndef g(x):\n    ‸\n\n\nclass A: pass\n',
    ],
)
def test_newer_python_than_the_interpreter_is_judged_strictly(text: str) -> None:
    snapshot, gap = marked(text)
    assert whole(snapshot, (gap,), ("x = 1",)) is True
    assert fits(snapshot, (gap,), ("return x",)) is True
    assert whole(snapshot, (gap,), ("x = (1",)) is False
    assert whole(snapshot, (gap,), ("# only a comment",)) is False
    assert whole(snapshot, (gap,), ("for x in y:",)) is False


@pytest.mark.parametrize(
    "fill", ["type X = int", "def f[T](x: T) -> T: return x", 'y = f"{x["a"]}"', "class A[T]: pass"]
)
def test_newer_syntax_in_a_fill_is_no_error(fill: str) -> None:
    snapshot, gap = marked("x = 1\n‸\nz = 2\n")
    assert whole(snapshot, (gap,), (fill,)) is True
    assert (
        whole(
            snapshot,
            (gap,),
            (fill + " (",),
        )
        is False
    )


def test_what_stands_for_newer_syntax_is_as_long() -> None:
    source = b"class A[T: (int, str)](B):\n    type X[U] = dict[\n        T, U]\n    def f[K](self) -> K: ...\n"
    older = for_this_python(source)
    assert len(older) == len(source)
    assert older.count(b"\n") == source.count(b"\n")
    compile(older, "older", "exec", dont_inherit=True) if sys.version_info < (3, 12) else None


PAGE = """<html>
<head>
<style>
p { color: {css} }
</style>
</head>
<body {attr}>
<p>{prose}</p>
<script>
function f(a) {
  return {js};
}
</script>
<script type='text/x-template'>{other}</script>
</body>
</html>
"""


@pytest.mark.parametrize(
    ("slot", "fill", "right"),
    [
        ("js", "a + 1", True),
        ("js", "a + (1", False),
        ("js", "a }", False),
        ("js", "'</script>'", False),
        ("css", "red", True),
        ("css", "red; }", False),
        ("prose", "Some <b>text</b>", True),
        ("prose", "Some <b", False),
        ("other", "{{ any( }}", None),
    ],
)
def test_a_page_is_judged_by_the_language_at_the_place(slot: str, fill: str, right: bool | None) -> None:
    slots = {"css": "blue", "prose": "Hi", "js": "a", "other": "x", "attr": "class='x'"}
    text = PAGE
    for name, standing in slots.items():
        text = text.replace(f"{{{name}}}", "‸" if name == slot else standing)
    snapshot, gap = marked(text, "html")
    assert whole(snapshot, (gap,), (fill,)) is right


NOTE = "# Title\n\nSome text.\n\n```{lang}\n{code}\n```\n\nMore text.\n\n```python\nprint(1)\n```\n"


@pytest.mark.parametrize(
    ("lang", "code", "fill", "right"),
    [
        ("python", "def f(x):\n    return ‸", "x + 1", True),
        ("python", "def f(x):\n    return ‸", "(x", False),
        ("python", "def f(x):\n    return ‸", "x\n```\n\nAnd so on.", False),
        ("js", "const a = ‸;", "[1]", True),
        ("js", "const a = ‸;", "[1", False),
        ("rust", "fn f() {\n    ‸\n}", "g();", True),
        ("rust", "fn f() {\n    ‸\n}", "g(;", False),
        ("", "$ ls ‸", "(", None),
        ("mermaid", "graph ‸", "TD", None),
    ],
)
def test_a_fence_is_judged_as_the_language_that_it_names(lang: str, code: str, fill: str, right: bool | None) -> None:
    snapshot, gap = marked(NOTE.replace("{lang}", lang).replace("{code}", code), "markdown")
    assert whole(snapshot, (gap,), (fill,)) is right


def test_prose_may_say_anything_but_open_a_fence() -> None:
    snapshot, gap = marked(NOTE.replace("Some text.", "Some ‸"), "markdown")
    assert whole(snapshot, (gap,), ("text (with a bracket",)) is True
    assert whole(snapshot, (gap,), ("code:\n\n```python\nx = 1\n```\n",)) is True
    assert whole(snapshot, (gap,), ("code:\n\n````python\nx = 1\n",)) is False


def test_a_cell_in_another_language_is_not_judged_as_python() -> None:
    snapshot, gap = marked("%%bash\nls ‸ | wc\n")
    assert whole(snapshot, (gap,), ("(",)) is None


def _code_lines(text: str) -> list[int]:
    """Lines that stand in no string of several lines and end no expression of several."""
    inside = set[int]()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.end_lineno != node.lineno:
            inside.update(range(node.lineno - 1, node.end_lineno or node.lineno))
    lines = text.split("\n")
    return [n for n, line in enumerate(lines) if line.strip() and not line.strip().startswith("#") and n not in inside]


@given(
    module=st.sampled_from([textwrap, bisect, json.encoder, heapq, shlex]), wrong=st.sampled_from(WRONG), data=st.data()
)
@settings(deadline=None, max_examples=500)
def test_true_lines_of_a_torn_file_parse(module: ModuleType, wrong: str, data: st.DataObject) -> None:
    text = inspect.getsource(module)
    n = data.draw(st.sampled_from(_code_lines(text)))
    lines = text.split("\n")
    indent = len(lines[n]) - len(lines[n].lstrip())
    torn = "\n".join([wrong, "", "", FAR, "", *lines[:n], lines[n][:indent] + "‸", *lines[n + 1 :]])
    snapshot, gap = marked(torn)
    assert whole(snapshot, (gap,), (lines[n][indent:],)) is not False


def test_when_the_time_is_up_what_was_not_asked_before_stays_unknown() -> None:
    snapshot, gap = marked("def f(x):\n    return ‸\n")
    over: list[bool] = []
    checker = SyntaxChecker(snapshot, spent=lambda: bool(over))
    assert whole(snapshot, (gap,), ("(x",), checker=checker) is False
    assert whole(snapshot, (gap,), ("x",), checker=checker) is True
    over.append(True)
    assert whole(snapshot, (gap,), ("x",), checker=checker) is True
    assert whole(snapshot, (gap,), ("(y",), checker=checker) is None


def test_a_fill_of_a_notebook_may_hold_a_command() -> None:
    snapshot, gap = marked("%matplotlib inline\nx = ‸\ny = 2\n")
    assert whole(snapshot, (gap,), ("f(1)\n%timeit f()",)) is True
    assert whole(snapshot, (gap,), ("f(1\n%timeit f()",)) is False
    snapshot, gap = marked("x = ‸\ny = 2\n")
    assert whole(snapshot, (gap,), ("f(1)\n%timeit f()",)) is False
