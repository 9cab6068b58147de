"""Names of remote models: `KIND`, `KIND#MODEL`, `KIND:URL` or `KIND:URL#MODEL`; or the URL of a `dlm-fill serve`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import SplitResult, urlsplit

from model.errors import UnknownModel


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A protocol. `url`, `model`: where and what is asked unless the name says otherwise ("" for the model: must be said,
    if `needs_model`).
    """

    url: str
    model: str
    needs_model: bool
    key_variables: tuple[str, ...]
    example: str


SERVED = "dlm-fill"
KINDS: Final = MappingProxyType(
    {
        SERVED: Kind(
            url="http://127.0.0.1:8012",
            model="",
            needs_model=False,
            key_variables=("DLM_FILL_API_KEY",),
            example="http://127.0.0.1:8012",
        ),
        "mercury": Kind(
            url="https://api.inceptionlabs.ai/v1",
            model="mercury-edit-2",
            needs_model=True,
            key_variables=("INCEPTION_API_KEY", "MERCURY_API_KEY"),
            example="mercury",
        ),
        "openai": Kind(
            url="https://api.openai.com/v1",
            model="",
            needs_model=True,
            key_variables=("OPENAI_API_KEY",),
            example="openai:https://host/v1#model-name",
        ),
        "llamacpp": Kind(
            url="http://127.0.0.1:8080",
            model="",
            needs_model=False,
            key_variables=("LLAMA_API_KEY",),
            example="llamacpp:http://127.0.0.1:8080",
        ),
    }
)


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a remote model is asked. `url` has no slash at its end; `host` names the port where the URL does."""

    kind: str
    url: str
    model: str
    host: str

    @property
    def is_local(self) -> bool:
        """Whether it is this machine."""
        name = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return name == "localhost"

    @property
    def is_private(self) -> bool:
        """Whether nobody between here and there can read along."""
        return self.is_local or self.url.startswith("https:")


def is_remote(name: str) -> bool:
    """Whether `name` has the form of a remote model's name."""
    return _kind_of(name) in KINDS


def parse_address(name: str) -> Address:
    """The address that `name` stands for. Raises UnknownModel where it makes no sense."""
    kind = _kind_of(name)
    if name.startswith(("http:", "https:")):
        name = f"{SERVED}:{name}"
    known = KINDS[kind]
    rest, _, model = name[len(kind) :].partition("#")
    url = rest.removeprefix(":").rstrip("/") or known.url
    form = f"write it like {known.example}"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise UnknownModel(f"--model {kind}: its URL cannot be read: {form}") from None
    problem = _problem(parts, host)
    if problem:
        raise UnknownModel(f"--model {kind}: {problem}: {form}")
    model = model or known.model
    if known.needs_model and not model:
        raise UnknownModel(f"--model {kind}: no model is named: {form}")
    return Address(kind=kind, url=url, model=model, host=parts.netloc)


def _kind_of(name: str) -> str:
    kind = name.split("#", maxsplit=1)[0].split(":", maxsplit=1)[0]
    return SERVED if kind in {"http", "https"} else kind


def _problem(parts: SplitResult, host: str) -> str:
    if parts.username or parts.password:  # it would end up in histories, settings and messages
        return "a key or password has no place in a URL, it is read from the environment or the keyring"
    if parts.scheme not in {"http", "https"} or not host:
        return "its URL must begin with https:// or http://, and name a host"
    if parts.query:
        return "its URL must not hold a question mark"
    return ""
