"""Whether a Python project passes its own tests with another text of one of its files: in a copy, by a command."""

from __future__ import annotations

import os
import resource
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import click

_MANIFEST = "pyproject.toml"
_TIMEOUT_S = 120
_CPU_S = 100


@dataclass
class ProjectTests:
    """Runs `command` in the project of a file, whose own folder and `src` modules are found in; status 0: the tests pass."""

    command: str
    _sound: dict[Path, bool] = field(default_factory=dict)

    def check(self, file: Path) -> None:
        """Raises click.UsageError if the file lies in no project, or its tests do not pass as it is."""
        project = self._project(file)
        if project not in self._sound:
            self._sound[project] = self.passed(file, file.read_text("utf-8"))
        if not self._sound[project]:
            raise click.UsageError(f"the tests of {project.name} fail as it is: see `{self.command}` there")

    def passed(self, file: Path, text: str) -> bool:
        """Whether the tests pass with `text` in the file's place."""
        project = self._project(file)
        with TemporaryDirectory() as folder:
            copy = Path(folder) / project.name
            shutil.copytree(project, copy, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", ".git"))
            (copy / file.relative_to(project)).write_text(text, "utf-8")
            path = os.pathsep.join([str(copy / "src"), str(copy), os.environ.get("PYTHONPATH", "")])
            try:
                done = subprocess.run(
                    shlex.split(self.command),
                    cwd=copy,
                    env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
                    capture_output=True,
                    timeout=_TIMEOUT_S,
                    check=False,
                    preexec_fn=_limited,
                )
            except subprocess.TimeoutExpired:
                return False
        return done.returncode == 0

    def _project(self, file: Path) -> Path:
        project = next((p for p in file.absolute().parents if (p / _MANIFEST).exists()), None)
        if project is None:
            raise click.UsageError(f"no {_MANIFEST} above {file}: --tests runs in a project")
        return project


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
