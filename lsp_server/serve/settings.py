"""What `dlm-fill serve` was asked for, and what is checked before anything listens."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from lsp_server.errors import InputError
from lsp_server.serve.app import Doors
from lsp_server.serve.desk.desk import Desk, QueueBounds
from lsp_server.serve.gate.gate import is_loopback
from lsp_server.serve.gate.keys import VARIABLE, Keys, Limits
from lsp_server.serve.served import AnyDesk, Served
from model.types import Filler


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """The options of the command line. `keys_file` None: no keys but those of the environment. `rate`, `concurrency`: of who comes
    in without a key. `also`: (name, model) of further models of a fleet; `models_at_once`: how many a replica has loaded.
    `contexts`: of how many documents the text around stays read.
    """

    model: str = "builtin"
    also: tuple[tuple[str, str], ...] = ()
    models_at_once: int = 2
    device: str = "auto"
    host: str = "127.0.0.1"
    port: int = 8012
    fillers: int = 1
    contexts: int = 32
    queue: int = 128
    max_wait_s: float = 3.0
    max_time_s: float = 10.0
    rate: float = Limits.rate
    concurrency: int = Limits.concurrency
    keys_file: Path | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None

    def doors(self) -> Doors:
        """Who may come in. Raises InputError for an address of others' without keys, and for keys that cannot be read."""
        keys = Keys(self.keys_file)
        if not keys.any and not is_loopback(self.host):
            raise InputError(
                f"--host {self.host} is reached by others, and there are no keys: add one (dlm-fill serve keys add NAME),"
                f" set {VARIABLE}, or listen at 127.0.0.1"
            )
        limits = Limits(rate=self.rate, burst=max(1, round(2 * self.rate)), concurrency=self.concurrency)
        return Doors(keys=keys, limits=limits, hosts=("127.0.0.1", "localhost", "::1", self.host.strip("[]")))

    def check_certificate(self) -> None:
        """Raises InputError for files that are no certificate with its key."""
        if self.certificate is None and self.certificate_key is None:
            return
        if self.certificate is None:
            raise InputError("--certificate-key: name the certificate, too (--certificate FILE)")
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(self.certificate, self.certificate_key)
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror or "no certificate with its key"
            raise InputError(f"--certificate {self.certificate}: cannot be used ({reason})") from None

    @property
    def model_names(self) -> tuple[str, ...]:
        """What clients may call the models, the first where they name none."""
        return (self.model, *(name for name, _ in self.also))

    def served(self) -> Served:
        """The server's state, over fillers that are not loaded yet."""
        return self.served_at(self.desk(self.model))

    def served_at(self, desk: AnyDesk) -> Served:
        """The server's state, over a desk."""
        return Served(desk=desk, max_time_s=self.max_time_s)

    def desk(self, name: str) -> Desk:
        """A desk for one of `model_names`; its fillers are not loaded yet."""
        model = dict(self.also).get(name, self.model)
        opener = partial(self.open, model)
        return Desk([opener] * self.fillers, bounds=QueueBounds(queue=self.queue, wait_s=self.max_wait_s))

    def open(self, model: str) -> Filler:
        """A filler of that model. Raises ModelError."""
        from model.filler import fetch, open_filler

        fetch(model)
        filler = open_filler(model, device=self.device)
        if isinstance(filler, _KeepsContexts):
            filler.keep_contexts(self.contexts)
        return filler


@runtime_checkable
class _KeepsContexts(Protocol):
    def keep_contexts(self, count: int) -> None: ...
