"""The judge of JavaScript: ESLint's parser and its scope analysis, on Node.js, of which nothing is shared with ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import click

_JUDGE = Path(__file__).with_name("scopes.cjs")
_TIMEOUT_S = 120


def node_with(modules: Path) -> tuple[str, Path]:
    """Node.js, and the folder that has `espree` and `eslint-scope`. Raises click.UsageError, naming the remedy."""
    node = shutil.which("node")
    if node is None:
        raise click.UsageError("JavaScript is judged on Node.js: install it")
    if not (modules / "eslint-scope").is_dir() or not (modules / "espree").is_dir():
        raise click.UsageError(f"no eslint-scope in {modules}: name a --judge folder that has it (npm install eslint)")
    return node, modules


def unlike_javascript(before: str, after: str, renamed: Mapping[str, str] | None, judge: tuple[str, Path]) -> str:
    """How the meaning of a file has changed; "" if only the renamed names have.

    None: anything may have, as long as the file parses and declares its names as before.
    """
    node, modules = judge
    question = json.dumps({"before": before, "after": after, "renamed": renamed and dict(renamed)})
    done = subprocess.run(
        [node, str(_JUDGE)], input=question.encode("utf-8"), capture_output=True, timeout=_TIMEOUT_S, check=False,
        env={**os.environ, "NODE_PATH": str(modules.resolve())},
    )  # fmt: skip
    said = done.stdout.decode("utf-8", "replace").strip()
    return "" if said == "same" else said or done.stderr.decode("utf-8", "replace")[-400:]
