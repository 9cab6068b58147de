"""The compiled kernel, one plain shared library beside this file, made from the C sources here by any C compiler.

`pip` makes it (`hatch_build.py`); in a checkout `python -m model.backends.builtin.kernel.build` does, once a source is newer.
Nothing but the standard library is imported: where a wheel is built, nothing else is there.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from model.backends.builtin.kernel import HERE, LIBRARY
from model.backends.builtin.kernel.sources import fingerprint

PRODUCT = LIBRARY.name
REQUIRE = "DLM_FILL_REQUIRE_KERNEL"
"""This environment variable turns "no kernel" from a warning into an error: for CI, and for wheels meant for others."""

_ARITHMETIC, _LIBRARY = "kernel.c", "library.c"
_FLAGS = "-O3 -ffp-contract=fast -fno-math-errno -fvisibility=hidden -std=gnu11 -Wall -Wextra"
_X86 = {
    "avx512vnni": "-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mfma -mf16c -mprefer-vector-width=512",
    "avxvnni": "-mavx2 -mfma -mf16c -mavxvnni",
    "avx2": "-mavx2 -mfma -mf16c",
}
_ARM = {"dotprod": "-march=armv8.2-a+dotprod"}
_BASE = {"base": ""}  # what every machine of its kind can run; never -march=native, for wheels travel
# Not "reinstall": pip would take the wheel without a kernel from its cache, and wheels bring the sources.
_REMEDY = "install a C compiler (gcc or clang), then: python -m model.backends.builtin.kernel.build"


class BuildFailed(Exception):
    """Says in one line why there is no kernel; `output` is all that the compiler said."""

    def __init__(self, reason: str, *, output: str = "") -> None:
        super().__init__(reason)
        self.output = output

    @property
    def consequence(self) -> str:
        """One line: what is missing, why, what it costs, and the remedy."""
        cost = "Fills run on NumPy and take ten times as long, and eight times the memory"
        return f"the built-in model has no compiled kernel: {self}. {cost}. Remedy: {_REMEDY}"


def variants(machine: str, *, system: str = sys.platform) -> Mapping[str, str]:
    """The instruction sets for which `kernel.c` is compiled, the best first, each with its flags."""
    # Not on Windows: there GCC aligns the stack to 16 bytes, and vectors of 32 on it crash (GCC's bug 54412).
    # Not for a 32-bit Python, whatever the machine: it has half the registers that the wide variants count on.
    if sys.maxsize <= 2**32 or system == "win32":
        return _BASE
    if machine.lower() in {"x86_64", "amd64"}:
        return _X86 | _BASE
    return _ARM | _BASE if machine.lower() in {"aarch64", "arm64"} else _BASE


def required() -> bool:
    """Whether whoever builds wants no installation without the kernel."""
    return os.environ.get(REQUIRE, "0") not in {"", "0"}


def is_stale(folder: Path = HERE) -> bool:
    """Whether the library is missing, or older than a C file, a header or the flags in this file."""
    product = folder / PRODUCT
    sources = [*folder.glob("*.[ch]"), Path(__file__)]
    return not product.exists() or any(p.stat().st_mtime > product.stat().st_mtime for p in sources)


def up_to_date(folder: Path = HERE) -> Path:
    """The library in `folder`, compiled if it is stale.

    BuildFailed leaves none there: the old one need not fit the Python beside the new sources.
    """
    product = folder / PRODUCT
    if is_stale(folder):
        try:
            build(folder, product)
        except BuildFailed:
            product.unlink(missing_ok=True)
            raise
    return product


def build(folder: Path, product: Path, *, flags: str = "") -> None:
    """Compiles the sources in `folder` into `product`, which is replaced in one step, or on BuildFailed not at all.

    `$CFLAGS` and `$LDFLAGS` hold too, but before our own flags: an `-O2` that the system sets does not win.
    """
    compiler = find_compiler()
    # On Windows all code may lie anywhere, and clang refuses the flag; and nobody there has the library of threads.
    position, static = ("", "-static") if sys.platform == "win32" else ("-fPIC", "")
    compiling = shlex.split(f"{os.environ.get('CFLAGS', '')} {_FLAGS} {position} {flags}")
    linking = shlex.split(f"{os.environ.get('LDFLAGS', '')} -shared -pthread {static}")
    try:
        # Beside its place: a rename is one step within one file system only.
        with tempfile.TemporaryDirectory(dir=product.parent, prefix=".kernel-") as scratch:
            objects = _compile([*compiler, *compiling], folder, Path(scratch))
            made = Path(scratch, PRODUCT)
            _run([*compiler, *objects, *linking, "-lm", "-o", str(made)])
            # It loads: nothing is undefined, and it is for this machine.
            _run([sys.executable, "-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1])", str(made)])
            made.replace(product)
    except OSError as error:
        raise BuildFailed(f"it cannot be written ({error})") from error


def find_compiler() -> list[str]:
    """The compiler and its own arguments: what `$CC` says if it is set, else cc, gcc or clang.

    Raises BuildFailed if there is none.
    """
    named = shlex.split(os.environ.get("CC", ""))
    if named and not shutil.which(named[0]):
        raise BuildFailed(f"CC is {named[0]}, and there is no such program")
    found = named or [name for name in ("cc", "gcc", "clang") if shutil.which(name)][:1]
    if not found:
        raise BuildFailed("there is no C compiler (cc, gcc or clang)")
    return found


def _compile(compiler: Sequence[str], folder: Path, into: Path) -> list[str]:
    """The object files: `library.c`, told of the variants beside base, and `kernel.c` once for each."""
    every = variants(platform.machine())
    chosen = {name: flags for name, flags in every.items() if name in _BASE or _knows(compiler, flags, into)}
    told = [f'-DSOURCES="{fingerprint(folder)}"', *(f"-DHAVE_{name.upper()}" for name in chosen if name not in _BASE)]
    jobs = [(_LIBRARY, "library.o", told)]
    jobs += [(_ARITHMETIC, f"{name}.o", [f"-DVARIANT={name}", *flags.split()]) for name, flags in chosen.items()]
    commands = [[*compiler, *flags, "-c", str(folder / source), "-o", str(into / to)] for source, to, flags in jobs]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as several:
        list(several.map(_run, commands))
    return [str(into / to) for _, to, _ in jobs]


def _knows(compiler: Sequence[str], flags: str, scratch: Path) -> bool:
    """Whether the compiler takes these flags at all: GCC before 11 knows no AVX-VNNI, and makes do with AVX2."""
    empty = scratch / "empty.c"
    empty.write_text("")
    try:
        _run([*compiler, *flags.split(), "-c", str(empty), "-o", str(scratch / "empty.o")])
    except BuildFailed:
        return False
    return True


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        said = (done.stderr + done.stdout).strip()
        first = next((line for line in said.splitlines() if "error" in line.lower()), said.partition("\n")[0])
        raise BuildFailed(f"{Path(command[0]).name} fails ({first or f'exit code {done.returncode}'})", output=said)


def main() -> int:
    """Exit code 0 if the library is there and new, 1 if not; the reason is on standard error."""
    try:
        product = up_to_date()
    except BuildFailed as error:
        sys.stderr.write(f"{error.output}\n{error.consequence}\n".lstrip())
        return 1
    sys.stdout.write(f"{product}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
