"""Whether code only says that something is still missing: `...`, `pass`, a TODO that raises."""

from __future__ import annotations

import re

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
