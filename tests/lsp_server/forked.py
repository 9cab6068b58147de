"""Language servers for tests, forked from a process that has imported all that they need: a server a test is affordable.

`fake_server` and what it imports take a second of processor time, most of it the types of the protocol. Here one process per test
run imports them, and forks for each server. Each is still a process of its own, with pipes, environment and folder of its own.

    tests ── start a launcher ──> launcher ── its streams, arguments, environment ──> origin ── forks ──> server

The launcher is what the test sees: it ends with the server's exit code, and the server ends when it is killed.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from tests.lsp_server import fake_server

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = """\
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as origin:
    origin.connect(sys.argv[1])
    told = {"config": sys.argv[2], "environment": dict(os.environ), "folder": os.getcwd()}
    socket.send_fds(origin, [json.dumps(told).encode() + b"\\n"], [0, 1, 2])
    os.close(0)
    os.close(1)
    code = origin.recv(16)
os._exit(int(code or 255))
"""


def command(config: str) -> list[str]:
    """What starts `fake_server` with this configuration."""
    if not hasattr(socket, "send_fds") or not hasattr(os, "fork"):
        return [sys.executable, str(ROOT / "tests" / "lsp_server" / "fake_server.py"), config]
    return [sys.executable, "-S", "-E", "-c", LAUNCHER, _origin()[0], config]


@cache
def _origin() -> tuple[str, subprocess.Popen[bytes]]:
    """The process that servers are forked from, and its address; it ends when its standard input does, with this one."""
    address = str(Path(tempfile.mkdtemp(prefix="dlm-fill-tests-"), "origin"))
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.lsp_server.forked", address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert started.stdout is not None
    assert started.stdout.readline() == b"ready\n"
    return address, started


@dataclass
class Origin:
    """Forks a server for each launcher that connects, and tells it how that ended."""

    listening: socket.socket
    waiting: selectors.DefaultSelector = field(default_factory=selectors.DefaultSelector)
    servers: dict[int, socket.socket] = field(default_factory=dict)

    def run(self) -> None:
        """Serve until standard input ends: then the tests are over."""
        ended, wakes = os.pipe()
        os.set_blocking(wakes, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakes)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the tests
        for stream in (self.listening, ended, 0):
            self.waiting.register(stream, selectors.EVENT_READ)
        while True:
            for key, _ in self.waiting.select():
                if key.fileobj is self.listening:
                    self._fork()
                elif key.fileobj == ended:
                    os.read(ended, 1024)
                    self._tell()
                elif key.fileobj == 0:
                    for server in self.servers:
                        os.kill(server, signal.SIGKILL)
                    return
                else:  # a launcher was killed
                    self._kill(key.fileobj)

    def _fork(self) -> None:
        launcher, _ = self.listening.accept()
        data, streams, _, _ = socket.recv_fds(launcher, 1 << 20, 3)
        while not data.endswith(b"\n"):
            data += launcher.recv(1 << 20)
        server = os.fork()
        if not server:
            _serve(json.loads(data), streams)
        for stream in streams:
            os.close(stream)
        self.servers[server] = launcher
        self.waiting.register(launcher, selectors.EVENT_READ)

    def _tell(self) -> None:
        """Tell the launchers of servers that have ended."""
        for server, launcher in list(self.servers.items()):
            found, status = os.waitpid(server, os.WNOHANG)
            if found:
                del self.servers[server]
                self.waiting.unregister(launcher)
                with suppress(OSError):  # it was killed
                    launcher.send(b"%d" % (os.waitstatus_to_exitcode(status) % 256))
                launcher.close()

    def _kill(self, launcher: object) -> None:
        """The launcher was killed, and so is its server. What it leaves is taken away when that has ended."""
        server = next((server for server, one in self.servers.items() if one is launcher), None)
        if server is None:
            return  # it ended just now
        os.kill(server, signal.SIGKILL)
        found, status = os.waitpid(server, 0)
        assert found == server, status
        self.waiting.unregister(self.servers.pop(server)).fileobj.close()  # type: ignore[union-attr]


def _serve(told: dict[str, Any], streams: list[int]) -> NoReturn:
    """Be the server, with the launcher's streams, environment and folder."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for stream, standard in zip(streams, (0, 1, 2), strict=True):
            os.dup2(stream, standard)
        os.closerange(3, 1024)  # the other servers' launchers, among others
        os.chdir(told["folder"])
        os.environ.clear()
        os.environ.update(told["environment"])
        sys.argv = ["fake_server", told["config"]]
        fake_server.main()
        code = 0
    except BaseException:  # noqa: BLE001  the process ends here, whatever happens
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main(address: str) -> None:
    """Listen at the address, and say when."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)
        print("ready", flush=True)
        Origin(listening).run()


if __name__ == "__main__":
    main(sys.argv[1])
