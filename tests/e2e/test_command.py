"""`dlm-fill` as a program of its own, with the built-in model where a fill is needed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.builtin import DEMO, DEMO_LINE, ROOT, needs_model

COMMAND = [str(Path(sys.executable).with_name("dlm-fill"))]


def dlm_fill(*args: str, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *args], cwd=cwd, input=stdin, capture_output=True, timeout=300, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_bytes(DEMO.read_bytes())
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary.py").write_bytes(b"\0\1")
    (tmp_path / "latin.py").write_bytes(b"na\xefve\n")
    (tmp_path / "empty.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["missing.py:1"], "no such file"),
        (["folder:1"], "directory"),
        (["binary.py:1"], "binary"),
        (["latin.py:1"], "not UTF-8"),
        (["shop.py:400-550"], "no such line"),
        (["shop.py:5-3"], "reversed"),
        (["shop.py:3-5", "shop.py:5-6"], "overlap"),
        (["empty.py:1"], "empty"),
        (["shop.py:3", "--model", "no-such-model"], "no-such-model"),
        (["shop.py:3", "--device", "abacus"], "abacus"),
        (["-:9"], "standard input"),
    ],
)
def test_bad_input(folder: Path, args: list[str], said: str) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    started = time.perf_counter()
    done = dlm_fill(*args, "--write", cwd=folder, stdin=b"x = 1\n")
    assert time.perf_counter() - started < 5, "found out before a model is loaded"
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_help_is_there_at_once(folder: Path) -> None:
    def once() -> float:
        started = time.perf_counter()
        assert dlm_fill("--help", cwd=folder).returncode == 0
        return time.perf_counter() - started

    assert min(once() for _ in range(5)) < 0.2


@needs_model
def test_the_demo_is_filled_with_what_its_siblings_say(folder: Path) -> None:
    done = dlm_fill(f"shop.py:{DEMO_LINE}", "--json", "--write", cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    report = json.loads(done.stdout)
    (fill,) = report["fills"]
    assert (report["model"], fill["parses"], fill["old_text"]) == ("builtin", True, "        ...")
    assert "self.items[name]" in fill["text"]
    lines = DEMO.read_text().split("\n")
    lines[DEMO_LINE - 1] = fill["text"]
    assert (folder / "shop.py").read_text() == "\n".join(lines)


@needs_model
def test_the_same_seed_gives_the_same_fills(folder: Path) -> None:
    first, second = (
        json.loads(dlm_fill("shop.py:26-28", "--candidates", "3", "--seed", "5", "--json", cwd=folder).stdout)
        for _ in range(2)
    )
    assert first["fills"] == second["fills"]


@needs_model
def test_one_call_shows_the_diff_and_loads_no_more_than_it_needs(folder: Path) -> None:
    done = dlm_fill(f"shop.py:{DEMO_LINE}", cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"--- a/shop.py\n+++ b/shop.py\n@@ ")
    assert (folder / "shop.py").read_bytes() == DEMO.read_bytes()


@needs_model
@pytest.mark.parametrize("after_s", [0.7, 6.0])
def test_interrupting(folder: Path, after_s: float) -> None:
    child = subprocess.Popen(
        [*COMMAND, "shop.py:26-28", "--candidates", "8", "--length", "40", "--write"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    time.sleep(after_s)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    if child.returncode != 0:  # it may have been quicker
        assert (child.returncode, out, err.strip()) == (130, b"", b"")
        assert (folder / "shop.py").read_bytes() == DEMO.read_bytes()


def test_a_closed_pipe_is_no_error(folder: Path) -> None:
    shell = f'"{COMMAND[0]}" --help | head -n 1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", shell], cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    assert done.stdout.split()[-1] in {"0", "141"}


def test_make_knows_its_targets() -> None:
    done = subprocess.run(["make", "-n", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
                          env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")})  # fmt: skip
    assert f"inventory.py:{DEMO_LINE}" in done.stdout
