"""Weights in wheels of their own: what each holds, what requires them, and that a model opens where they are installed."""

from __future__ import annotations

import subprocess
import sys
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
from model.backends.builtin.conversion import random_weights
from model.backends.builtin.network import Network
from model.backends.builtin.packing import format_of, pack, quantise
from model.backends.builtin.shards import Packed, write_shards
from model.backends.builtin.weights import matrix_shapes, vector_lengths
from tests.e2e.builtin import ROOT
from tests.model.backends.builtin import toys

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
TODAY, ONCE_WHOLE = (f'exclude = ["/{PLACE}/{shards}"]' for shards in ("", data_wheels.SHARDS))
"""What wheels leave out while the weights are not whole, and what they leave out then."""
SHARD_BYTES = 300_000
MOST_BYTES = 100_000


@given(st.lists(st.integers(1, 90), max_size=40), st.integers(90, 300))
def test_every_shard_is_in_one_wheel_in_order_and_no_wheel_is_too_large(sizes: Sequence[int], most: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, PLACE)
        place.mkdir(parents=True)
        for n, size in enumerate(sizes):
            (place / f"weights-{n + 1:02}-of-{len(sizes):02}.safetensors").write_bytes(bytes(size))
        found = parts(Path(folder), most_bytes=most)
        assert [shard for part in found for shard in part] == sorted(place.iterdir())
        assert all(part and sum(s.stat().st_size for s in part) <= most for part in found)
        assert len(required("1.0", Path(folder), most_bytes=most)) == len(found)


def test_a_shard_that_fits_no_wheel_is_named(tmp_path: Path) -> None:
    (tmp_path / PLACE).mkdir(parents=True)
    (tmp_path / PLACE / "weights-01-of-01.safetensors").write_bytes(bytes(100))
    with pytest.raises(ValueError, match="cut it into smaller shards"):
        parts(tmp_path, most_bytes=99)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with toy shards: what is needed to build wheels of it, and nothing else."""
    root = tmp_path_factory.mktemp("checkout")
    for name in ("pyproject.toml", "README.md", "LICENSE", "hatch_build.py", "data_wheels.py"):
        (root / name).write_bytes((ROOT / name).read_bytes())
    said = (ROOT / "pyproject.toml").read_text("utf-8")
    assert said.count(TODAY) == 2
    (root / "pyproject.toml").write_text(said.replace(TODAY, ONCE_WHOLE), "utf-8")
    for name in ("model/__init__.py", "lsp_server/__init__.py"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
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
    assert len(write_shards(root / PLACE, matrices, vectors, shard_bytes=SHARD_BYTES)) > 3
    return root


@pytest.fixture(scope="module")
def wheels(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All of them, by the name of the distribution."""
    folder = tmp_path_factory.mktemp("wheels")
    original = (checkout / "data_wheels.py").read_text("utf-8")
    (checkout / "data_wheels.py").write_text(original.replace("MOST_BYTES = 94_000_000", f"MOST_BYTES = {MOST_BYTES}"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=checkout, check=True, timeout=300)
    build(folder, checkout, most_bytes=MOST_BYTES)
    return {path.name.split("-")[0].replace("_", "-"): path for path in folder.glob("*.whl")}


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_main_wheel_requires_the_others_in_its_version_and_holds_no_shard(
    wheels: dict[str, Path], checkout: Path
) -> None:
    count = len(parts(checkout, most_bytes=MOST_BYTES))
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
    assert [shard.name for shard in parts(checkout, most_bytes=MOST_BYTES)[0] if (folder / shard.name).exists()] == []
    assert (folder / "config.json").exists()


def test_weights_that_are_not_whole_are_in_no_wheel_and_required_by_none(tmp_path: Path) -> None:
    (tmp_path / PLACE).mkdir(parents=True)
    for n in range(1, 14):
        (tmp_path / PLACE / f"weights-{n:02}-of-26.safetensors").write_bytes(b"x")
    assert parts(tmp_path) == []
    assert required("1.0", tmp_path) == []
    for n in range(14, 27):
        (tmp_path / PLACE / f"weights-{n:02}-of-26.safetensors").write_bytes(b"x")
    assert required("1.0", tmp_path) == ["dlm-fill-weights-1==1.0"]
