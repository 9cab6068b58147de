"""The judge of JavaScript and TypeScript: ESLint's parsers and scope analyses, on Node.js, of which nothing is shared with ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

_JUDGE = Path(__file__).with_name("scopes.cjs")
_TIMEOUT_S = 120
_NEEDED = {"javascript": ("espree", "eslint-scope"), "typescript": ("@typescript-eslint/parser",)}
_INSTALLED_BY = {"javascript": "eslint", "typescript": "typescript-eslint typescript"}


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Node.js, the folder of the packages that parse, and the language."""

    node: str
    modules: Path
    language: str


def judge_with(modules: Path, language: str = "javascript") -> Judge:
    """The judge of the language by the packages in the folder. Raises click.UsageError, naming the remedy."""
    node = shutil.which("node")
    if node is None:
        raise click.UsageError("JavaScript and TypeScript are judged on Node.js: install it")
    if missing := [name for name in _NEEDED[language] if not (modules / name).is_dir()]:
        raise click.UsageError(
            f"no {missing[0]} in {modules}: name a --judge folder that has it (npm install {_INSTALLED_BY[language]})"
        )
    return Judge(node=node, modules=modules, language=language)


def unlike_javascript(before: str, after: str, renamed: Mapping[str, str] | None, judge: Judge) -> str:
    """How the meaning of a file has changed; "" if only the renamed names have.

    None: anything may have, as long as the file parses and declares its names as before.
    """
    question = json.dumps(
        {
            "before": before,
            "after": after,
            "renamed": renamed and dict(renamed),
            "typescript": judge.language == "typescript",
        }
    )
    done = subprocess.run(
        [judge.node, str(_JUDGE)], input=question.encode("utf-8"), capture_output=True, timeout=_TIMEOUT_S, check=False,
        env={**os.environ, "NODE_PATH": str(judge.modules.resolve())},
    )  # fmt: skip
    said = done.stdout.decode("utf-8", "replace").strip()
    return "" if said == "same" else said or done.stderr.decode("utf-8", "replace")[-400:]
