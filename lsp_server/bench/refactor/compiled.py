"""The judges of compiled languages: the compiler makes the same of the file before and after a variable was renamed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TypeAlias

import click

_TIMEOUT_S = 120
_RESOLVER = Path(__file__).with_name("names.go")
_MANIFEST = "Cargo.toml"

Compile: TypeAlias = Callable[[Path, str, Sequence[str], Path], str]
"""(the file's path, its text, further flags, an empty folder) -> what is made of it. Raises CalledProcessError."""


def _run(command: Sequence[str | Path], *, cwd: Path, text: str = "") -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, input=text.encode("utf-8"), capture_output=True, timeout=_TIMEOUT_S,
        check=True,
    )  # fmt: skip
    return done.stdout.decode("utf-8", "replace")


def _c(file: Path, text: str, flags: Sequence[str], folder: Path) -> str:  # noqa: ARG001
    """Assembly without optimization."""
    return _run(["gcc", "-S", "-O0", "-w", "-x", "c", *flags, "-o", "-", "-"], cwd=file.parent, text=text)


def _cpp(file: Path, text: str, flags: Sequence[str], folder: Path) -> str:  # noqa: ARG001
    return _run(
        ["g++", "-S", "-O0", "-w", "-std=c++17", "-x", "c++", *flags, "-o", "-", "-"], cwd=file.parent, text=text
    )


def _rust(file: Path, text: str, flags: Sequence[str], folder: Path) -> str:
    """The crate's MIR, generic functions and all, without the names of variables and without columns."""
    crate = next((p for p in file.parents if (p / _MANIFEST).exists()), None)
    if crate is None:
        raise click.UsageError(f"no {_MANIFEST} above {file}")
    edition = re.search(r'^edition\s*=\s*"(\d+)"', (crate / _MANIFEST).read_text("utf-8"), re.MULTILINE)
    shutil.copytree(crate, folder / "crate")
    (folder / "crate" / file.relative_to(crate)).write_text(text, "utf-8")
    _run(
        ["rustc", "--crate-type", "lib", "--crate-name", "judged", "--edition", edition[1] if edition else "2015",
         "--cap-lints", "allow", "--emit=mir", *flags, "-o", folder / "out.mir", "src/lib.rs"],
        cwd=folder / "crate",
    )  # fmt: skip
    mir = (folder / "out.mir").read_text("utf-8")
    mir = re.sub(r"^\s*debug .*\n", "", mir, flags=re.MULTILINE)
    return re.sub(r":\s*\d+:\d+", "", mir)


def _go(file: Path, text: str, flags: Sequence[str], folder: Path) -> str:  # noqa: ARG001
    """For each name what it means, by `go/types`, and what that does not like."""
    program = folder.parent / "names"
    if not program.exists():
        _run(["go", "build", "-o", program, _RESOLVER], cwd=folder)
    return _run([program], cwd=folder, text=text)


def _java(file: Path, text: str, flags: Sequence[str], folder: Path) -> str:
    """The class files without debugging information."""
    package = re.search(r"^package\s+([\w.]+);", text, re.MULTILINE)
    parts = package[1].split(".") if package else []
    root = file.parents[len(parts)]
    copy = folder / "source" / Path(*parts) / file.name
    copy.parent.mkdir(parents=True)
    copy.write_text(text, "utf-8")
    module = root / "module-info.java"
    patched = (
        re.search(r"^(?:open\s+)?module\s+([\w.]+)", module.read_text("utf-8"), re.MULTILINE)
        if module.exists()
        else None
    )
    place = ["--patch-module", f"{patched[1]}={folder / 'source'}"] if patched else ["-sourcepath", str(root)]
    _run(
        ["javac", "-g:none", "-proc:none", "-nowarn", "-implicit:none", *place, *flags, "-d", folder / "out", copy],
        cwd=folder,
    )
    made = sorted((folder / "out").rglob("*.class"))
    return "\n".join(f"{path.name} {path.read_bytes().hex()}" for path in made)


COMPILERS: Mapping[str, tuple[str, Compile]] = MappingProxyType(
    {"c": ("gcc", _c), "cpp": ("g++", _cpp), "rust": ("rustc", _rust), "go": ("go", _go), "java": ("javac", _java)}
)
"""By language: the program that has to be there, and what is made with it."""


@dataclass
class Compiler:
    """Compares what is made of two texts of one file. `flags`: further ones for the compiler, such as `-I FOLDER`."""

    language: str
    flags: tuple[str, ...] = ()
    _folder: TemporaryDirectory[str] = field(default_factory=TemporaryDirectory)
    _before: dict[Path, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        program, self._compile = COMPILERS[self.language]
        if shutil.which(program) is None:
            raise click.UsageError(f"{self.language} is judged by {program}: install it")

    def compiles(self, file: Path, text: str) -> bool:
        """Whether the file is one that can be judged: it compiles by itself."""
        if file not in self._before:
            self._before[file] = self._made(file, text)
        return not self._before[file].startswith(_BROKEN)

    def unlike(self, file: Path, before: str, after: str, renamed: Mapping[str, str]) -> str:
        """How the file has changed its meaning by a new text in which names are `renamed`; "" if it has not."""
        if not self.compiles(file, before):
            return "the file did not compile before"
        made = self._made(file, after)
        if made.startswith(_BROKEN):
            return made
        names = "|".join(map(re.escape, renamed))
        words = re.compile(rf"\d+(?:{names})(?![a-z_])|\b(?:{names})\b")  # C++ writes the length before a static's name
        one, other = (words.sub("§", text) for text in (self._before[file], made))
        return "" if one == other else "it compiles to something else"

    def _made(self, file: Path, text: str) -> str:
        with TemporaryDirectory(dir=self._folder.name) as folder:
            try:
                return self._compile(file, text, self.flags, Path(folder))
            except subprocess.CalledProcessError as error:
                said = error.stderr.decode("utf-8", "replace").strip().splitlines()
                return f"{_BROKEN}: {next((line for line in said if 'error' in line), ' '.join(said[:1]))}"


_BROKEN = "does not compile"
