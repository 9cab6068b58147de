from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from model.errors import BadRequest
from model.lab.train.adapt.archives import Archive, archives, debian_licence, read_archive
from model.lab.train.adapt.corpus import build
from model.lab.train.adapt.documents import read_documents
from tests.model import toy

PYTHON = toy.source(1)
RUST = "// sums\n" + "".join(
    f"pub fn add_{n}(left: u32, right: u32) -> u32 {{\n    left + right\n}}\n\n" for n in range(9)
)
SCRIPT = "// sums\n" + "".join(
    f"export function add{n}(left, right) {{\n  return left + right;\n}}\n\n" for n in range(9)
)
COPYRIGHT = "Format: machine\n\nFiles: *\nCopyright: somebody\nLicense: {}\n\nFiles: debian/*\nLicense: GPL-3\n"


def tar(files: dict[str, str], *, mode: Literal["w:gz", "w:xz"] = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as made:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            made.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def wheel(folder: Path, licence: str, name: str = "toys", text: str = PYTHON) -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(f"{name}/sums.py", text)
        made.writestr(f"{name}/_vendor/other.py", toy.source(2))
        made.writestr(f"{name}/picture.png", "no source")
        about = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\nLicense-Expression: {licence}\n"
        made.writestr(f"{name}-1.0.dist-info/METADATA", about)
    return path


def sdist(folder: Path, licence: str) -> Path:
    path = folder / "toys-1.0.tar.gz"
    about = (
        f"Metadata-Version: 2.1\nName: toys\nVersion: 1.0\nClassifier: License :: OSI Approved :: {licence} License\n"
    )
    path.write_bytes(
        tar({"toys-1.0/PKG-INFO": about, "toys-1.0/src/toys/sums.py": PYTHON, "toys-1.0/core/lib.rs": RUST})
    )
    return path


def npm(folder: Path, licence: str) -> Path:
    path = folder / "toys-1.0.tgz"
    about = json.dumps({"name": "toys", "version": "1.0", "license": licence})
    inner = json.dumps({"name": "inner", "version": "9", "license": "MIT"})
    files = {"package/package.json": about, "package/src/sums.js": SCRIPT, "package/dist/sums.js": SCRIPT + "// built\n",
             "package/src/inner/package.json": inner, "package/types/sums.d.ts": SCRIPT}  # fmt: skip
    path.write_bytes(tar(files))
    return path


def deb(folder: Path, licence: str) -> Path:
    path = folder / "librust-toys-dev_1.0-1_amd64.deb"
    data = tar(
        {"./usr/share/doc/librust-toys-dev/copyright": COPYRIGHT.format(licence), "./usr/share/toys/src/lib.rs": RUST},
        mode="w:xz",
    )
    members = b"!<arch>\n"
    for name, body in (("debian-binary", b"2.0"), ("control.tar.xz", tar({"./control": "x"})), ("data.tar.xz", data)):
        members += (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(body):<10}`\n".encode() + body + b"\n" * (len(body) % 2)
        )
    path.write_bytes(members)
    return path


Make = Callable[[Path, str], Path]
KINDS: list[tuple[Make, str, list[str]]] = [
    (wheel, "toys", ["python"]),
    (sdist, "toys", ["python", "rust"]),
    (npm, "toys", ["javascript"]),
    (deb, "debian:librust-toys-dev", ["rust"]),
]


@pytest.mark.parametrize(("make", "name", "languages"), KINDS)
def test_sources_and_licence_of_each_kind_of_package(
    tmp_path: Path, make: Make, name: str, languages: list[str]
) -> None:
    found = read_archive(make(tmp_path, "MIT"))
    assert isinstance(found, Archive)
    assert (found.name, found.version.partition("-")[0]) == (name, "1.0")
    assert found.licence.startswith("MIT")
    assert [language for language, _ in found.files] == languages
    assert {text for _, text in found.files} <= {PYTHON, RUST, SCRIPT}
    assert archives(tmp_path) == [next(tmp_path.iterdir())]


@pytest.mark.parametrize(("make", "name", "languages"), KINDS)
@pytest.mark.parametrize("licence", ["GPL-3.0-only", "MPL-2.0", "", "LicenseRef-Proprietary"])
def test_a_package_that_is_not_clearly_permissive_is_left_out(
    tmp_path: Path, make: Make, name: str, languages: list[str], licence: str
) -> None:
    assert read_archive(make(tmp_path, licence)) is None


@pytest.mark.parametrize(("make", "name", "languages"), KINDS)
def test_a_damaged_package_is_named(tmp_path: Path, make: Make, name: str, languages: list[str]) -> None:
    path = make(tmp_path, "MIT")
    whole = path.read_bytes()
    for length in (0, 5, len(whole) // 2):
        path.write_bytes(whole[:length])
        with pytest.raises(BadRequest, match=path.name.replace("+", r"\+")):
            read_archive(path)


@pytest.mark.parametrize(
    ("stated", "permitted"),
    [
        ("Expat", True),
        ("MIT or Apache-2.0", True),
        ("GPL-2+ or Expat", True),
        ("Expat and BSD-3-clause", True),
        ("Expat, and BSD-3-clause", True),
        ("BSD-3-clause and CC-BY-SA-3.0", False),
        ("Expat and GPL-2+", False),
        ("Expat and GPL-2+, or Apache-2.0", True),
        ("LGPL-2.1+", False),
        ("Custom", False),
    ],
)
def test_what_debian_states(stated: str, permitted: bool) -> None:
    assert (debian_licence(COPYRIGHT.format(stated)) == stated) == permitted
    assert debian_licence(COPYRIGHT.format("Expat") + f"\nFiles: tests/*\nLicense: {stated}\n") is None or permitted


def test_a_copyright_that_no_machine_reads_permits_nothing() -> None:
    assert debian_licence("This package is free software, MIT.") is None


def test_a_corpus_keeps_held_out_packages_apart_and_says_what_it_left_out(tmp_path: Path) -> None:
    for name in ("train", "held"):
        (tmp_path / name).mkdir()
    wheel(tmp_path / "held", "MIT", text=toy.source(5))
    wheel(tmp_path / "train", "MIT", text=toy.source(6))  # of the same name
    wheel(tmp_path / "train", "GPL-3.0-only", "refused")
    wheel(tmp_path / "train", "MIT", "copied", text=toy.source(5))
    sdist(tmp_path / "train", "Apache").rename(tmp_path / "train" / "others-1.0.tar.gz")
    npm(tmp_path / "train", "ISC").rename(tmp_path / "train" / "sums.tgz")
    deb(tmp_path / "train", "Expat")
    (tmp_path / "train" / "broken.whl").write_text("no wheel")
    counts = build([tmp_path / "train"], [tmp_path / "held"], tmp_path / "out")
    assert counts["held_out"] == {"python": len(toy.source(5))}
    assert set(counts["train"]) == {"rust"}  # the sdist and the npm package have the held-out one's name
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert [row["name"] for row in manifest["packages"] if row["held_out"]] == ["toys"]
    assert {"broken.whl", "refused-1.0-py3-none-any.whl", "toys-1.0-py3-none-any.whl", "sums.tgz"} <= set(
        manifest["left_out"]
    )
    assert read_documents(tmp_path / "out", "train").text(0) == RUST


@pytest.mark.parametrize(
    ("names", "languages"),
    [
        (("one.c", "one.h", "two.cpp"), ["c", "c", "cpp"]),
        (("one.h", "two.cc"), ["cpp", "cpp"]),
        (("one.h",), ["c"]),
        (("One.java", "Two.kt"), ["java", "kotlin"]),
    ],
)
def test_whose_header_it_is_the_other_sources_say(tmp_path: Path, names: tuple[str, ...], languages: list[str]) -> None:
    path = tmp_path / "toys-1.0.tgz"
    about = json.dumps({"name": "toys", "version": "1.0", "license": "MIT"})
    path.write_bytes(tar({"package/package.json": about, **{f"package/{name}": RUST for name in names}}))
    archive = read_archive(path)
    assert archive is not None
    assert [language for language, _ in archive.files] == languages
