"""Extracting and inlining: what is refused, one case per reason, and what comes of a name."""

from __future__ import annotations

import pytest

from lsp_server.transforms.applying import change_of
from lsp_server.transforms.refactoring import Refactoring, Refused
from lsp_server.transforms.registry import by_name
from tests.lsp_server.transforms.test_golden import opened

VARIABLE = [
    ("x = 1 + «2 + 3»\n", "select an expression, all of it"),
    ("x = «a.b.»c\n", "select an expression, all of it"),
    ("x = «a»\n", "it is a name already"),
    ("def f():\n    «'doc'»\n", "it is a docstring"),
    ("if a: x = «f(1)»\n", "shares the line"),
    ("class A:\n    x = «f(1)»\n", "an attribute of the class"),
    ("def f():\n    return lambda: «g(1)»\n", "inside of a lambda"),
    ("def f(k):\n    return [«g(x)» for x in k]\n", "inside of a list comprehension"),
    ("def f(k):\n    return [x for y in k for x in «g(y)»]\n", "inside of a list comprehension"),
    ("def f(k):\n    while «g(k)»:\n        pass\n", "in each round of the loop"),
    ("def f(k):\n    if k:\n        pass\n    elif «g(k)»:\n        pass\n", "only if the conditions above fail"),
    ("def f(k):\n    return k and «g(k)»\n", "only if the left side"),
    ("def f(k):\n    return 1 if k else «g(k)»\n", "in one case of the condition"),
    ("def f(k):\n    return 1 < k < «g(k)»\n", "only if the comparison before"),
    ("def f(k):\n    assert k, «g(k)»\n", "only if the assertion fails"),
    ("def f(k):\n    try:\n        pass\n    except «g(k)»:\n        pass\n", "only if there was an exception"),
    ("def f(k):\n    with k, «g(k)»:\n        pass\n", "after another context was entered"),
    ("def f(k):\n    x: «k.T» = 1\n", "it is a type"),
    ("def f(k):\n    return f'{«k.x»=}'\n", "its text is printed"),
    ("def f(k):\n    return ('a' «'b'»)\n", "part of a longer string"),
    ("def f(k):\n    return g(k), «h(k)»\n", "something that may change it runs before"),
    ("def f(k):\n    k.x += «g(k)»\n", "reads its target before"),
    ("def f(k):\n    k[«h(k)»] = g(k)\n", "the right side of the assignment runs before"),
    ("def f(k):\n    match k:\n        case 1 if «g(k)»:\n            pass\n", "only if the cases above"),
]
FUNCTION = [
    ("def f(a):\n    «return a\n»\nx = 1\n", ""),
    ("«x = 1»\n", "only what stands in a function"),
    ("def f():\n    x = «1\n    y» = 2\n", "select whole statements"),
    ("def f():\n    «yield 1»\n", "it yields"),
    ("def f():\n    «global x\n    x = 1»\n", "speak of the function's own names"),
    ("def f():\n    global x\n    «x = 1»\n", "x is declared global"),
    ("def f():\n    x = 1\n    «del x»\n", "speak of the function's own names"),
    ("def f(a):\n    for b in a:\n        «break»\n", "break leaves a loop"),
    ("def f(a):\n    x = g(«(y := a)»)\n", "gives a variable its value"),
    ("class A:\n    def f(self):\n        «self.__x()»\n", "means something else outside of its class"),
    ("class A:\n    def f(self):\n        «super().f()»\n", "super() depends on the function"),
    ("def f(a):\n    «g(locals())»\n", "locals() depends on the function"),
    ("def f(a):\n    def g(b=«a + 1»): ...\n", "it stands in a default parameter"),
    ("def f(a):\n    return f'{«a.b»=}'\n", "its text is printed"),
    ("def f(a):\n    «if a:\n        return 1»\n    return 2\n", "returns on some ways"),
    ("def f(a):\n    if a:\n        x = 1\n    «g(x)»\n", "x may have no value there yet"),
    ("def f(a):\n    «if a:\n        x = 1»\n    return x\n", "x may get no value in it"),
    ("def f(a):\n    def g():\n        nonlocal a\n        «a = 1»\n", "a is declared global or nonlocal"),
    ("def f(a):\n    «g(lambda: a)»\n    a = 2\n", "a function in it sees a"),
    ("def f(a):\n    g = lambda: x\n    «x = 1»\n    return g\n", "another function sees x"),
    (
        "def f(a):\n    try:\n        «a = g()\n        h()»\n    except E:\n        return a\n",
        "a is used after an error",
    ),
    ("async def f(a):\n    yield 1\n    «return»\n", "an async generator returns nothing"),
]
INLINE = [
    ("def f():\n    print(‸1)\n", "put the cursor on a variable"),
    ("‸x = 1\nprint(x)\n", "no variable of a function"),
    ("def f():\n    ‸x = 1\n", "x is not used"),
    ("def f():\n    ‸x = 1\n    x = 2\n    return x\n", "more than once"),
    ("def f(a):\n    for ‸x in a:\n        print(x)\n", "by no plain assignment"),
    ("def f(a):\n    ‸x = y = a\n    return x\n", "together with another variable"),
    ("def f(a):\n    ‸x = a; return x\n", "shares the line"),
    ("async def f(a):\n    ‸x = await a\n    return x\n", "waits for others"),
    ("def f(a):\n    ‸x = a\n    return locals(), x\n", "looks names up by their text"),
    ("def f(a):\n    ‸x = a\n    def g():\n        nonlocal x\n    return x\n", "shared with other functions"),
    ("def f(a):\n    if a:\n        ‸x = 1\n    return x\n", "without having got this value"),
    ("def f(a):\n    ‸x = {'a': 1}\n    return f'{x}'\n", "an f-string"),
    ("def f(a):\n    ‸x = a.b\n    return lambda: x\n", "used later"),
    ("def f(a):\n    ‸x = a\n    a = 2\n    return x, a\n", "a name in its value has another value"),
    ("def f(a):\n    ‸x = a.b\n    a.c()\n    return x\n", "what runs before may change its value"),
    ("def f(a):\n    ‸x = a()\n    return x + x\n", "used once more"),
    ("def f(a):\n    ‸x = a()\n    if a:\n        return x\n", "in some cases only"),
    ("def f(a):\n    ‸x = a()\n    return 1 and x\n", "only if the left side"),
    ("def f(a):\n    ‸x = a()\n    return (a.b, x)\n", "what is read before it may be changed"),
]


def refuses(refactoring: Refactoring, text: str, reason: str, **answers: str) -> None:
    snapshot, region = opened(text, "python")
    if not reason:
        change_of(refactoring, snapshot, region, answers=answers)
        return
    with pytest.raises(Refused) as raised:
        change_of(refactoring, snapshot, region, answers=answers)
    assert reason in str(raised.value)


@pytest.mark.parametrize(("text", "reason"), VARIABLE, ids=[reason for _, reason in VARIABLE])
def test_variables(text: str, reason: str) -> None:
    refuses(by_name("extract-variable"), text, reason)


@pytest.mark.parametrize(("text", "reason"), FUNCTION, ids=[reason for _, reason in FUNCTION])
def test_functions(text: str, reason: str) -> None:
    refuses(by_name("extract-function"), text, reason)


@pytest.mark.parametrize(("text", "reason"), INLINE, ids=[reason for _, reason in INLINE])
def test_inlining(text: str, reason: str) -> None:
    refuses(by_name("inline-variable"), text, reason)


@pytest.mark.parametrize("name", ["a", "f", "1x", "class", "len"])
def test_names_that_are_taken(name: str) -> None:
    text = "def f(a):\n    return len(«a + 1»)\n"
    refuses(by_name("extract-function"), text, "taken" if name in ("a", "f", "len") else name, name=name)
    refuses(by_name("extract-variable"), text, name, name=name)
