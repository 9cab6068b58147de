"""Whether code only says that something is still missing: `...`, `pass`, a TODO that raises."""

from __future__ import annotations

import re

_MISSING = r"(?:todo|fixme|tbd|implement\ me|unimplemented|not\ (?:yet\ )?(?:implemented|supported)|method\ not\ impl)"
_MESSAGE = rf"""(?:\w+\.)*\w*["'`]\W*{_MISSING}.*"""
_KIND = r"(?:\w+(?:\.|::))*(?:not_?implemented|not_?supported|un_?implemented|un_?supported_?operation)\w*"
_PLACEHOLDER = re.compile(
    rf"""(?:return\ )?(?:\.\.\.|___+|\?\?\?)[;,]?|pass;?|
    (?:raise|throw)\s+(?:new\s+)?{_KIND}(?:\.new)?(?:\s*\(.*\)|,.*)?(?:\s+from\s+\w+)?;?|
    (?:raise|throw)\s+(?:(?:new\s+)?[\w.:]+(?:\.new)?\s*\(?)?\s*{_MESSAGE}|
    (?:todo|unimplemented)!\s*(?:\(.*\)|\{{.*\}}|\[.*\]);?|
    todo\(.*\);?|fatalError\(\s*\)|
    (?:panic!?|fatalError|error|die|abort|croak)\s*\(?\s*(?:[\w.]+\(\s*)?{_MESSAGE}|
    assert\s*\(?\s*(?:false|0)\s*(?:,|&&)\s*{_MESSAGE}""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_OF_LANGUAGE = {"haskell": re.compile(r"(?:[\w'() ]+=\s*)?undefined")}
"""What is a placeholder in one language, and a value in others."""
_COMMENT = re.compile(r"\s*(?:(?:#|//|--).*\Z|/\*.*?\*/)")
_TODO = re.compile(r"(?:#|//|--|/\*+|<!--|;+|%)\W*(?:TODO|FIXME|TBD)\b")
_DOCSTRING = re.compile(r'\A(?:"""(?:.|\n)*?"""|\'\'\'(?:.|\n)*?\'\'\')\s*')


def is_placeholder(text: str, *, language: str = "") -> bool:
    """Whether all that the text says, comments and docstring apart, is that something is missing.

    Of a text of comments alone: whether the first one says so.
    """
    lines = [_COMMENT.sub("", line).strip() for line in _DOCSTRING.sub("", text.strip()).split("\n")]
    said = [line for line in lines if line]
    if not said:
        return _TODO.match(text.strip()) is not None
    own = _OF_LANGUAGE.get(language)
    if own is not None and all(own.fullmatch(line) for line in said):
        return True
    return all(_PLACEHOLDER.fullmatch(line) for line in said) or _is_one(" ".join(said))


def _is_one(statement: str) -> bool:
    """Whether a statement of several lines says so."""
    return statement.endswith((")", ");")) and _PLACEHOLDER.fullmatch(statement) is not None
