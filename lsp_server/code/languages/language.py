"""What the rest of the tool knows of a programming language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Language:
    """A language and its node kinds (names of tree-sitter node types).

    `grammar`: module of the official wheel and its function; None: no grammar, files are cut by lines.
    `functions`, `classes`: definitions that have a header and a body, wrapped or not (`wrappers`:
    decorators, `export`, templates, declarations that hold an anonymous function).
    `bodies`: nodes that hold a body without being its opener: their first line is no header.
    `imports`: nodes that bring names in, directly in the root or in one of `import_holders`;
    `import_calls`: function names that do so in languages where an import is an ordinary call.
    `stray_closers`: words that close a block and that the grammar takes for names where no block is open.
    `holders`: what lines from inside a definition need around them (at `…`) to stand alone.
    `indented`: blocks end by indentation alone.
    """

    name: str
    extensions: tuple[str, ...] = ()
    filenames: tuple[str, ...] = ()
    language_ids: tuple[str, ...] = ()
    grammar: tuple[str, str] | None = None
    line_comment: str | None = None
    block_comment: tuple[str, str] | None = None
    functions: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    wrappers: frozenset[str] = frozenset()
    bodies: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()
    import_holders: frozenset[str] = frozenset()
    import_calls: tuple[str, ...] = ()
    stray_closers: frozenset[str] = frozenset()
    holders: tuple[str, ...] = ()
    indented: bool = False

    @property
    def definitions(self) -> frozenset[str]:
        """Kinds whose header tells what the body is about."""
        return self.functions | self.classes
