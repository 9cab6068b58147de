"""API keys: from an environment variable or the system's keyring, and never in a message, a log or a `repr`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping

from model.backends.remote.address import KINDS, Address
from model.errors import AccessDenied

SERVICE = "dlm-fill"
LookUp = Callable[[str, str], str | None]


class ApiKey:
    """A secret and where it was found."""

    __slots__ = ("_secret", "origin")

    def __init__(self, secret: str, *, origin: str) -> None:
        self._secret, self.origin = secret, origin

    def __repr__(self) -> str:
        return f"ApiKey(from {self.origin})"

    def __reduce__(self) -> str:
        raise TypeError("a key is not written anywhere")

    def header(self) -> str:
        return f"Bearer {self._secret}"

    def removed_from(self, text: str) -> str:
        """`text` without the key, should a server repeat it."""
        return text.replace(self._secret, "…")


def find_key(address: Address, environ: Mapping[str, str], *, look_up: LookUp | None = None) -> ApiKey | None:
    """The key for `address`, if there is one; it is not handed to who would send it for all to read.

    `look_up(service, host)` asks the keyring (None: the `keyring` package, where it is installed).

    Raises AccessDenied for a key that cannot be one.
    """
    if not address.is_private:
        return None
    for name in KINDS[address.kind].key_variables:
        if environ.get(name):
            return _checked(environ[name], origin=name)
    if address.is_local:
        return None
    secret = (look_up or _from_keyring)(SERVICE, address.host)
    return _checked(secret, origin="the keyring") if secret else None


def how_to_give_a_key(address: Address) -> str:
    """The remedy where a key is missing or wrong."""
    if not address.is_private:
        return "no key is sent over plain http: use https://"
    variable = KINDS[address.kind].key_variables[0]
    return f"set {variable}, or run: keyring set {SERVICE} {address.host} (with dlm-fill[keyring] installed)"


def _checked(secret: str, *, origin: str) -> ApiKey:
    secret = secret.strip()
    if not secret or not all("!" <= c <= "~" for c in secret):
        raise AccessDenied(f"the key from {origin} holds characters that no key has: set it again")
    return ApiKey(secret, origin=origin)


def _from_keyring(service: str, host: str) -> str | None:
    if importlib.util.find_spec("keyring") is None:
        return None
    import keyring
    from keyring.errors import KeyringError

    try:
        secret = keyring.get_password(service, host)
    except KeyringError:  # locked, or this system has none
        return None
    return secret if isinstance(secret, str) else None
