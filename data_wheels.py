"""The built-in model's weights as wheels of their own: `python data_wheels.py FOLDER` writes them there.

The package index takes files of at most 100 MB, so the shards go into several wheels, which put them into the place where
they lie in a checkout. The wheel of dlm-fill itself holds none of them and requires these, in its own version; so does one
that is built of the source distribution, which knows the shards by their list alone. Runs with hatchling alone.
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
LIST = "weights.sha256"
"""Names every shard, as `sha256sum --check` reads it."""
SHARDS_A_WHEEL = 11
"""A shard has at most 12 MB, most have 8: so a wheel has at most 94."""
MOST_BYTES = 99_000_000
"""Of a wheel: they do not get smaller when packed, and names and hashes come on top."""
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
license-files = ["LICENSE", "NOTICE"]

[tool.hatch.build.targets.wheel.force-include]
{files}
"""


def parts(root: Path = ROOT) -> list[list[Path]]:
    """The shards that the list in `root` names, in their order, by the wheel that they go into; [] without a list."""
    listed = root / PLACE / LIST
    lines = listed.read_text("utf-8").splitlines() if listed.exists() else []
    shards = [root / PLACE / line.split()[1] for line in lines]
    return [shards[at : at + SHARDS_A_WHEEL] for at in range(0, len(shards), SHARDS_A_WHEEL)]


def name_of(part: int) -> str:
    """The name of the wheel with part `part`, from 1."""
    return f"dlm-fill-weights-{part}"


def required(version: str, root: Path = ROOT) -> list[str]:
    """What the wheel of dlm-fill requires beside its other dependencies."""
    return [f"{name_of(n)}=={version}" for n, _ in enumerate(parts(root), start=1)]


def build(folder: Path, root: Path = ROOT) -> list[Path]:
    """The wheels, written into `folder`. Raises FileNotFoundError for a missing shard, ValueError for a wheel too large."""
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    found = parts(root)
    for n, shards in enumerate(found, start=1):
        size = sum(shard.stat().st_size for shard in shards)
        if size > MOST_BYTES:
            raise ValueError(
                f"{name_of(n)} would have {size:,} bytes, more than {MOST_BYTES:,}: put fewer shards into it"
            )
    return [_built(n, shards, len(found), version, folder, root) for n, shards in enumerate(found, start=1)]


def _built(part: int, shards: Sequence[Path], count: int, version: str, folder: Path, root: Path) -> Path:
    files = "\n".join(f'"{shard}" = "{PLACE.as_posix()}/{shard.name}"' for shard in shards)
    name = name_of(part)
    with tempfile.TemporaryDirectory(prefix="dlm-fill-") as scratch:
        project = Path(scratch)
        for said in (root / "LICENSE", root / PLACE / "NOTICE"):
            (project / said.name).write_bytes(said.read_bytes())
        about = _PROJECT.format(name=name, version=version, part=part, parts=count, files=files)
        (project / "pyproject.toml").write_text(about, "utf-8")
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder.resolve())]
        subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)
    (made,) = folder.glob(f"{name.replace('-', '_')}-{version}-*.whl")
    return made


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for wheel in build(target):
        print(wheel)
