"""What the names of a Python file mean, as Python itself has it: the judge of our scope analysis.

It shares nothing with `lsp_server.code.scopes`: the scopes are those of `symtable`, the names those of `ast`.
"""

from __future__ import annotations

import ast
import symtable
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Meaning:
    """A name at a place of the tree. `scope`: the number of the scope that declares it; None: built in, or nobody does."""

    name: str
    scope: int | None
    line: int
    column: int


def meanings(source: str) -> list[Meaning]:
    """The names of a file in the order of the tree. Raises SyntaxError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree, table = ast.parse(source), symtable.symtable(source, "<file>", "exec")
        compile(source, "<file>", "exec", dont_inherit=True)
    return list(_Reader(table).read(tree))


def shape(source: str, renamed: Mapping[str, str] | None = None) -> str:
    """The tree without positions; with names in place of those that were renamed. What only looks alike is not told apart:
    `meanings` does.
    """
    renamed = renamed or {}
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if name == "asname" and value is None and isinstance(node, ast.alias):
                node.asname = node.name.partition(".")[0]
            if isinstance(value, str) and not isinstance(node, ast.Constant):
                setattr(node, name, renamed.get(value, value))
            elif isinstance(value, list) and all(isinstance(item, str) for item in value):
                setattr(node, name, [renamed.get(item, item) for item in value])
    return ast.dump(tree)


class _Reader:
    def __init__(self, table: symtable.SymbolTable) -> None:
        self._module = table
        self._parents: dict[int, symtable.SymbolTable] = {}
        self._left: dict[int, list[symtable.SymbolTable]] = {}

    def read(self, tree: ast.Module) -> Iterator[Meaning]:
        for statement in tree.body:
            yield from self._node(statement, self._module)

    def _enter(self, table: symtable.SymbolTable, name: str, line: int) -> symtable.SymbolTable:
        """The scope inside `table` that comes next, of those with this name on this line."""
        left = self._left.setdefault(table.get_id(), list(table.get_children()))
        found = next(child for child in left if child.get_name() == name and child.get_lineno() == line)
        left.remove(found)
        self._parents[found.get_id()] = table
        return found

    def _node(self, node: ast.AST, table: symtable.SymbolTable) -> Iterator[Meaning]:
        if isinstance(node, (*_FUNCTIONS, ast.Lambda)):
            yield from self._function(node, table)
        elif isinstance(node, ast.ClassDef):
            yield from self._class(node, table)
        elif isinstance(node, _COMPREHENSIONS):
            yield from self._comprehension(node, table)
        else:
            yield from self._names(node, table)
            for child in ast.iter_child_nodes(node):
                yield from self._node(child, table)

    def _names(self, node: ast.AST, table: symtable.SymbolTable) -> Iterator[Meaning]:
        """The names that the node itself holds."""
        found: list[str | None] = []
        if isinstance(node, ast.Name):
            found = [node.id]
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            found = [node.name]
        elif isinstance(node, ast.MatchMapping):
            found = [node.rest]
        elif isinstance(node, ast.Global | ast.Nonlocal):
            found = list(node.names)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found = [alias.asname or alias.name.partition(".")[0] for alias in node.names if alias.name != "*"]
        yield from (self._meaning(name, table, node) for name in found if name is not None)

    def _meaning(self, name: str, table: symtable.SymbolTable, node: ast.AST) -> Meaning:
        scope = self._declares(self._mangled(name, table), table)
        number = scope.get_id() if scope is not None else None
        return Meaning(name, number, getattr(node, "lineno", 0), getattr(node, "col_offset", -1))

    def _mangled(self, name: str, table: symtable.SymbolTable) -> str:
        """The name as the compiler knows it inside of a class (language reference, "Private name mangling")."""
        around: symtable.SymbolTable | None = table
        while name.startswith("__") and not name.endswith("__") and around is not None:
            if around.get_type() == "class":
                owner = around.get_name().lstrip("_")
                return f"_{owner}{name}" if owner else name
            around = self._parents.get(around.get_id())
        return name

    def _declares(self, name: str, table: symtable.SymbolTable) -> symtable.SymbolTable | None:
        symbol = table.lookup(name)
        if name == "__class__" and symbol.is_free():
            return None  # what the compiler puts into each class
        if symbol.is_free():
            around = self._parents[table.get_id()]
            while around.get_type() == "class" or name not in around.get_identifiers() or around.lookup(name).is_free():
                around = self._parents[around.get_id()]
            return around
        if symbol.is_global():
            known = name in self._module.get_identifiers() and self._bound(self._module.lookup(name))
            return self._module if known or symbol.is_declared_global() else None
        return table if table is not self._module or self._bound(symbol) else None

    @staticmethod
    def _bound(symbol: symtable.Symbol) -> bool:
        return symbol.is_assigned() or symbol.is_imported() or symbol.is_declared_global()

    def _function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, table: symtable.SymbolTable
    ) -> Iterator[Meaning]:
        arguments = node.args
        outside: list[ast.expr | None] = [*arguments.defaults, *arguments.kw_defaults]
        splats = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *splats]
        outside += [parameter.annotation for parameter in every]
        if not isinstance(node, ast.Lambda):
            yield self._meaning(node.name, table, node)
            outside += [*node.decorator_list, node.returns]
        for one in outside:
            if one is not None:
                yield from self._node(one, table)
        inner = self._enter(table, "lambda" if isinstance(node, ast.Lambda) else node.name, node.lineno)
        for parameter in every:
            yield self._meaning(parameter.arg, inner, parameter)
        for child in [node.body] if isinstance(node, ast.Lambda) else node.body:
            yield from self._node(child, inner)

    def _class(self, node: ast.ClassDef, table: symtable.SymbolTable) -> Iterator[Meaning]:
        yield self._meaning(node.name, table, node)
        for one in (*node.decorator_list, *node.bases, *node.keywords):
            yield from self._node(one, table)
        inner = self._enter(table, node.name, node.lineno)
        for child in node.body:
            yield from self._node(child, inner)

    def _comprehension(self, node: ast.expr, table: symtable.SymbolTable) -> Iterator[Meaning]:
        assert isinstance(node, _COMPREHENSIONS)
        name = {"ListComp": "listcomp", "SetComp": "setcomp", "DictComp": "dictcomp", "GeneratorExp": "genexpr"}
        yield from self._node(node.generators[0].iter, table)
        inner = self._enter(table, name[type(node).__name__], node.lineno)
        for number, one in enumerate(node.generators):
            for child in (one.target, *([one.iter] if number else []), *one.ifs):
                yield from self._node(child, inner)
        for child in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            yield from self._node(child, inner)
