"""Compiling the kernel, on a tiny pair of C files in the place of the real ones."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
from pathlib import Path

import pytest

from model.backends.builtin.kernel import HERE
from model.backends.builtin.kernel import build as native
from tests.compiler import needs_compiler

KERNEL = """
#define JOINED(a, b) a##_##b
#define NAMED(a, b) JOINED(a, b)
#if defined(__AVX512VNNI__)
int NAMED(width, VARIANT)(void) { return 512; }
#elif defined(__AVXVNNI__)
int NAMED(width, VARIANT)(void) { return 257; }
#elif defined(__ARM_FEATURE_DOTPROD)
int NAMED(width, VARIANT)(void) { return 129; }
#elif defined(__AVX2__)
int NAMED(width, VARIANT)(void) { return 256; }
#else
int NAMED(width, VARIANT)(void) { return 128; }
#endif
"""
LIBRARY = """
#define EXPORTED __attribute__((visibility("default")))
int width_base(void);
EXPORTED int base(void) { return width_base(); }
#ifdef HAVE_AVX512VNNI
int width_avx512vnni(void);
EXPORTED int avx512vnni(void) { return width_avx512vnni(); }
#endif
#ifdef HAVE_AVXVNNI
int width_avxvnni(void);
EXPORTED int avxvnni(void) { return width_avxvnni(); }
#endif
#ifdef HAVE_DOTPROD
int width_dotprod(void);
EXPORTED int dotprod(void) { return width_dotprod(); }
#endif
#ifdef HAVE_AVX2
int width_avx2(void);
EXPORTED int avx2(void) { return width_avx2(); }
#endif
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CC", "CFLAGS", "LDFLAGS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "kernel.c").write_text(KERNEL)
    (tmp_path / "library.c").write_text(LIBRARY)
    return tmp_path


@pytest.mark.slow
@needs_compiler
def test_the_sources_compile_without_a_warning(tmp_path: Path) -> None:
    native.build(HERE, tmp_path / native.PRODUCT, flags="-Werror")
    assert (tmp_path / native.PRODUCT).exists()


def script(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def age(path: Path, *, seconds: int) -> None:
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def aged(folder: Path) -> Path:
    """The library, newer than its sources by an hour, as far as can be seen."""
    product = native.up_to_date(folder)
    newest = max(path.stat().st_mtime for path in (*folder.glob("*.c"), Path(native.__file__)))
    os.utime(product, (newest + 3600, newest + 3600))
    return product


@needs_compiler
def test_each_variant_is_compiled_for_its_instruction_set(folder: Path) -> None:
    library = ctypes.CDLL(str(native.up_to_date(folder)))
    widths = {name: getattr(library, name)() for name in native.variants(platform.machine())}
    expected = {"avx512vnni": 512, "avxvnni": 257, "avx2": 256, "dotprod": 129, "base": 128}
    assert widths == {name: expected[name] for name in widths}
    assert "base" in widths
    assert not hasattr(library, "width_base"), "only what says so is exported"
    assert sorted(path.name for path in folder.iterdir()) == ["kernel.c", native.PRODUCT, "library.c"]


def test_variants_of_other_machines() -> None:
    assert list(native.variants("x86_64", system="linux")) == ["avx512vnni", "avxvnni", "avx2", "base"]
    assert list(native.variants("AMD64", system="win32")) == ["base"]
    assert list(native.variants("arm64", system="darwin")) == ["dotprod", "base"]
    assert list(native.variants("aarch64", system="linux")) == ["dotprod", "base"]


@needs_compiler
def test_it_is_compiled_when_a_source_is_newer_and_not_else(folder: Path) -> None:
    product = aged(folder)
    before = product.stat()
    assert native.up_to_date(folder) == product
    assert product.stat().st_mtime_ns == before.st_mtime_ns
    header = folder / "kernel.h"
    header.write_text("")
    os.utime(header, (before.st_mtime + 60, before.st_mtime + 60))
    assert native.is_stale(folder)
    native.up_to_date(folder)
    assert product.stat().st_ino != before.st_ino, "renamed into place, so who has loaded the old one keeps it"


@needs_compiler
@pytest.mark.parametrize("broken", ["kernel.c", "library.c"])
def test_a_source_that_does_not_compile_leaves_nothing(folder: Path, broken: str) -> None:
    product = aged(folder)
    with (folder / broken).open("a") as file:
        file.write("int broken(void) { return undeclared; }\n")
    age(product, seconds=2 * 3600)
    with pytest.raises(native.BuildFailed, match="undeclared") as caught:
        native.up_to_date(folder)
    assert "\n" not in caught.value.consequence
    assert "broken" in caught.value.output, "all that the compiler said"
    assert sorted(path.name for path in folder.iterdir()) == ["kernel.c", "library.c"]


@needs_compiler
def test_a_library_that_cannot_be_loaded_is_none(folder: Path) -> None:
    with (folder / "library.c").open("a") as file:
        file.write("int missing(void);\nEXPORTED int calls(void) { return missing(); }\n")
    with pytest.raises(native.BuildFailed, match="missing"):
        native.up_to_date(folder)
    assert not (folder / native.PRODUCT).exists()


@needs_compiler
def test_the_compiler_and_flags_of_the_environment_come_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    wrapper = script(folder / "wrapper", f'echo "$@" >>{folder}/commands', f'shift; exec {compiler} "$@"')
    monkeypatch.setenv("CC", f"{wrapper} --first")
    monkeypatch.setenv("CFLAGS", "-O1 -DFROM_OUTSIDE")
    monkeypatch.setenv("LDFLAGS", "-L/from/outside")
    native.up_to_date(folder)
    *compiling, linking = (folder / "commands").read_text().splitlines()
    assert len([line for line in compiling if "kernel.c" in line]) == len(native.variants(platform.machine()))
    assert all(line.startswith("--first -O1 -DFROM_OUTSIDE -O3 ") for line in compiling)
    assert "-L/from/outside" in linking


@needs_compiler
@pytest.mark.skipif(len(native.variants(platform.machine())) == 1, reason="one set of instructions on such machines")
def test_what_an_older_compiler_does_not_know_is_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    refuses = 'case "$*" in *-mavx512*|*-mavxvnni*|*dotprod*) echo "error: unrecognized option" >&2; exit 1;; esac'
    monkeypatch.setenv("CC", str(script(folder / "older", refuses, f'exec {compiler} "$@"')))
    library = ctypes.CDLL(str(native.up_to_date(folder)))
    assert library.base() == 128
    assert not any(hasattr(library, name) for name in ("avx512vnni", "avxvnni", "dotprod"))


def test_no_compiler_is_said_with_what_it_costs_and_the_remedy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(native.BuildFailed) as caught:
        native.up_to_date(folder)
    said = caught.value.consequence
    assert "there is no C compiler (cc, gcc or clang)" in said
    assert "NumPy" in said
    assert "install a C compiler" in said
    assert "python -m model.backends.builtin.kernel.build" in said
    assert "\n" not in said
    monkeypatch.setenv("CC", "/nonexistent/cc -O2")
    with pytest.raises(native.BuildFailed, match="CC is /nonexistent/cc, and there is no such program"):
        native.up_to_date(folder)


def test_a_compiler_that_fails_silently_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", str(script(folder / "quiet", "exit 3")))
    with pytest.raises(native.BuildFailed, match=r"quiet fails \(exit code 3\)"):
        native.up_to_date(folder)


def test_a_place_that_cannot_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", str(script(folder / "never", "exit 0")))
    with pytest.raises(native.BuildFailed, match=r"it cannot be written .*absent"):
        native.build(folder, folder / "absent" / native.PRODUCT)


@pytest.mark.parametrize(("value", "means"), [("1", True), ("0", False), ("", False), (None, False)])
def test_whether_it_is_required(monkeypatch: pytest.MonkeyPatch, value: str | None, means: bool) -> None:
    monkeypatch.delenv(native.REQUIRE, raising=False)
    if value is not None:
        monkeypatch.setenv(native.REQUIRE, value)
    assert native.required() is means
