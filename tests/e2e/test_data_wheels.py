"""Weights in wheels of their own: what each holds, what requires them, and that a model opens where they are installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from email.parser import HeaderParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import data_wheels
from data_wheels import PLACE, build, name_of, parts, required
from model.backends.builtin.runtime.network import Network
from model.backends.builtin.storage.conversion import random_weights
from model.backends.builtin.storage.packing import format_of, pack, quantise
from model.backends.builtin.storage.shards import Packed, write_shards
from model.backends.builtin.storage.weights import matrix_shapes, vector_lengths
from tests.e2e.builtin import ROOT
from tests.model.backends.builtin import toys

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
SHARD_BYTES = 270_000
SHARDS_A_WHEEL = 20


def _listed(root: Path, names: Sequence[str]) -> None:
    (root / PLACE).mkdir(parents=True, exist_ok=True)
    (root / PLACE / data_wheels.LIST).write_text("".join(f"{0:064x}  {name}\n" for name in names))


@given(st.integers(0, 40))
def test_every_shard_is_in_one_wheel_in_order(count: int) -> None:
    names = [f"weights-{n + 1:02}-of-{count:02}.safetensors" for n in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        _listed(Path(folder), names)
        found = parts(Path(folder))
        assert [shard.name for part in found for shard in part] == names
        assert len(required("1.0", Path(folder))) == len(found) == -(-count // data_wheels.SHARDS_A_WHEEL)


def test_a_wheel_that_would_be_too_large_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _listed(tmp_path, ["weights-01-of-01.safetensors"])
    (tmp_path / PLACE / "weights-01-of-01.safetensors").write_bytes(bytes(100))
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    monkeypatch.setattr(data_wheels, "MOST_BYTES", 99)
    with pytest.raises(ValueError, match="dlm-fill-weights-1 would have 100 bytes"):
        build(tmp_path, tmp_path)


def test_the_shipped_weights_are_those_listed_and_fit_their_wheels() -> None:
    found = parts()
    sizes = [sum(shard.stat().st_size for shard in part) for part in found]
    assert len(found) == 3
    assert max(sizes) <= data_wheels.MOST_BYTES
    assert sum(sizes) <= 230_000_000
    assert sorted((ROOT / PLACE).glob("*.safetensors")) == [shard for part in found for shard in part]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with toy shards: what is needed to build wheels of it, and nothing else."""
    root = tmp_path_factory.mktemp("checkout")
    for name in ("pyproject.toml", "README.md", "LICENSE", "hatch_build.py", "data_wheels.py"):
        (root / name).write_bytes((ROOT / name).read_bytes())
    original = (ROOT / "data_wheels.py").read_text("utf-8")
    smaller = original.replace(
        f"SHARDS_A_WHEEL = {data_wheels.SHARDS_A_WHEEL}\n", f"SHARDS_A_WHEEL = {SHARDS_A_WHEEL}\n"
    )
    assert smaller != original
    (root / "data_wheels.py").write_text(smaller, "utf-8")
    for name in ("model/__init__.py", "lsp_server/__init__.py"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    for name in ("model/backends/__init__.py", "model/backends/builtin/__init__.py"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    kernel = "model/backends/builtin/kernel"
    shutil.copytree(
        ROOT / kernel, root / kernel, ignore=shutil.ignore_patterns("*.so", "*.dylib", "*.dll", "__pycache__")
    )
    (root / PLACE).mkdir(parents=True)
    toys.write(root / PLACE)
    for shard in (root / PLACE).glob("weights-*"):
        shard.unlink()
    weight, matrices = random_weights(toys.CONFIG, seed=0), dict[str, Packed]()
    for name in matrix_shapes(toys.CONFIG):
        codes, scales, mins = quantise(weight(name), bits=8, group=32)
        form = format_of(codes, scales, mins, bits=8)
        matrices[name] = Packed(format=form, pieces=(pack(codes, scales, mins, bits=8),))
    vectors = {name: weight(name) for name in vector_lengths(toys.CONFIG)}
    shards = write_shards(root / PLACE, matrices, vectors, shard_bytes=SHARD_BYTES)
    assert len(shards) > SHARDS_A_WHEEL
    _listed(root, [shard.name for shard in shards])
    (root / PLACE / "NOTICE").write_bytes((ROOT / PLACE / "NOTICE").read_bytes())
    return root


@pytest.fixture(scope="module")
def wheels(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All of them, by the name of the distribution."""
    folder = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=checkout, check=True, timeout=300)
    subprocess.run([sys.executable, "data_wheels.py", str(folder)], cwd=checkout, check=True, timeout=300)
    return {path.name.split("-")[0].replace("_", "-"): path for path in folder.glob("*.whl")}


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_main_wheel_requires_the_others_in_its_version_and_holds_no_shard(
    wheels: dict[str, Path], checkout: Path
) -> None:
    count = -(-len(list((checkout / PLACE).glob("weights-*.safetensors"))) // SHARDS_A_WHEEL)
    assert count > 1
    assert set(wheels) == {"dlm-fill", *(name_of(n + 1) for n in range(count))}
    with zipfile.ZipFile(wheels["dlm-fill"]) as archive:
        (about,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        said = HeaderParser().parsestr(archive.read(about).decode())
    asked = {line for line in said.get_all("Requires-Dist") or [] if line.startswith("dlm-fill-weights")}
    assert asked == {f"{name_of(n + 1)}=={said['Version']}" for n in range(count)}
    assert {f"{PLACE}/config.json"} <= _names(wheels["dlm-fill"])
    assert not [name for name in _names(wheels["dlm-fill"]) if name.endswith(".safetensors")]


def test_every_shard_is_in_one_of_the_wheels_at_its_place(wheels: dict[str, Path], checkout: Path) -> None:
    held = [name for part, wheel in wheels.items() if part != "dlm-fill" for name in _names(wheel)]
    assert sorted(held) == sorted(str(p.relative_to(checkout)) for p in (checkout / PLACE).glob("weights-*"))


def test_a_model_opens_where_all_are_installed(wheels: dict[str, Path], checkout: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True, timeout=120)
    install = ["install", "--quiet", "--no-compile", "--no-deps", *map(str, wheels.values())]
    subprocess.run([*PIP, "--python", str(venv / "bin" / "python"), *install], check=True, timeout=300)
    (folder,) = venv.glob(f"lib/python3*/site-packages/{PLACE}")
    one, other = Network.open(folder, kernel="numpy"), Network.open(checkout / PLACE, kernel="numpy")
    assert one.config == other.config
    remove = ["uninstall", "--quiet", "--yes", name_of(1)]
    subprocess.run([*PIP, "--python", str(venv / "bin" / "python"), *remove], check=True, timeout=120)
    removed = sorted((checkout / PLACE).glob("weights-*.safetensors"))[:SHARDS_A_WHEEL]
    assert not [shard.name for shard in removed if (folder / shard.name).exists()]
    assert (folder / "config.json").exists()


def test_a_wheel_of_the_source_distribution_requires_the_others_too(checkout: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(command, cwd=checkout, check=True, timeout=300)
    (made,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(made) as archive:
        archive.extractall(tmp_path, filter="data")
    (root,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert not list(root.rglob("weights-*.safetensors"))
    ask = [sys.executable, "-c", "import data_wheels; print(data_wheels.required('1.0'))"]
    there, here = (
        subprocess.run(ask, cwd=at, check=True, capture_output=True, text=True).stdout for at in (root, checkout)
    )
    assert there == here
    assert "dlm-fill-weights-2==1.0" in there
