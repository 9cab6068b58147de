"""Whether a package passes its own tests when one of its files was refactored: in a copy, by a command."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import click

_TIMEOUT_S = 120
_MANIFEST = "package.json"
_THROWS = 'throw new Error("the file is loaded");\n'


@dataclass
class PackageTests:
    """Runs `command` in the package of a file; exit status 0 says that the tests pass."""

    command: str
    _sound: dict[Path, str] = field(default_factory=dict)
    _loaded: dict[Path, bool] = field(default_factory=dict)

    def load(self, file: Path) -> bool:
        """Whether the tests load the file at all: they fail if it throws. Else they say nothing of it."""
        if file not in self._loaded:
            self._loaded[file] = bool(self._run(self._package(file), file, _THROWS))
        return self._loaded[file]

    def why_fail(self, file: Path, text: str) -> str:
        """What the tests say with this text of the file; "" if they pass. Raises click.UsageError if they never did."""
        package = self._package(file)
        if package not in self._sound:
            self._sound[package] = self._run(package, file, file.read_text("utf-8"))
        if self._sound[package]:
            raise click.UsageError(f"the tests of {package.name} fail as it is: {self._sound[package]}")
        return self._run(package, file, text)

    def _package(self, file: Path) -> Path:
        package = next((p for p in file.parents if (p / _MANIFEST).exists()), None)
        if package is None:
            raise click.UsageError(f"no {_MANIFEST} above {file}")
        return package

    def _run(self, package: Path, file: Path, text: str) -> str:
        with TemporaryDirectory() as folder:
            copy = Path(folder) / "node_modules" / package.name  # beside the packages that it needs
            copy.parent.mkdir()
            for other in package.parent.iterdir():
                if other != package:
                    (copy.parent / other.name).symlink_to(other)
            shutil.copytree(package, copy, symlinks=True)
            (copy / file.relative_to(package)).write_text(text, "utf-8")
            try:
                done = subprocess.run(
                    shlex.split(self.command), cwd=copy, capture_output=True, timeout=_TIMEOUT_S, check=False
                )
            except subprocess.TimeoutExpired:
                return f"the tests did not end within {_TIMEOUT_S} s"
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        failed = next((line for line in said.splitlines() if line.startswith("not ok") or "Error" in line), said[-200:])
        return f"the tests fail: {failed}" if done.returncode else ""
