"""The servers that are measured, each in a process of its own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from lsp_server.errors import InputError

_PATIENCE_S = 120.0


@dataclass(frozen=True)
class MeasuredServer:
    """A server that runs."""

    url: str
    pid: int

    def counted(self) -> dict[str, float]:
        """The counters of a `dlm-fill serve`, labels left out and their values summed."""
        found: dict[str, float] = {}
        for line in httpx.get(f"{self.url}/metrics", trust_env=False).text.splitlines():
            if not line.startswith("#"):
                name, value = line.split("{")[0].split()[0], float(line.rsplit(" ", 1)[1])
                found[name] = found.get(name, 0.0) + value
        return found

    def resident_kb(self) -> int:
        """What the process holds in memory; 0 where the system does not say."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_text("ascii").splitlines():
                if line.startswith("VmRSS"):
                    return int(line.split()[1])
        return 0


def dlm_fill(model: str, contexts: int) -> contextlib.AbstractContextManager[MeasuredServer]:
    """A `dlm-fill serve`; its limits of rate are above what typists do."""
    command = ["lsp_server.cli.main", "serve", "--port", "0", "--model", model, "--contexts", str(contexts)]
    return _started(*command, "--rate", "100000", "--concurrency", "100000")


def scripted(fill_ms: float = 0.0) -> contextlib.AbstractContextManager[MeasuredServer]:
    """The same server, over a model that takes so long and computes nothing."""
    return _started("lsp_server.bench.serve.scripted", str(fill_ms))


def llama_server(gguf: Path) -> contextlib.AbstractContextManager[MeasuredServer]:
    """llama.cpp's server with that model, of the package xllamacpp."""
    return _started("lsp_server.bench.serve.llama_server", str(gguf))


@contextlib.contextmanager
def _started(*module: str) -> Iterator[MeasuredServer]:
    """A server that is ready. It says "… at URL …" in a line of its standard error. Raises InputError."""
    process = subprocess.Popen([sys.executable, "-m", *module], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = ""
        while " at http" not in line:
            line = process.stderr.readline()
            if not line:
                raise InputError("the server does not start")
        server = MeasuredServer(line.split(" at ")[1].split()[0], process.pid)
        _wait_for(server.url)
        yield server
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str) -> None:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health", trust_env=False).status_code == 200:
                return
        time.sleep(0.2)
    raise InputError(f"{url} does not get ready")
