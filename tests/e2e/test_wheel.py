"""The wheels, alone in a clean environment: everything that `dlm-fill` needs at run time is in them or required by them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename

import data_wheels
from hatch_build import description
from model.backends.builtin.kernel import HERE
from model.backends.builtin.kernel import build as native
from model.backends.locate import BUILTIN
from tests.compiler import needs_compiler
from tests.e2e.builtin import DEMO, DEMO_LINE, ROOT

pytestmark = pytest.mark.slow
NATIVE = HERE.relative_to(ROOT)
KERNEL = str(NATIVE / native.PRODUCT)
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [*PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, timeout=300)
    (built,) = folder.glob("dlm_fill-*.whl")
    return built


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wheels with the model's weights, which the first requires."""
    return data_wheels.build(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def clean(wheel: Path, weights: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that holds the wheels and what they require, and nothing else.

    Without a pip of its own (ours installs into it): quicker, and it works where ensurepip is missing.
    """
    venv = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True, timeout=120)
    python = venv / "bin" / "python"
    install = ["install", "--quiet", "--no-compile", "--constraint", str(ROOT / "constraints.txt")]
    found = ["--find-links", str(weights[0].parent), str(wheel)]
    subprocess.run([*PIP, "--python", str(python), *install, *found], check=True, timeout=1500)
    return python.parent


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The wheel that is built where there is no compiler, and what its builder is told."""
    folder = tmp_path_factory.mktemp("plain")
    done = hatchling("-t", "wheel", "-d", folder, compiler="/nonexistent")
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("dlm_fill-*.whl")
    return built, done.stderr


def hatchling(
    *options: str | Path, root: Path = ROOT, compiler: str | None = None, required: str = "0"
) -> subprocess.CompletedProcess[str]:
    """A build as pip has it made; pip itself hides what a build says."""
    environment = dict(os.environ, **{native.REQUIRE: required}, **({"CC": compiler} if compiler else {}))
    command = [sys.executable, "-m", "hatchling", "build", *options]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300, check=False)


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


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
    names = names_in(wheel)
    assert {name for name in shipped(BUILTIN) if not name.endswith(".safetensors")} <= names
    assert not {name for name in names if name.endswith(".safetensors")}, "they come in wheels of their own"
    assert {name for name in shipped(ROOT / "lsp_server") | shipped(ROOT / "model") if name.endswith(".py")} <= names
    assert {name.split("/")[0] for name in names} == {"lsp_server", "model"}


@needs_compiler
def test_the_wheel_holds_the_kernel_and_is_for_this_platform_and_any_python(wheel: Path, clean: Path) -> None:
    (tag,) = parse_wheel_filename(wheel.name)[3]
    assert (tag.interpreter, tag.abi) == ("py3", "none")
    assert tag.platform != "any"
    assert tag in set(sys_tags())
    assert KERNEL in names_in(wheel)
    code = "from model.backends.builtin.runtime.compiled import library; import sys; sys.exit(library() is None)"
    run(clean / "python", "-c", code, cwd=clean)


def test_a_wheel_made_without_a_compiler_is_for_any_machine_and_says_what_that_costs(plain: tuple[Path, str]) -> None:
    wheel, said = plain
    assert wheel.name.endswith("-py3-none-any.whl")
    assert not {name for name in names_in(wheel) if name.endswith((".so", ".dylib", ".dll"))}
    assert {str(NATIVE / name) for name in ("build.py", "kernel.c", "library.c")} <= names_in(wheel), "for the remedy"
    (warning,) = [line for line in said.splitlines() if "kernel" in line]
    assert "CC is /nonexistent" in warning
    assert "NumPy" in warning
    assert "install a C compiler (gcc or clang), then: python -m model.backends.builtin.kernel.build" in warning


def test_a_wheel_made_without_a_compiler_fills(
    plain: tuple[Path, str], weights: list[Path], clean: Path, tmp_path: Path
) -> None:
    install = ["install", "--quiet", "--no-deps", "--no-compile", "--target", str(tmp_path / "plain")]
    subprocess.run([*PIP, *install, str(plain[0]), *map(str, weights)], check=True, timeout=300)
    (tmp_path / "inventory.py").write_bytes(DEMO.read_bytes())
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'plain')!r});"
        f"from lsp_server.cli.main import run; sys.exit(run(['inventory.py:{DEMO_LINE}', '--json']))"
    )
    report = json.loads(run(clean / "python", "-c", code, cwd=tmp_path))
    assert report["fills"][0]["text"].strip()


def test_who_requires_the_kernel_gets_no_wheel_without_it(tmp_path: Path) -> None:
    done = hatchling("-t", "wheel", "-d", tmp_path, compiler="/nonexistent", required="1")
    assert done.returncode != 0
    assert f"{native.REQUIRE} is set, and CC is /nonexistent, and there is no such program" in done.stderr
    assert not list(tmp_path.iterdir())


@needs_compiler
def test_an_editable_install_has_the_kernel_beside_its_sources(tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    (root / NATIVE).mkdir(parents=True)
    parts = [f"{NATIVE}/{part}.py" for part in ("__init__", "build", "sources")]
    for name in ("pyproject.toml", "README.md", "LICENSE", "hatch_build.py", *parts):
        (root / name).write_bytes((ROOT / name).read_bytes())
    for name in ("model/__init__.py", "lsp_server/__init__.py", f"{NATIVE}/kernel.c", f"{NATIVE}/library.c"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    for _ in range(2):  # the second time it is up to date
        done = hatchling("-t", "wheel:editable", "--hooks-only", root=root, required="1")
        assert done.returncode == 0, done.stderr
        assert (root / KERNEL).exists()
    (root / NATIVE / "kernel.c").write_text("#error no\n")
    later = (root / KERNEL).stat().st_mtime + 60
    os.utime(root / NATIVE / "kernel.c", (later, later))
    done = hatchling("-t", "wheel:editable", "--hooks-only", root=root)
    assert done.returncode == 0, "the install succeeds"
    assert "#error no" in done.stderr
    assert not (root / KERNEL).exists(), "an old one need not fit the new sources"


def test_the_sdist_holds_what_a_wheel_is_made_of(tmp_path: Path) -> None:
    done = hatchling("-t", "sdist", "-d", tmp_path)
    assert done.returncode == 0, done.stderr
    (made,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(made) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {str(path.relative_to(ROOT)) for path in HERE.iterdir() if path.suffix in {".c", ".h", ".py"}}
    assert {"hatch_build.py", "pyproject.toml", "README.md", *sources} <= names
    assert len(sources) >= 4
    assert KERNEL not in names


def test_its_description_needs_no_other_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (place,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        head, _, shown = archive.read(place).decode("utf-8").partition("\n\n")
    assert "Description-Content-Type: text/markdown" in head
    assert shown == description((ROOT / "README.md").read_text("utf-8"))


def test_it_starts_alone(clean: Path, tmp_path: Path) -> None:
    assert "FILE:A-B" in run(clean / "dlm-fill", "--help", cwd=tmp_path)
    where = run(
        clean / "python",
        "-c",
        "import lsp_server.cli.main, model; print(lsp_server.__file__, model.__file__)",
        cwd=tmp_path,
    )
    assert all(path.startswith(str(clean.parent)) for path in where.split())


def test_it_is_small_and_brings_no_torch(clean: Path, tmp_path: Path) -> None:
    found = run(clean / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path)
    packages = Path(found.strip())
    foreign = {"torch", "transformers", "huggingface_hub", "matplotlib"}
    assert not foreign & {path.name for path in packages.iterdir()}
    assert sum(path.stat().st_size for path in packages.rglob("*") if path.is_file()) < 350_000_000


def test_what_needs_torch_names_the_command(clean: Path, tmp_path: Path) -> None:
    done = subprocess.run([clean / "dlm-fill", "tune", "."], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip() == "dlm-fill: dlm-fill tune needs torch: pip install 'dlm-fill[train]'"


def test_a_device_that_the_model_does_not_run_on_is_named(clean: Path, tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("a = 1\nb = 2\n")
    done = subprocess.run(
        [clean / "dlm-fill", "x.py:2", "--device", "cuda"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.strip() == "dlm-fill: the built-in model runs on the CPU: leave out --device cuda"


def test_it_fills_alone(clean: Path, tmp_path: Path) -> None:
    (tmp_path / "inventory.py").write_bytes(DEMO.read_bytes())
    report = json.loads(run(clean / "dlm-fill", f"inventory.py:{DEMO_LINE}", "--json", "--write", cwd=tmp_path))
    assert report["fills"][0]["text"].strip()
    assert report["fills"][0]["text"] in (tmp_path / "inventory.py").read_text()
