"""The wheel, alone in a clean environment: everything that `dlm-fill` needs at run time is in it or required by it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.e2e.builtin import BUILTIN, DEMO, DEMO_LINE, ROOT, needs_model

pytestmark = pytest.mark.slow
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [*PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, timeout=300)
    (built,) = folder.glob("dlm_fill-*.whl")
    return built


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that holds the wheel and what it requires, and nothing else.

    Without a pip of its own (ours installs into it): quicker, and it works where ensurepip is missing.
    """
    venv = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True, timeout=120)
    python = venv / "bin" / "python"
    install = ["install", "--quiet", "--no-compile", "--constraint", str(ROOT / "constraints.txt"), str(wheel)]
    subprocess.run([*PIP, "--python", str(python), *install], check=True, timeout=1500)
    return python.parent


def run(*command: str | Path, cwd: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shipped(folder: Path) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != ".gitkeep"
    }


def test_the_wheel_holds_the_packages_and_the_model_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert shipped(BUILTIN) <= names
    assert {name for name in shipped(ROOT / "lsp_server") | shipped(ROOT / "model") if name.endswith(".py")} <= names
    assert {name.split("/")[0] for name in names} == {"lsp_server", "model"}


def test_it_starts_alone(clean: Path, tmp_path: Path) -> None:
    assert "FILE:A-B" in run(clean / "dlm-fill", "--help", cwd=tmp_path)
    where = run(
        clean / "python", "-c", "import lsp_server.cli, model; print(lsp_server.__file__, model.__file__)", cwd=tmp_path
    )
    assert all(path.startswith(str(clean.parent)) for path in where.split())


def test_it_is_small_and_brings_no_torch(clean: Path, tmp_path: Path) -> None:
    found = run(clean / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path)
    packages = Path(found.strip())
    foreign = {"torch", "transformers", "huggingface_hub", "matplotlib"}
    assert not foreign & {path.name for path in packages.iterdir()}
    assert sum(path.stat().st_size for path in packages.rglob("*") if path.is_file()) < 150_000_000


@needs_model
def test_what_needs_torch_names_the_command(clean: Path, tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("a = 1\nb = 2\n")
    done = subprocess.run(
        [clean / "dlm-fill", "x.py:2", "--device", "cuda"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.strip() == "dlm-fill: --device cuda needs torch: pip install 'dlm-fill[torch]'"


@needs_model
def test_it_fills_alone(clean: Path, tmp_path: Path) -> None:
    (tmp_path / "inventory.py").write_bytes(DEMO.read_bytes())
    report = json.loads(run(clean / "dlm-fill", f"inventory.py:{DEMO_LINE}", "--json", "--write", cwd=tmp_path))
    assert report["fills"][0]["text"].strip()
    assert report["fills"][0]["text"] in (tmp_path / "inventory.py").read_text()
