"""A placeholder in place of a placeholder: whoever asks for `...` to be filled gets something else, or nothing."""

from __future__ import annotations

import re

from lsp_server.filters.around import Around

_PLACEHOLDER = re.compile(
    r"""(?:return\ )?(?:\.\.\.|___+)[;,]?|pass|
    raise\ NotImplementedError(?:\(.*\))?|
    (?:todo|unimplemented)!\(.*\);?|
    panic!?\(["'](?:todo|not\ implemented|unimplemented).*\);?|
    throw\ new\ (?:UnsupportedOperation|NotImplemented)\w*\(.*\);?|
    throw\ new\ \w*Error\(["'`](?:todo|not\ (?:yet\ )?implemented|unimplemented|method\ not\ impl).*\);?|
    raise\ ["']?(?:todo|not\ implemented).*|error\(["']not\ implemented.*\)""",
    re.VERBOSE | re.IGNORECASE,
)
_COMMENT = re.compile(r"\s*(?:#|//|--).*\Z")
_DOCSTRING = re.compile(r'\A(?:"""(?:.|\n)*?"""|\'\'\'(?:.|\n)*?\'\'\')\s*')


def is_placeholder(text: str) -> bool:
    """Whether all that the text says, comments and docstring apart, is that something is missing."""
    lines = [_COMMENT.sub("", line).strip() for line in _DOCSTRING.sub("", text.strip()).split("\n")]
    said = [line for line in lines if line]
    return bool(said) and all(_PLACEHOLDER.fullmatch(line) for line in said)


def unless_placeholder_again(text: str, around: Around) -> str:
    """Drops a text that is a placeholder, where one was to be filled."""
    return "" if is_placeholder(around.old) and is_placeholder(text) else text
