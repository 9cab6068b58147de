"""How a fill is asked of a checkpoint that was tuned on chats: the text with its gaps is what the assistant says.

So do dllm's examples for LLaDA and LLaDA2: a user's request, then the assistant's message with masks in it. What the
checkpoint's own chat template puts before and behind that message becomes what its texts begin and end with.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import tokenizers
from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from model.backends.published.codec import backend_of
from model.backends.published.config_file import read_json
from model.backends.published.families.family import Family
from model.errors import UnknownModel

REQUEST = "Write a file of source code. Answer with its text alone."
_MARK = "\ue000gap\ue001"
"""Stands for the assistant's message: no template says so of itself."""


def instructed(family: Family, directory: Path) -> Family:
    """The family as a checkpoint tuned on chats wants to be asked; as it is if it was not, or brings no template.

    Where fill-in-the-middle tokens tell what stands after a gap, these are asked alone: a chat has no place for them.
    Raises UnknownModel for a template that cannot be rendered.
    """
    around = message_ids(directory) if family.instruct and family.fim is None else None
    return family if around is None else replace(family, start_ids=around[0], end_ids=around[1])


def message_ids(directory: Path) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """What stands before and behind the assistant's message, in tokens; None without a template. Raises UnknownModel."""
    template = chat_template(directory)
    if template is None:
        return None
    head, tail = _around_message(template, directory)
    backend = backend_of(directory)
    return _ids(backend, head), _ids(backend, tail)


def chat_template(directory: Path) -> str | None:
    """The text of the checkpoint's template: a file of its own, or in tokenizer_config.json; None if there is none."""
    path = directory / "chat_template.jinja"
    try:
        if path.is_file():
            return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise _unreadable(directory, error) from error
    path = directory / "tokenizer_config.json"
    found = read_json(path).get("chat_template") if path.is_file() else None
    if isinstance(found, list):  # several with names
        named = {str(t.get("name")): t.get("template") for t in found if isinstance(t, dict)}
        found = named.get("default")
    return found if isinstance(found, str) and found else None


def _around_message(template: str, directory: Path) -> tuple[str, str]:
    """What the template puts before and behind the assistant's message; what asks for one, if it changes messages."""
    asked = {"role": "user", "content": REQUEST}
    path = directory / "tokenizer_config.json"
    names = read_json(path) if path.is_file() else {}
    tokens = {key: _text(names.get(key)) for key in ("bos_token", "eos_token", "pad_token", "unk_token")}
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.globals["raise_exception"] = _refuse
    try:
        compiled = environment.from_string(template)
        said = compiled.render(
            messages=[asked, {"role": "assistant", "content": _MARK}], add_generation_prompt=False, tools=None, **tokens
        )
        if said.count(_MARK) == 1:
            head, _, tail = said.partition(_MARK)
            return head, tail
        return compiled.render(messages=[asked], add_generation_prompt=True, tools=None, **tokens), ""
    except (TemplateError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise _unreadable(directory, error) from error


def _refuse(message: str) -> None:
    raise TemplateError(message)


def _text(token: object) -> str:
    content = token.get("content") if isinstance(token, dict) else token
    return content if isinstance(content, str) else ""


def _ids(backend: tokenizers.Tokenizer, text: str) -> tuple[int, ...]:
    return tuple(backend.encode(text, add_special_tokens=False).ids)


def _unreadable(directory: Path, error: Exception) -> UnknownModel:
    reason = " ".join(str(error).split())[:120]
    return UnknownModel(
        f"the chat template in {directory} cannot be used ({reason}): download the checkpoint again, or remove the template"
        " to ask it as one that was not tuned on chats"
    )
