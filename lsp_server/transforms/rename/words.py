"""What may be a name, by language."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping

IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*[A-Za-z0-9]"
"""What the model may write for a name: a single letter tells nobody anything. A user may give any name that the language takes."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_JAVASCRIPT = _words(
    """await break case catch class const continue debugger default delete do else enum export extends false finally for
    function if implements import in instanceof interface let new null package private protected public return static super
    switch this throw true try typeof var void while with yield arguments eval undefined"""
)
_C = _words(
    """auto break case char const continue default do double else enum extern float for goto if inline int long register
    restrict return short signed sizeof static struct switch typedef union unsigned void volatile while _Bool"""
)
_CPP = _C | _words(
    """alignas alignof and and_eq asm bitand bitor bool catch char16_t char32_t char8_t class co_await co_return co_yield
    compl concept const_cast consteval constexpr constinit decltype delete dynamic_cast explicit export false friend mutable
    namespace new noexcept not not_eq nullptr operator or or_eq private protected public reinterpret_cast requires
    static_assert static_cast template this thread_local throw true try typeid typename using virtual wchar_t xor xor_eq"""
)
_GO = _words(
    """break case chan const continue default defer else fallthrough for func go goto if import interface map package range
    return select struct switch type var nil true false iota"""
)
_RUST = _words(
    """as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut pub
    ref return self Self static struct super trait true type union unsafe use where while abstract become box do final macro
    override priv try typeof unsized virtual yield"""
)
_JAVA = _words(
    """abstract assert boolean break byte case catch char class const continue default do double else enum extends final
    finally float for goto if implements import instanceof int interface long native new package private protected public
    return short static strictfp super switch synchronized this throw throws transient try void volatile while true false
    null var yield record _"""
)
KEYWORDS: Mapping[str, frozenset[str]] = {
    "python": frozenset(keyword.kwlist) | {"__debug__"},
    **dict.fromkeys(("javascript", "typescript", "tsx"), _JAVASCRIPT),
    "c": _C,
    "cpp": _CPP,
    "go": _GO,
    "rust": _RUST,
    "java": _JAVA,
}
_DOLLAR = frozenset({"javascript", "typescript", "tsx", "java"})


def why_no_name(text: str, language: str) -> str:
    """Why the text cannot be a name in the language, with the remedy; "" if it can."""
    if not text:
        return "the new name is empty: give one"
    if not re.sub(r"\$", "_", text).isidentifier() or ("$" in text and language not in _DOLLAR):
        return f"{text} is no name in {language}: letters, digits and _ make one, and a digit does not begin it"
    if text in KEYWORDS.get(language, ()):
        return f"{text} is a keyword of {language}: take another name"
    return ""
