"""Prompts that are made of fill-in-the-middle tokens already, taken apart into what stands before and behind the cursor.

The tokens are texts here: this server's model has tokens of its own, or none. What a client puts around them (names of
files, other files) is taken apart, too. A prompt that has the text of a token in its code, as well, is ambiguous for every
server: the first opening token counts, the first separating one behind it, and the last closing one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """`first` opens, then a text, `second`, another text, `third` (""; the prompt ends). `suffix_first`: of the two texts,
    the one behind the cursor comes first. `file`: what stands before the name and text of another file.
    """

    name: str
    first: str
    second: str
    third: str
    suffix_first: bool = False
    file: str = ""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """`family`: whose tokens they were. `files`: (name, text) of others, `file` the name of this one, as far as told."""

    prefix: str
    suffix: str
    family: str = ""
    file: str = ""
    files: tuple[tuple[str, str], ...] = ()


_QWEN = "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"
_STAR = "<fim_prefix>", "<fim_suffix>", "<fim_middle>"
_GLM = "<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"
FAMILIES = (
    Tokens(name="qwen", first=_QWEN[0], second=_QWEN[1], third=_QWEN[2], file="<|file_sep|>"),
    Tokens(name="qwen", first=_QWEN[1], second=_QWEN[0], third=_QWEN[2], suffix_first=True, file="<|file_sep|>"),
    Tokens(name="starcoder", first=_STAR[0], second=_STAR[1], third=_STAR[2], file="<file_sep>"),
    Tokens(name="starcoder", first=_STAR[1], second=_STAR[0], third=_STAR[2], suffix_first=True, file="<file_sep>"),
    Tokens(name="santacoder", first="<fim-prefix>", second="<fim-suffix>", third="<fim-middle>"),
    Tokens(name="seedcoder", first="<[fim-prefix]>", second="<[fim-suffix]>", third="<[fim-middle]>"),
    Tokens(
        name="seedcoder", first="<[fim-suffix]>", second="<[fim-prefix]>", third="<[fim-middle]>", suffix_first=True
    ),
    Tokens(name="deepseek", first="<｜fim▁begin｜>", second="<｜fim▁hole｜>", third="<｜fim▁end｜>"),
    Tokens(name="glm", first=_GLM[0], second=_GLM[1], third=_GLM[2]),
    Tokens(name="glm", first=_GLM[1], second=_GLM[0], third=_GLM[2], suffix_first=True),
    Tokens(name="codellama", first="<PRE> ", second=" <SUF>", third=" <MID>"),
    Tokens(name="codestral", first="[SUFFIX]", second="[PREFIX]", third="", suffix_first=True, file="+++++ "),
)
_BEGINNINGS = ("<s>", "<bos>", "<|begin_of_text|>", "<｜begin▁of▁sentence｜>", "<[begin▁of▁sentence]>")
_REPOSITORY = re.compile(r"<\|?(?:repo_name|reponame)\|?>([^\n<]*)\n?")


def taken_apart(prompt: str) -> Parts | None:
    """The parts of a prompt with fill-in-the-middle tokens; None for one without."""
    best: tuple[int, Parts] | None = None
    for tokens in FAMILIES:
        found = _found(prompt, tokens)
        if found is not None and (best is None or found[0] < best[0]):
            best = found
    return best[1] if best else None


def _found(prompt: str, tokens: Tokens) -> tuple[int, Parts] | None:
    """(where the prompt's first token stands, its parts) if it is one of this family, in this order."""
    start = prompt.find(tokens.first)
    middle = prompt.find(tokens.second, start + len(tokens.first))
    end = prompt.rfind(tokens.third) if tokens.third else len(prompt)
    if start < 0 or middle < 0 or end < middle + len(tokens.second):
        return None
    one = prompt[start + len(tokens.first) : middle]
    two = prompt[middle + len(tokens.second) : end]
    prefix, suffix = (two, one) if tokens.suffix_first else (one, two)
    ahead = _without_beginning(prompt[:start])
    file, files = _files(ahead, tokens.file)
    if tokens.name == "codestral":
        file, files, prefix = _headed(prefix, tokens.file)
    return start, Parts(prefix=prefix, suffix=suffix, family=tokens.name, file=file, files=files)


def _files(ahead: str, mark: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """(name of the file itself, other files) of what stands before the first token: names on the line behind each mark.

    The last one, if nothing but its name stands there, is the file's own.
    """
    if not mark or mark not in ahead:
        return "", ()
    parts = _REPOSITORY.sub("", ahead).split(mark)[1:]
    named = [(name.strip(), text) for name, _, text in (part.partition("\n") for part in parts)]
    if named and not named[-1][1].strip():
        return named[-1][0], tuple(pair for pair in named[:-1] if pair[1].strip())
    return "", tuple(pair for pair in named if pair[1].strip())


def _headed(prefix: str, mark: str) -> tuple[str, tuple[tuple[str, str], ...], str]:
    """(name, other files, the rest) of a prefix that begins with other files, each headed by `mark` and its name."""
    if not prefix.startswith(mark):
        return "", (), prefix
    *others, own = [part.partition("\n") for part in ("\n" + prefix).split(f"\n{mark}")[1:]]
    return own[0].strip(), tuple((name.strip(), text) for name, _, text in others if text.strip()), own[2]


def _without_beginning(text: str) -> str:
    for token in _BEGINNINGS:
        text = text.removeprefix(token)
    return text
