"""Document: a docstring or doc comment in the file's convention, names and sections given, a hole for each sentence."""

from __future__ import annotations

from lsp_server.code.definitions.bodies import body_start, deeper
from lsp_server.code.definitions.functions import Function, function_at, functions, text_of
from lsp_server.code.definitions.outcomes import doc_comment, doc_place
from lsp_server.transforms.refactoring import Answers, Blank, Change, Refused, Replacement, rewritten
from lsp_server.transforms.writing.conventions import COMMENTS, PYTHON, Line, Say, python_style
from lsp_server.types import Region, Snapshot
from model.types import Hole

_SENTENCE = r"[A-Z`][^\n\"\\*]{5,90}\."
_PHRASE = r"[A-Za-z0-9`'(\[][^\n\"\\*]{3,90}"
_UNSAID = "…"
_QUOTES = '"""'


class Document:
    """See `Refactoring`."""

    name = "document"
    kind = "refactor.rewrite.document"

    def title(self, snapshot: Snapshot, region: Region) -> str | None:
        """What the menu says where a function is not documented."""
        function = function_at(snapshot, region)
        if function is None or not function.name or doc_comment(function) is not None:
            return None
        return f"Document {function.name}"

    def change(self, snapshot: Snapshot, region: Region, *, answers: Answers) -> Change:  # noqa: ARG002
        """The documentation with its holes. Raises Refused."""
        function = function_at(snapshot, region)
        if function is None or not function.name:
            raise Refused("no function with a name here: put the cursor on the one to document")
        if doc_comment(function) is not None:
            raise Refused(f"{function.name} is documented: select what it says and fill it to write it anew")
        documented = _docstring if snapshot.language.name == "python" else _comment
        return rewritten(snapshot, [documented(snapshot, function)], summary=f"document {function.name}")


def _docstring(snapshot: Snapshot, function: Function) -> Replacement:
    """A docstring as the first statement of the body."""
    others = [text_of(f.docstring) for f in functions(snapshot) if f.docstring is not None]
    lines = PYTHON[python_style(others)](function)
    indent = deeper(function.indent, snapshot.source)
    start = body_start(function)
    line_start = snapshot.source.rfind(b"\n", 0, start) + 1
    own = snapshot.source[line_start:start].decode("utf-8", "replace")
    parts: list[str | Blank] = []
    region = Region(start, start)
    if own.strip():  # the body stands on the header's line
        region = Region(len(snapshot.source[:start].rstrip()), start)
        parts.append(f"\n{indent}")
    else:
        indent = own
    parts.append(_QUOTES)
    for number, line in enumerate(lines):
        parts += [f"\n{indent}" if line else "\n"] if number else []
        parts += _blanks(line)
    parts += [f"\n{indent}" if len(lines) > 1 else "", f"{_QUOTES}\n{indent}"]
    return region, parts


def _comment(snapshot: Snapshot, function: Function) -> Replacement:
    """A comment above the function."""
    (opening, lead, closing), layout = COMMENTS[snapshot.language.name]
    indent, at = function.indent, doc_place(function)
    parts: list[str | Blank] = [f"{opening}\n{indent}"] if opening else []
    for line in layout(function):
        parts += [lead if line else lead.rstrip(), *_blanks(line), f"\n{indent}"]
    if closing:
        parts += [f"{closing}\n{indent}"]
    return Region(at, at), parts


def _blanks(line: Line) -> list[str | Blank]:
    return [_blank(part) if isinstance(part, Say) else part for part in line]


def _blank(say: Say) -> Blank:
    pattern = _SENTENCE if say.sentence else _PHRASE
    return Blank(placeholder=_UNSAID, hole=Hole(max_lines=1, must_match=pattern))
