"""Mercury, Inception's diffusion coder, behind its three endpoints: fill in the middle, edit, apply."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from model.backends.left_to_right.writer import Middle, Piece
from model.backends.remote.service import Service
from model.errors import BadRequest

CONTEXT_TOKENS = 8192
"""Of the service's 32k: what is sent is waited and paid for."""
MOST_EDITED_LINES = 15
_TAG = re.compile(r"<\|/?(?:recently_viewed_code_snippets?|current_file_content|code_to_edit|cursor|edit_diff_history"
                  r"|original_code|update_snippet)\|>")  # fmt: skip
_FENCED = re.compile(r"```[^\n`]*\n(.*?)\n?```\s*\Z", re.DOTALL)
_UNCHANGED = "None"


class Mercury(Service):
    """Gaps by fill-in-the-middle; a gap whose old text is to be rewritten by edit."""

    context_tokens = CONTEXT_TOKENS
    rewrites = True

    async def write(self, middle: Middle) -> AsyncGenerator[Piece, None]:
        if middle.old_text:
            yield Piece(await self.edit(middle))
            return
        async with aclosing(self.write_between("/fim/completions", middle)) as pieces:
            async for piece in pieces:
                yield piece

    async def edit(self, middle: Middle) -> str:
        """The old text as Mercury rewrites it: whole lines are shown to it, and must come back around the gap.

        Raises BadRequest for more lines than it rewrites at a time, and BadReply if it changed what stays.
        """
        before, _, head = middle.prefix.rpartition("\n")
        tail, newline, after = middle.suffix.partition("\n")
        region = head + middle.old_text + tail
        lines = region.count("\n") + 1
        if lines > MOST_EDITED_LINES:
            raise BadRequest(f"Mercury rewrites {MOST_EDITED_LINES} lines at most, not {lines}: name fewer")
        shown = f"{head}<|cursor|>{middle.old_text}{tail}"
        above = before + "\n" if before else ""
        content = (
            "<|recently_viewed_code_snippets|>\n<|/recently_viewed_code_snippets|>\n"
            f"<|current_file_content|>\n{above}<|code_to_edit|>\n{shown}\n<|/code_to_edit|>{newline}{after}\n"
            "<|/current_file_content|>\n<|edit_diff_history|>\n<|/edit_diff_history|>"
        )
        self._refuse_tags(middle.prefix + middle.old_text + middle.suffix)
        answer = await self._chat("/edit/completions", content, middle)
        if answer.strip() == _UNCHANGED:
            return middle.old_text
        new = self._unfenced(answer)
        if not (new.startswith(head) and new.endswith(tail) and len(new) >= len(head) + len(tail)):
            raise self.transport.report.unreadable("the edit changes what stands around the gap")
        return new[len(head) : len(new) - len(tail)]

    async def apply(self, original: str, update: str, *, max_tokens: int = CONTEXT_TOKENS) -> str:
        """`original` with the abbreviated change `update` merged into it."""
        self._refuse_tags(original + update)
        content = (
            f"<|original_code|>\n{original}\n<|/original_code|>\n\n<|update_snippet|>\n{update}\n<|/update_snippet|>"
        )
        ask = Middle(prefix="", suffix="", max_tokens=max_tokens)
        return self._unfenced(await self._chat("/apply/completions", content, ask))

    async def _chat(self, path: str, content: str, middle: Middle) -> str:
        body = {
            "model": self.address.model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": middle.max_tokens,
            "temperature": middle.temperature,
        }
        answer = ""
        async with aclosing(self.transport.replies(path, body, until=middle.until)) as replies:
            async for reply in replies:
                answer += self._message(reply)
        return answer

    def _message(self, reply: dict[str, Any]) -> str:
        try:
            content = reply["choices"][0]["message"]["content"]
        except (KeyError, IndexError, TypeError):
            content = None
        if not isinstance(content, str):
            raise self.transport.report.unreadable("the answer has no message")
        return content

    def _unfenced(self, answer: str) -> str:
        fenced = _FENCED.search(answer)
        if fenced is None:
            raise self.transport.report.unreadable("the answer holds no fenced code")
        return fenced.group(1)

    def _refuse_tags(self, text: str) -> None:
        tag = _TAG.search(text)
        if tag is not None:
            raise BadRequest(
                f"the code holds {tag.group()}, which Mercury's prompts are made of: fill it without a strength"
            )
