"""Extracting and inlining in JavaScript: what is refused, one case per reason."""

from __future__ import annotations

import pytest

from lsp_server.transforms.applying import change_of
from lsp_server.transforms.refactoring import Refused
from lsp_server.transforms.registry import by_name
from tests.lsp_server.transforms.test_golden import opened

VARIABLE = [
    ("let x = 1 + «2 + 3»;\n", "select an expression, all of it"),
    ("let x = «a»;\n", "it is a name already"),
    ("«a.b» = 1;\n", "select an expression, all of it"),
    ("«a.b»++;\n", "select an expression, all of it"),
    ("delete «a.b»;\n", "select an expression, all of it"),
    ("let { x = «g()» } = a;\n", "select an expression, all of it"),
    ("function f() {\n  «'use strict'»;\n}\n", "it is a directive"),
    ("«a.b»();\n", "it is called, and would lose its object"),
    ("tag«`x`»;\n", "it is called as a tag"),
    ("f(«() => 1»);\n", "it would get a name"),
    ("f(() => «g()»);\n", "inside of a function or class"),
    ("class A {\n  x = «g()»;\n}\n", "inside of a function or class"),
    ("if (a) f(«g()»);\n", "no braces of its own"),
    ("if (a) {} else if («g()») {}\n", "only if the conditions above fail"),
    ("switch (a) {\n  case 1:\n    f(«g()»);\n}\n", "only if the cases above did not match"),
    ("while («g()») {}\n", "in each round of the loop"),
    ("for (let i = 0; i < «a.length»; i++) {}\n", "in each round of the loop"),
    ("f(a || «g()»);\n", "only if the left side of || lets it"),
    ("f(a ? 1 : «g()»);\n", "in one case of the condition"),
    ("a?.b(«g()»);\n", "only if what stands before ?. is there"),
    ("f(«a?.b».c);\n", "what stands behind it runs only if"),
    ("a.b += «g()»;\n", "reads its target before"),
    ("a ??= «g()»;\n", "the assignment decides"),
    ("f(g(), «h()»);\n", "something that may change it runs before"),
    ("f(a.b, «h()»);\n", "may be changed by it"),
    ("function f() {\n  let a = 1, b = () => { a = 2; };\n  return a + «b()»;\n}\n", "may be changed by it"),
    ("function* f() {\n  g(«(yield 1) + 1»);\n}\n", "it waits for others in the middle"),
    ("class A extends B {\n  constructor() {\n    super(«g()»);\n  }\n}\n", "calls super"),
    ("a: f(«g()»);\n", "has a label"),
    ("f(); g(«h()»);\n", "shares the line"),
    ("eval('x');\nf(«a.b»);\n", "looks names up by their text"),
    ("export { x } from «'m'»;\n", "part of an import or export"),
    ("function f(fresh) {\n  return g(«a.b»);\n}\n", "fresh is taken"),
]
INLINE = [
    ("const ‸x = 1;\nf(x);\n", "only what stands in a function"),
    ("function f(‸x) { return x; }\n", "no variable with one plain declaration"),
    ("function f() {\n  let ‸x;\n  return x;\n}\n", "by no plain declaration"),
    ("function f() {\n  const { ‸x } = a;\n  return x;\n}\n", "no variable with one plain declaration"),
    ("function f() {\n  const ‸x = 1;\n}\n", "x is not used"),
    ("function f() {\n  let ‸x = 1;\n  x += 1;\n  return x;\n}\n", "a value more than once"),
    ("function f() {\n  let ‸x = 1;\n  [x] = a;\n  return x;\n}\n", "a value more than once"),
    ("function f() {\n  const ‸x = 1, y = 2;\n  return x;\n}\n", "together with another"),
    ("function f() {\n  for (let ‸x = 1; ; ) g(x);\n}\n", "in the head of a loop"),
    ("function f() {\n  const ‸x = 1; // why\n  return x;\n}\n", "shares the line with something else"),
    ("function f() {\n  const ‸x = /* why */ 1;\n  return x;\n}\n", "a comment in it would be lost"),
    ("async function f() {\n  const ‸x = await g();\n  return x;\n}\n", "waits for others"),
    ("function f() {\n  const ‸x = () => 1;\n  return x;\n}\n", "code that has its name"),
    ("function f() {\n  g(x);\n  var ‸x = 1;\n}\n", "without having got this value"),
    ("function f(a) {\n  const ‸x = a.b;\n  return x();\n}\n", "called with another object"),
    ("function f(a) {\n  const ‸x = a + 1;\n  {\n    let a = 2;\n    g(x, a);\n  }\n}\n", "means something else"),
    ("function f(a) {\n  const ‸x = a + 1;\n  return () => x;\n}\n", "used later"),
    ("function f(a) {\n  const ‸x = a + 1;\n  a = 2;\n  return x;\n}\n", "has another value"),
    ("function f(a) {\n  const ‸x = a.b;\n  return x + x;\n}\n", "used once more"),
    ("function f(a) {\n  const ‸x = a.b;\n  if (a) {\n    g(x);\n  }\n}\n", "in some cases only"),
    ("function f(a) {\n  const ‸x = a.b;\n  g();\n  return x;\n}\n", "what runs before may change its value"),
    ("function f(a) {\n  const ‸x = g();\n  let y = a.b;\n  return x + y;\n}\n", "may be changed by its value"),
    ("function f(a) {\n  const ‸x = g();\n  return a.b + x;\n}\n", "may be changed by it"),
    ("function f(a) {\n  const ‸x = g();\n  a.b = x;\n}\n", "reads its target before"),
    ("function f(a) {\n  const ‸x = g();\n  return a && x;\n}\n", "only if the left side of &&"),
]
INLINE_IN_TYPESCRIPT = [
    ("function f() {\n  const ‸x: A = 1;\n  return x;\n}\n", "its type is written down"),
    ("function f() {\n  const ‸x = 1;\n  let y: typeof x;\n  return y;\n}\n", "it stands in a type"),
]
FUNCTION = [
    ("«g()»;\n", "it is a directive, or of no use"),
    ("«g();\nh();»\n", "only what stands in a function"),
    ("function f() {\n  «g(this.x);»\n}\n", "`this` is another one"),
    ("function f() {\n  «g(() => this.x);»\n}\n", "`this` is another one"),
    ("function f() {\n  «g(arguments);»\n}\n", "`arguments` are others"),
    ("function f() {\n  «g(new.target);»\n}\n", "`new.target` is another one"),
    ("class A extends B {\n  f() {\n    «super.f();»\n  }\n}\n", "`super` is known in methods only"),
    ("class A {\n  #x = 1;\n  f(a) {\n    «g(a.#x);»\n  }\n}\n", "private names are known in their class"),
    ("function* f() {\n  «yield 1;»\n}\n", "a generator"),
    ("function f(a) {\n  while (a) {\n    «break;»\n  }\n}\n", "break leaves a loop"),
    ("function f(a) {\n  while (a) {\n    «if (a.b) continue;»\n  }\n}\n", "continue leaves a loop"),
    ("function f(a) {\n  «if (a) return 1;»\n  return 2;\n}\n", "returns on some ways"),
    ("function f(a) {\n  const g = () => a;\n  «a = 2;»\n  return g;\n}\n", "another function sees a"),
    ("function f(a) {\n  return () => {\n    «a = 2;»\n  };\n}\n", "another function sees a"),
    ("function f(a) {\n  «g(() => a);»\n  a = 2;\n}\n", "a function in it sees a"),
    ("function f() {\n  «g(x);»\n  let x = 1;\n}\n", "x may have no value there yet"),
    ("function f() {\n  «if (g()) {\n    var x = 1;\n  }»\n  return x;\n}\n", "x may get no value in it"),
    ("function f() {\n  g();\n  «function g() {}»\n}\n", "g is used before it is declared"),
    ("function f() {\n  «function g() {}»\n  g();\n}\n", "g may get no value in it"),
    ("function f(a) {\n  try {\n    «a = g();»\n  } catch {}\n  return a;\n}\n", "used after an error"),
    ("function f(a, b) {\n  «a = 1;\n  b = 2;»\n  return a + b;\n}\n", "several variables come out of it"),
    ("function f(a) {\n  return g(«a = 2») + a;\n}\n", "it gives a its value"),
    ("function f(a) {\n  'use strict';\n  «g(a);»\n}\n", "strict by itself"),
    ("function f(a) {\n  «g(a);»\n} h();\n", "something stands behind the end"),
]
CASES = [
    *(("extract-function", "javascript", *case) for case in FUNCTION),
    ("extract-function", "typescript", "function f(a: A) {\n  «g(a);»\n}\n", "its parameters would have no types"),
    *(("extract-variable", "javascript", *case) for case in VARIABLE),
    *(("inline-variable", "javascript", *case) for case in INLINE),
    *(("inline-variable", "typescript", *case) for case in INLINE_IN_TYPESCRIPT),
]


@pytest.mark.parametrize(("name", "language", "text", "reason"), CASES)
def test_each_reason_to_refuse(name: str, language: str, text: str, reason: str) -> None:
    snapshot, region = opened(text, language)
    with pytest.raises(Refused) as raised:
        change_of(by_name(name), snapshot, region, answers={"name": "fresh"})
    assert reason in str(raised.value)
