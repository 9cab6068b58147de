"""The built-in model's weights as wheels of their own: `python data_wheels.py FOLDER` writes them there.

The package index takes files of at most 100 MB, so the shards go into several wheels, which put them into the place where
they lie in a checkout. The wheel of dlm-fill itself holds none of them and requires these, in its own version.
Where the checkout has not all shards there are no such wheels. Runs with hatchling alone.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
PLACE = Path("model/backends/builtin/weights")
SHARDS = "weights-*.safetensors"
MOST_BYTES = 94_000_000
"""A wheel's shards take at most so much: they do not get smaller when packed, and names and hashes come on top."""
_PROJECT = """
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "{version}"
description = "Weights of dlm-fill's built-in model, part {part} of {parts}; of no use by itself"
requires-python = ">=3.11"
license = "Apache-2.0"
license-files = ["LICENSE"]

[tool.hatch.build.targets.wheel.force-include]
{files}
"""


def parts(root: Path = ROOT, *, most_bytes: int = MOST_BYTES) -> list[list[Path]]:
    """The shards in `root`, in their order, by the wheel that they go into; [] where they are none, or not all.

    Raises ValueError for a shard that is too large for any.
    """
    found: list[list[Path]] = []
    room = 0
    shards = sorted((root / PLACE).glob(SHARDS))
    if not shards or not shards[0].stem.endswith(f"-of-{len(shards):02}"):
        return []
    for shard in shards:
        size = shard.stat().st_size
        if size > most_bytes:
            raise ValueError(
                f"{shard} has {size:,} bytes, and a wheel room for {most_bytes:,}: cut it into smaller shards"
            )
        if size > room:
            found.append([])
            room = most_bytes
        found[-1].append(shard)
        room -= size
    return found


def name_of(part: int) -> str:
    """The name of the wheel with part `part`, from 1."""
    return f"dlm-fill-weights-{part}"


def required(version: str, root: Path = ROOT, *, most_bytes: int = MOST_BYTES) -> list[str]:
    """What the wheel of dlm-fill requires beside its other dependencies."""
    return [f"{name_of(n)}=={version}" for n, _ in enumerate(parts(root, most_bytes=most_bytes), start=1)]


def build(folder: Path, root: Path = ROOT, *, most_bytes: int = MOST_BYTES) -> list[Path]:
    """The wheels, written into `folder`."""
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    found = parts(root, most_bytes=most_bytes)
    return [_built(n, shards, len(found), version, folder, root) for n, shards in enumerate(found, start=1)]


def _built(part: int, shards: Sequence[Path], count: int, version: str, folder: Path, root: Path) -> Path:
    files = "\n".join(f'"{shard}" = "{PLACE.as_posix()}/{shard.name}"' for shard in shards)
    name = name_of(part)
    with tempfile.TemporaryDirectory(prefix="dlm-fill-") as scratch:
        project = Path(scratch)
        (project / "LICENSE").write_bytes((root / "LICENSE").read_bytes())
        said = _PROJECT.format(name=name, version=version, part=part, parts=count, files=files)
        (project / "pyproject.toml").write_text(said, "utf-8")
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder.resolve())]
        subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)
    (made,) = folder.glob(f"{name.replace('-', '_')}-{version}-*.whl")
    return made


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for wheel in build(target):
        print(wheel)
