"""Random messages of an editor: what may be asked, at any place, of any document, and what no editor should ever send."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from lsp_server.bench.storm.desk import Paper, StormDesk
from lsp_server.bench.watched import TEXT

Json: TypeAlias = Any
Message: TypeAlias = tuple[str, Json]

INLINE, LIST, ACTION = "textDocument/inlineCompletion", "textDocument/completion", "textDocument/codeAction"
RESOLVE, COMMAND, CHANGE = "codeAction/resolve", "workspace/executeCommand", "textDocument/didChange"
_FAR = {"line": 1_000_000, "character": 2_000_000}
_WRONG: tuple[Json, ...] = (
    *(None, [], {}, {"textDocument": 3}, {"textDocument": {"uri": None}}, {"position": "here"}, {"context": []}),
    {"textDocument": {"uri": "file:///nowhere/never_opened.py"}, "position": {"line": 0, "character": 0}},
    {"textDocument": {"uri": "file:///a.py"}, "position": {"line": -1, "character": 0}},
    {"textDocument": {"uri": "file:///a.py"}, "position": {"line": 1 << 40, "character": 1 << 40}},
    {"textDocument": {"uri": "%%%"}, "range": {"start": {}, "end": {}}, "context": {"diagnostics": 1}},
    {"command": 7},
    {"command": "dlm.fill", "arguments": {"uri": 1}},
    {"command": "dlm.fill", "arguments": [{"uri": "file:///a.py", "ranges": [{"start": 1}], "version": "x"}]},
    {"command": "dlm.fill", "arguments": [[]]},
    {"command": "no.such", "arguments": []},
    {"title": 1, "data": {"uri": "x"}},
    {"title": "t", "data": None},
)
_SETTINGS: tuple[Mapping[str, Json], ...] = (
    *({}, {}, {"candidates": 1}, {"candidates": 4}, {"automatic": False}, {"preview": True}, {"enabled": False}),
    *({"candidates": "many"}, {"modle": 1}, {"status": False}),
)


class Asks:
    """Draws messages. `actions`: code actions that the server offered; `settings`: what the editor is set to."""

    def __init__(self, desk: StormDesk, chance: random.Random, *, max_time_ms: int) -> None:
        self._desk, self._chance, self._max_time_ms = desk, chance, max_time_ms
        self.actions: list[Json] = []
        self.settings: Mapping[str, Json] = {"maxTimeMs": max_time_ms}
        kinds: dict[str, tuple[int, Callable[[Paper], Message]]] = {
            "inline, automatic": (30, lambda paper: (INLINE, self.inline(paper, self._at(paper), automatic=True))),
            "inline, invoked": (10, lambda paper: (INLINE, self.inline(paper, self._at(paper), automatic=False))),
            "inline, an entry selected": (4, self._with_entry),
            "completion list": (12, lambda paper: (LIST, {**self._in(paper), "position": self._at(paper)})),
            "code actions": (8, self._actions),
            "resolve": (6, self._resolve),
            "fill": (8, self._fill),
            "malformed": (5, self._malformed),
            "unknown method": (2, lambda _: (f"no/such{chance.randint(0, 9)}", {"x": 1})),
            "text": (6, lambda paper: (TEXT, paper.name)),
        }
        self._names = list(kinds)
        self._weights = [weight for weight, _ in kinds.values()]
        self._drawn = {name: draw for name, (_, draw) in kinds.items()}

    def request(self) -> tuple[str, Paper, str, Json]:
        """(kind, the document it is about, method, parameters)."""
        paper = self._desk.any()
        (kind,) = self._chance.choices(self._names, self._weights)
        return kind, paper, *self._drawn[kind](paper)

    def notification(self) -> Message:
        """One that changes no document."""
        paper = self._desk.any()
        draw = self._chance.random()
        if draw < 0.2:
            self.settings = {**self._chance.choice(_SETTINGS), "maxTimeMs": self._max_time_ms}
            return "workspace/didChangeConfiguration", {"settings": {"dlm-fill": self.settings}}
        if draw < 0.7:
            params: dict[str, Json] = {"uri": self._chance.choice((paper.uri, paper.uri, "file:///else", 5))}
            if self._chance.random() < 0.5:
                params["acceptedLength"] = self._chance.choice((0, 1, 3, 10_000, -1, "x"))
            return self._chance.choice(("dlm/didShow", "dlm/didAccept", "dlm/didReject")), params
        methods = (CHANGE, "textDocument/didOpen", "textDocument/didClose", "dlm/didAccept", "no/such", "$/no")
        return self._chance.choice(methods), self._chance.choice(_WRONG)

    def inline(self, paper: Paper, position: Json, *, automatic: bool) -> dict[str, Json]:
        return {**self._in(paper), "position": position, "context": {"triggerKind": 2 if automatic else 1}}

    def _at(self, paper: Paper) -> Json:
        if self._chance.random() < 0.05:
            return _FAR
        place = self._desk.place(paper)
        if self._chance.random() < 0.5:  # where one types: at the end of a line
            place = min((at for end in "\r\n" if (at := paper.text.find(end, place)) >= 0), default=len(paper.text))
        return self._desk.position(paper, place)

    def _in(self, paper: Paper) -> dict[str, Json]:
        return {"textDocument": paper.name}

    def _span(self, paper: Paper) -> tuple[int, int]:
        start = self._desk.place(paper)
        end = min(start + self._chance.choice((0, 3, 40)), len(paper.text))
        return start, end - (paper.text[end - 1 : end + 1] == "\r\n" and end > start)

    def _with_entry(self, paper: Paper) -> Message:
        start, end = self._span(paper)
        asked = self.inline(paper, self._desk.position(paper, end), automatic=bool(self._chance.getrandbits(1)))
        asked["context"]["selectedCompletionInfo"] = {"range": self._desk.span(paper, start, end), "text": "entry"}
        return INLINE, asked

    def _actions(self, paper: Paper) -> Message:
        only = self._chance.choice((None, ["refactor.rewrite"], ["quickfix"], []))
        context = {"diagnostics": [], **({} if only is None else {"only": only})}
        return ACTION, {**self._in(paper), "range": self._desk.span(paper, *self._span(paper)), "context": context}

    def _resolve(self, paper: Paper) -> Message:
        if not self.actions:
            return self._actions(paper)
        action = self._chance.choice(self.actions)
        return (COMMAND, action["command"]) if "command" in action else (RESOLVE, action)

    def _fill(self, paper: Paper) -> Message:
        spans = [self._span(paper)]
        if self._chance.random() < 0.3:
            spans.append(self._span(paper))
        argument: dict[str, Json] = {"uri": paper.uri, "ranges": [self._desk.span(paper, *span) for span in spans]}
        argument["version"] = self._chance.choice((paper.version, paper.version, paper.version, None, 1))
        if self._chance.random() < 0.3:
            argument["strength"] = self._chance.choice((0.4, 1.0, 0, 3))
        return COMMAND, {"command": "dlm.fill", "arguments": [argument]}

    def _malformed(self, _: Paper) -> Message:
        return self._chance.choice((INLINE, LIST, ACTION, RESOLVE, COMMAND)), self._chance.choice(_WRONG)
