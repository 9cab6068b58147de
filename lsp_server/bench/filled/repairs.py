"""`repair`: one token of sound code damaged, so that its line no longer parses."""

from __future__ import annotations

import ast
import io
import random
import tokenize
from collections.abc import Iterator, Mapping

from lsp_server.bench.filled.cases import File, Function, at, snapshot_of, without
from lsp_server.bench.filled.filled_case import FilledCase, source_of
from lsp_server.transforms.applying import Refactored
from lsp_server.transforms.writing.repair import Repair


def repair(file: File, function: Function, rng: random.Random) -> FilledCase | None:
    """One token damaged so that its line no longer parses."""
    tokens = list(_tokens(file.text, function))
    rng.shuffle(tokens)
    for token in tokens[:20]:
        start = file.offset(token.start[0], len(token.line[: token.start[1]].encode()))
        text = (
            rng.choice(["", token.string * 2, token.string[:-1]])
            if len(token.string) > 1
            else rng.choice(["", token.string * 2])
        )
        source = without(file.text, [(start, start + len(token.string.encode()), text)])
        try:
            ast.parse(source)
        except SyntaxError as error:
            if error.lineno == token.start[0]:
                return repairing(file, source, start)
    return None


def repairing(file: File, source: str, start: int) -> FilledCase:
    damaged_line = source.encode().count(b"\n", 0, start)

    def judge(done: Refactored | None) -> Mapping[str, float]:
        text = source_of(done)
        try:
            tree = ast.parse(text) if text is not None else None
        except SyntaxError:
            tree = None
        same = tree is not None and ast.dump(tree) == ast.dump(file.tree)
        sure = done is not None and not done.unsure
        return {
            "exactly": float(text == file.text),
            "same tree": float(same),
            "otherwise": float(tree is not None and not same),
            "sure": float(sure),
            "sure and otherwise": float(sure and not same),
            "sound lines changed": float(text is not None and _other_lines_differ(file.text, text, damaged_line)),
        }

    return FilledCase(
        refactoring=Repair(),
        snapshot=snapshot_of(source, file.path),
        region=at(source, start),
        judge=judge,
        right=[text.split("\n")[damaged_line].strip() for text in (source, file.text)],
    )


def _other_lines_differ(right: str, repaired: str, damaged_line: int) -> bool:
    """Whether a line of the sound file is another one now, the damaged one apart."""
    lines, after = right.split("\n"), repaired.split("\n")
    behind = len(lines) - damaged_line - 1
    return lines[:damaged_line] != after[:damaged_line] or (behind > 0 and lines[-behind:] != after[-behind:])


def _tokens(text: str, function: Function) -> Iterator[tokenize.TokenInfo]:
    lines = range(function.lineno, (function.end_lineno or function.lineno) + 1)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.start[0] in lines and token.type in (tokenize.OP, tokenize.NAME) and token.start[0] == token.end[0]:
            yield token
