"""Fill-in-the-middle prompts, put together as clients do and taken apart again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.serve.dialects.fim_prompts import FAMILIES, taken_apart

TEMPLATES: dict[str, Callable[[str, str], str]] = {
    "qwen": lambda p, s: f"<|fim_prefix|>{p}<|fim_suffix|>{s}<|fim_middle|>",
    "qwen suffix first": lambda p, s: f"<|fim_suffix|>{s}<|fim_prefix|>{p}<|fim_middle|>",
    "starcoder": lambda p, s: f"<fim_prefix>{p}<fim_suffix>{s}<fim_middle>",
    "starcoder suffix first": lambda p, s: f"<fim_suffix>{s}<fim_prefix>{p}<fim_middle>",
    "santacoder": lambda p, s: f"<fim-prefix>{p}<fim-suffix>{s}<fim-middle>",
    "seedcoder": lambda p, s: f"<[fim-suffix]>{s}<[fim-prefix]>{p}<[fim-middle]>",
    "codellama": lambda p, s: f"<PRE> {p} <SUF>{s} <MID>",
    "deepseek": lambda p, s: f"<｜fim▁begin｜>{p}<｜fim▁hole｜>{s}<｜fim▁end｜>",
    "deepseek with a beginning": lambda p, s: (
        f"<｜begin▁of▁sentence｜><｜fim▁begin｜>{p}<｜fim▁hole｜>{s}<｜fim▁end｜>"
    ),
    "codestral": lambda p, s: f"[SUFFIX]{s}[PREFIX]{p}",
    "codestral with a beginning": lambda p, s: f"<s>[SUFFIX]{s}[PREFIX]{p}",
    "glm": lambda p, s: f"<|code_prefix|>{p}<|code_suffix|>{s}<|code_middle|>",
    "codegeex": lambda p, s: (
        f"<|user|>\n###PATH:a.py\n###LANGUAGE:python\n###MODE:BLOCK\n<|code_suffix|>{s}<|code_prefix|>{p}<|code_middle|>"
        "<|assistant|>\n"
    ),
}
MARKS = sorted(
    {mark for tokens in FAMILIES for mark in (tokens.first, tokens.second, tokens.third, tokens.file) if mark}
)
code = st.text(max_size=60).filter(lambda text: not any(mark.strip() in text for mark in MARKS))


@pytest.mark.parametrize("name", TEMPLATES)
@given(prefix=code, suffix=code)
def test_prefix_and_suffix_come_out_as_they_went_in(name: str, prefix: str, suffix: str) -> None:
    parts = taken_apart(TEMPLATES[name](prefix, suffix))
    assert parts is not None
    assert (parts.prefix, parts.suffix) == (prefix, suffix)
    assert parts.family == name.split(maxsplit=1)[0].replace("codegeex", "glm")


@given(text=code)
def test_a_text_without_tokens_is_no_prompt_in_tokens(text: str) -> None:
    assert taken_apart(text) is None


@given(text=st.lists(st.sampled_from([*MARKS, "x", "\n"]), max_size=12).map("".join))
def test_no_order_of_tokens_is_an_error(text: str) -> None:
    parts = taken_apart(text)
    assert parts is None or isinstance(parts.prefix, str)


def test_other_files_and_the_files_own_name() -> None:
    parts = taken_apart(
        "<|repo_name|>shop\n<|file_sep|>a.py\nA = 1\n<|file_sep|>b.py\nB = 2\n<|file_sep|>c.py\n"
        "<|fim_prefix|>x = <|fim_suffix|>\n<|fim_middle|>"
    )
    assert parts is not None
    assert parts.file == "c.py"
    assert parts.files == (("a.py", "A = 1\n"), ("b.py", "B = 2\n"))


def test_codestrals_other_files_stand_in_the_prefix() -> None:
    parts = taken_apart("[SUFFIX]\nend\n[PREFIX]+++++ a.py \nA = 1\n\n+++++ src/c.py\nx = ")
    assert parts is not None
    assert (parts.prefix, parts.suffix, parts.file) == ("x = ", "\nend\n", "src/c.py")
    assert parts.files == (("a.py", "A = 1\n"),)


def test_tokens_in_the_code_itself_do_not_lose_any_of_it() -> None:
    """A file that deals with such prompts: which token is which cannot be known, but nothing vanishes."""
    prefix, suffix = 'MIDDLE = "<|fim_middle|>"\nx = ', "\ny = 1\n"
    parts = taken_apart(f"<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>")
    assert parts is not None
    assert (parts.prefix, parts.suffix) == (prefix, suffix)
