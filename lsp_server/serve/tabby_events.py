"""What became of completions, as Tabby's plugins tell it: counted for `dlm-fill stats`, never what they said."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal, TypeAlias

from lsp_server.feedback.metrics import Metrics

Kind: TypeAlias = Literal["view", "select", "dismiss"]
_MOST_REMEMBERED = 4096


class Events:
    """Remembers how long each completion was, by its id, so that characters are counted, too.

    A completion is shown once; one that is selected was shown, whether that was told or not.
    """

    def __init__(self, metrics: Metrics | None = None) -> None:
        self.metrics = metrics or Metrics()
        self._chars: OrderedDict[str, int] = OrderedDict()
        self._unseen: set[str] = set()

    def made(self, completion_id: str, text: str) -> None:
        """Remember a completion that was given away."""
        self.metrics.count("requests")
        if text:
            self.metrics.count("suggested")
        self._chars[completion_id] = len(text)
        self._unseen.add(completion_id)
        while len(self._chars) > _MOST_REMEMBERED:
            self._unseen.discard(self._chars.popitem(last=False)[0])

    def happened(self, kind: Kind, completion_id: str) -> None:
        """Count an event; one of a completion that nobody remembers counts for nothing."""
        chars = self._chars.get(completion_id)
        if not chars:
            return
        if kind != "dismiss" and completion_id in self._unseen:
            self._unseen.remove(completion_id)
            self.metrics.count("shown")
            self.metrics.count("shown characters", chars)
        if kind == "select":
            self.metrics.count("accepted")
            self.metrics.count("accepted characters", chars)
        elif kind == "dismiss":
            self.metrics.count("rejected")
        if kind != "view":
            del self._chars[completion_id]
            self._unseen.discard(completion_id)

    def __len__(self) -> int:
        return len(self._chars)
