"""Bodies of functions: whether one is missing, where its code stands, and how this file indents."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from lsp_server.code.definitions.functions import Function
from lsp_server.code.text.undone import is_placeholder
from lsp_server.types import Region

_COMMENT_LINE = re.compile(r"\s*(?:#|//|/\*|\*|--)")
_TODO = re.compile(r"\b(?:TODO|FIXME|XXX|implement)\b", re.IGNORECASE)
_USUAL = "    "


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Where a body is to be written: `region` is what it replaces, `todo` the comments there that say what is to be done."""

    region: Region
    todo: str = ""


def missing_body(function: Function) -> Missing | None:
    """Where the function's body is missing; None where it has one. A docstring stays."""
    region = code_region(function)
    text = function.source[region.start : region.end].decode("utf-8", "replace")
    lines = text.split("\n")
    code = [line.strip() for line in lines if line.strip() and not _COMMENT_LINE.match(line)]
    comments = [line.strip() for line in lines if line.strip() and _COMMENT_LINE.match(line)]
    if code and not is_placeholder("\n".join(code)):
        return None
    todo = "\n".join(line for line in comments if _TODO.search(line))
    kept = [line for line in comments if not _TODO.search(line)]
    if kept:  # comments that are no TODO stay, and those beside them: the hole is what stands below
        start = _behind_comments(text)
        return Missing(region=Region(region.start + len(text[:start].encode()), region.end))
    return Missing(region=region, todo=todo)


def code_region(function: Function) -> Region:
    """The body's text, from its first word to its last, without brackets around it and without a docstring."""
    start, end = function.body.start_byte, function.body.end_byte
    if function.source[start : start + 1] == b"{":
        start, end = start + 1, end - 1
    else:
        start = body_start(function)
        if function.docstring is not None:
            start = function.docstring.end_byte
    text = function.source[start:end]
    inner = text.strip()
    start += len(text) - len(text.lstrip()) if inner else 0
    return Region(start, start + len(inner))


def deeper(indent: str, source: bytes) -> str:
    """The indentation one level below `indent` in this file."""
    return indent + ("\t" if "\t" in indent else indent_unit(source))


def indent_unit(source: bytes) -> str:
    """What one level of indentation is in this file: the most frequent step from a line to a deeper one."""
    lines = [line for line in source.decode("utf-8", "replace").split("\n") if line.strip()]
    indents = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines[:2000]]
    steps = Counter(b[len(a) :] for a, b in pairwise(indents) if b.startswith(a) and 0 < len(b) - len(a) <= 8)
    return steps.most_common(1)[0][0] if steps else _USUAL


def body_start(function: Function) -> int:
    """Where a Python function's first statement begins, or a comment above it, which stands outside of its block."""
    header_end = next(c.end_byte for c in reversed(function.node.children) if c.type == ":")
    first = function.body.start_byte
    comments = [
        c.start_byte for c in function.node.children if c.type == "comment" and header_end <= c.start_byte < first
    ]
    own_line = [at for at in comments if b"\n" in function.source[header_end:at]]
    return min([first, *own_line])


def _behind_comments(text: str) -> int:
    """Where the first line that is no comment begins, behind its indentation; the text's end if all lines are."""
    at = 0
    for line in text.splitlines(keepends=True):
        if line.strip() and not _COMMENT_LINE.match(line):
            return at + len(line) - len(line.lstrip())
        at += len(line)
    return len(text)
