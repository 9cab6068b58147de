"""What counts as a placeholder, in many languages."""

from __future__ import annotations

import pytest

from lsp_server.code.text.undone import is_placeholder

MISSING = [
    "...",
    "pass",
    "pass  # TODO",
    "    ...\n",
    "raise NotImplementedError",
    "raise NotImplementedError()",
    "raise NotImplementedError('x')",
    "raise NotImplementedError(\n    'later'\n)",
    "raise NotImplementedError from None",
    "raise NotImplementedError('a') from e",
    'raise NotImplementedError, "x"',
    "todo!()",
    "todo!();",
    'unimplemented!("x {}", a)',
    "unimplemented!{}",
    "TODO()",
    'TODO("not yet")',
    'fatalError("not implemented")',
    'fatalError("TODO")',
    "fatalError()",
    "???",
    "throw new NotImplementedException();",
    "throw new Error('TODO');",
    'throw new Error("Not implemented")',
    "throw Error('not implemented')",
    'throw new UnsupportedOperationException("x");',
    'panic("TODO")',
    'panic("not implemented")',
    'panic(errors.New("not implemented"))',
    'panic("implement me")',
    "assert False, 'not implemented'",
    "raise Exception('TODO')",
    'raise Exception("Not implemented yet")',
    'raise "todo"',
    "error('not implemented')",
    'throw std::logic_error("not implemented");',
    'throw std::runtime_error("TODO");',
    "// TODO",
    "# TODO: implement",
    "/* TODO */",
    "-- TODO",
    "# FIXME",
    '"""Doc."""\n...',
    "'''Doc.'''\npass",
    "return ...",
    "...;",
    "___",
    "raise NotImplementedError()  # later",
    "# TODO\npass",
    "pass\npass",
    "throw new NotImplementedError()",
    'assert(false && "not implemented");',
    'todo!("later")',
    "die 'not implemented';",
    "raise NotImplementedError.new('x')",
    "throw UnimplementedError();",
    "throw new NotSupportedException();",
]
CODE = [
    "return 1",
    "x = ...",
    "pass_through()",
    "return NotImplemented",
    "raise ValueError('x')",
    "todos()",
    "panic(err)",
    "throw new Error(message)",
    "error(message)",
    "undefined_name",
    'fatalError("index out of range")',
    "# a note",
    "// the total",
    "x = 1  # TODO",
    "return x",
    "assert x",
    'throw std::runtime_error("x")',
    "TODO = 1",
    "todo!",
    "raise Exception('no such file')",
    "a ??? b",
    "log.error('not implemented')",
    "total = undefined",
]


@pytest.mark.parametrize("text", MISSING)
def test_what_says_that_something_is_missing_is_a_placeholder(text: str) -> None:
    assert is_placeholder(text)
    assert is_placeholder(f"    {text}\n")


@pytest.mark.parametrize("text", CODE)
def test_code_is_none(text: str) -> None:
    assert not is_placeholder(text)
    assert not is_placeholder(f"{text}\nx = 1")


@pytest.mark.parametrize("text", MISSING)
def test_code_beside_a_placeholder_makes_it_none(text: str) -> None:
    assert not is_placeholder(f"x = 1\n{text}")


@pytest.mark.parametrize("text", ["undefined", "area w h = undefined", "  where go n = undefined -- later"])
def test_what_is_a_placeholder_in_one_language_is_a_value_in_others(text: str) -> None:
    assert is_placeholder(text.replace("where ", ""), language="haskell")
    assert not is_placeholder(text, language="javascript")
    assert not is_placeholder(text)
