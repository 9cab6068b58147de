"""`dlm-fill` as a program of its own, with the built-in model where a fill is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.builtin import DEMO, DEMO_LINE, ROOT

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
    done = dlm_fill(*args, "--write", cwd=folder, stdin=b"x = 1\n")
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


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


def test_the_same_seed_gives_the_same_fills(folder: Path) -> None:
    first, second = (
        json.loads(dlm_fill("shop.py:26-28", "--candidates", "3", "--seed", "5", "--json", cwd=folder).stdout)
        for _ in range(2)
    )
    assert first["fills"] == second["fills"]


def test_one_call_shows_the_diff_and_loads_no_more_than_it_needs(folder: Path) -> None:
    done = dlm_fill(f"shop.py:{DEMO_LINE}", cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"--- a/shop.py\n+++ b/shop.py\n@@ ")
    assert (folder / "shop.py").read_bytes() == DEMO.read_bytes()


INTERRUPTED = """
import signal, sys, threading
from lsp_server import pipeline
from lsp_server.cli import fill
from lsp_server.cli import main as cli

at, opened, run = sys.argv.pop(1), fill.open_filler, pipeline.run

def interrupt(here):
    if here == at:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

def open_filler(*args, **named):
    interrupt("loading")
    return opened(*args, **named)

def seen(*args, on_event, **named):
    return run(*args, on_event=lambda event: (interrupt("denoising"), on_event and on_event(event)), **named)

fill.open_filler, pipeline.run = open_filler, seen
cli.main()
"""


@pytest.mark.parametrize("at", ["loading", "denoising"])
def test_interrupting(folder: Path, at: str) -> None:
    """A real Ctrl-C to a real run, at the moment that is meant, however fast the machine is."""
    words = ["shop.py:26-28", "--candidates", "8", "--length", "40", "--write"]
    command = [sys.executable, "-c", INTERRUPTED, at, *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=300, check=False)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, b"", b"")
    assert (folder / "shop.py").read_bytes() == DEMO.read_bytes()


def test_a_closed_pipe_is_no_error(folder: Path) -> None:
    shell = f'"{COMMAND[0]}" --help | head -n 1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", shell], cwd=folder, capture_output=True, text=True, timeout=300, check=True)
    assert done.stderr == ""
    assert done.stdout.split()[-1] in {"0", "141"}


def test_make_knows_its_targets() -> None:
    done = subprocess.run(["make", "-n", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=True,
                          env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")})  # fmt: skip
    assert f"inventory.py:{DEMO_LINE}" in done.stdout


SHELVES = '''def load_shelves(path, *, encoding="utf-8"):
    """Shelves by their label."""
    shelves = {}
    for row in read_rows(path, encoding=encoding):
        shelves[row["label"]] = Shelf(row["aisle"], int(row["level"]), float(row["load_kg"]))
    return shelves
'''


def test_a_line_that_stands_in_another_file_of_the_repository_is_found(tmp_path: Path) -> None:
    *_, line, _ = SHELVES.splitlines()
    (tmp_path / ".git").mkdir()
    (tmp_path / "shelves.py").write_text(SHELVES)
    (tmp_path / "depot.py").write_text(SHELVES.replace(line, "        ...").replace("load_shelves", "load_depot"))
    ask = ["depot.py:5", "--json", "--candidates", "5"]
    found = [dlm_fill(*ask, *options, cwd=tmp_path) for options in ([], ["--no-cross-file"])]
    with_others, alone = (
        [candidate["text"] for candidate in json.loads(done.stdout)["fills"][0]["candidates"]] for done in found
    )
    assert line in with_others
    assert line not in alone
