"""Cases from files that the user names: JSON lines of one's own, and tasks with tests that say whether a fill works."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from model.errors import ModelError
from model.lab.eval.cases import Case

OWN_FIELDS = ("prefix", "suffix", "middle")
TASK_FIELDS = ("task_id", "entry_point", "prompt", "suffix", "canonical_solution", "test")
RANDOM_SPANS = "RandomSpan"
"""Tasks of this name have holes that begin and end anywhere; those of the other kinds are whole lines."""


class BadCases(ModelError):
    """A file of cases that cannot be used; the message names the line and what it lacks."""


def own_cases(path: Path) -> list[Case]:
    """One case a line: an object with `prefix`, `suffix`, `middle`, and if wanted `kind` (default "own").

    Of kind "line", "rest", "identifier" or "argument" a fill is one line, of any other kind as long as the model
    likes. Other fields are read past. A case's name changes with its text, so results on disk are never those of
    an earlier text. Raises BadCases.
    """
    cases = []
    for number, row in _rows(path, OWN_FIELDS):
        kind = row.get("kind", "own")
        if not isinstance(kind, str) or not kind:
            raise BadCases(f"{path}:{number}: `kind` is not a text")
        if not row["middle"].strip():
            raise BadCases(f"{path}:{number}: `middle` is empty: there is nothing to fill")
        texts = {field: row[field] for field in OWN_FIELDS}
        name = f"{path.name}:{number}:{_digest(texts)}"
        cases.append(Case(name=name, kind=kind, **texts))
    return cases


def tasks(path: Path) -> list[Case]:
    """Cases in the format of HumanEval-Infilling (Bavarian et al. 2022), with code that checks the filled file.

    The kind is the task's name up to the first slash ("infilling" without one). The truth of the line-wise kinds
    ends with its line break; as everywhere here the break belongs to what follows the hole. Raises BadCases.
    """
    cases: dict[str, Case] = {}
    for number, row in _rows(path, TASK_FIELDS):
        if not row["entry_point"].isidentifier():
            raise BadCases(f"{path}:{number}: `entry_point` is no name of a function: {row['entry_point']!r:.80}")
        name = f"{path.name}:{row['task_id']}"
        if name in cases:
            raise BadCases(f"{path}:{number}: a second task of the name {row['task_id']!r:.80}")
        kind = row["task_id"].split("/")[0] if "/" in row["task_id"] else "infilling"
        middle, suffix = row["canonical_solution"], row["suffix"]
        at_line_start = not row["prompt"] or row["prompt"].endswith("\n")
        if at_line_start and middle.endswith("\n") and not kind.startswith(RANDOM_SPANS):
            middle, suffix = middle[:-1], "\n" + suffix
        check = f"{row['test']}\ncheck({row['entry_point']})\n"
        cases[name] = Case(name=name, kind=kind, prefix=row["prompt"], middle=middle, suffix=suffix, check=check)
    return list(cases.values())


def sample(cases: Sequence[Case], *, total: int, seed: int) -> list[Case]:
    """`total` of the cases, drawn with the seed, in their order; all of them if there are no more."""
    drawn = random.Random(seed).sample(range(len(cases)), min(total, len(cases)))
    return [cases[n] for n in sorted(drawn)]


def _digest(texts: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:8]


def _rows(path: Path, fields: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of every line that is not blank; each object has text in all `fields`."""
    numbered = [(number, line) for number, line in enumerate(_text(path).split("\n"), 1) if line.strip()]
    if not numbered:
        raise BadCases(f"{path} holds no cases: one JSON object a line, with {', '.join(fields)}")
    for number, line in numbered:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadCases(f"{path}:{number}: not JSON ({error}): one object a line") from error
        if not isinstance(row, dict):
            raise BadCases(f"{path}:{number}: not an object with {', '.join(fields)}")
        wrong = [field for field in fields if not isinstance(row.get(field), str)]
        if wrong:
            raise BadCases(f"{path}:{number}: no text in {', '.join(wrong)}: each object needs {', '.join(fields)}")
        yield number, row


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except (OSError, EOFError, ValueError) as error:
        raise BadCases(f"cannot read {path} ({error}): give UTF-8 text, one JSON object a line") from error
