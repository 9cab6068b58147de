"""Closed and full streams, no home, Ctrl-C while everything is still being loaded: a line at most, and never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lsp_server.feedback.store import state_file
from tests.lsp_server.editor import ROOT

COMMAND = f"{sys.executable} -c 'from lsp_server.cli.start import main; main()'"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="a shell's redirections")


def shell(command: str, **environment: str) -> tuple[int, str]:
    """(exit code, standard error) of `dlm-fill` with redirections, as a shell runs it."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(
        ["bash", "-c", f"{COMMAND} {command}"], capture_output=True, text=True, env=env, cwd=ROOT, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("settings >/dev/full", 2, "standard output cannot be written (No space left on device)"),
        ("settings --schema >/dev/full", 2, "standard output cannot be written"),
        ("--help >/dev/full", 2, "standard output cannot be written"),
        ("settings >&-", 2, "standard output cannot be written (Bad file descriptor)"),
        ("-:1 <&-", 2, "standard input: is empty"),
        ("nowhere.py:1 >&- <&-", 2, "nowhere.py: no such file"),
        ("settings 2>&-", 0, ""),
        ("settings >/dev/null 2>/dev/full", 0, ""),
        ("lsp <&-", 1, ""),
        ("lsp </dev/null", 1, ""),
    ],
)
def test_streams_that_are_closed_or_full(command: str, code: int, said: str) -> None:
    found, error = shell(command)
    assert (found, "Traceback" in error, "defect" in error) == (code, False, False), error
    assert said in error
    assert error.count("\n") <= 1


@pytest.mark.parametrize("command", ["settings | head -1", "--help | true", "settings --schema | head -c 1"])
def test_a_reader_that_leaves_is_no_error(command: str) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    script = f"set -o pipefail; {COMMAND} {command}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=env, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_user_without_a_home_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as Python has it without HOME and passwd entry
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    with pytest.raises(OSError, match="set HOME"):
        state_file()


@pytest.mark.parametrize("arguments", [["lsp"], ["settings"], ["-:1"]])
@pytest.mark.parametrize("module", ["click", "lsp_server.cli.names", "lsp_server.errors"])
def test_an_interrupt_while_modules_are_loaded_is_quiet(arguments: list[str], module: str, tmp_path: Path) -> None:
    """The interrupt arrives at a certain import: what a user's finger does in the first milliseconds."""
    code = (
        "import os, signal, sys\n"
        "class Finger:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finger())\n"
        f"sys.argv[1:] = {arguments!r}\n"
        "from lsp_server.cli.start import main\n"
        "main()\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], input="", capture_output=True, text=True, env=env, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stderr) == (130, "")


def test_a_language_server_in_a_terminal_leaves_on_an_interrupt() -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", "from lsp_server.cli.start import main; main()", "lsp"]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, env=env, cwd=ROOT) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        body = b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"processId": null, "rootUri": null, "capabilities": {}}}'
        server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        server.stdin.flush()
        assert server.stdout.readline().startswith(b"Content-Length")
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 130
        assert server.stderr is not None
        assert b"Traceback" not in server.stderr.read()
