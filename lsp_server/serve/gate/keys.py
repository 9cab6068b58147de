"""Keys: a name each, a random token that is shown once, and its hash at rest.

A token has 256 random bits, so one round of SHA-256 is enough: there is nothing to guess that a slow hash would slow down.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lsp_server.errors import InputError

VARIABLE = "DLM_FILL_SERVE_KEYS"
_PREFIX = "dlmf_"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_LEAST_TOKEN_CHARS = 16


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a key may use. rate: requests per second, `burst` of them at once; concurrency: requests under way."""

    rate: float = 20.0
    burst: int = 40
    concurrency: int = 16
    body_bytes: int = 2_000_000
    context_tokens: int | None = None


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key as it is kept: `sha256` of the token, in hexadecimal."""

    name: str
    sha256: str
    created: str = ""
    limits: Limits = field(default_factory=Limits)


class Keys:
    """Keys of a file, read again when it changes, and of the environment, which wins."""

    def __init__(self, path: Path | None, environ: Mapping[str, str] | None = None) -> None:
        self._path, self._environ = path, os.environ if environ is None else environ
        self._stamp: tuple[int, int] | None = None
        self._of_file: tuple[Key, ...] = ()
        self._of_environment = _from_environment(self._environ.get(VARIABLE, ""))

    @property
    def any(self) -> bool:
        """Whether there are keys at all: then nobody comes in without one."""
        return bool(self._known())

    def holder(self, token: str) -> Key | None:
        """The key that `token` is; all are compared in constant time."""
        digest, found = _hashed(token), None
        for key in self._known():
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return found

    def _known(self) -> tuple[Key, ...]:
        if self._path is not None:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._of_file, self._stamp = read_keys(self._path), stamp
        return (*self._of_file, *self._of_environment)


def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys in a file; none where there is no file. Raises InputError for one that cannot be read."""
    try:
        data = json.loads(path.read_bytes())
        return tuple(_key(entry) for entry in data["keys"])
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): make it readable") from None
    except (ValueError, TypeError, KeyError):
        raise InputError(f"{path}: is no file of keys: delete it, and add the keys anew") from None


def add_key(path: Path, name: str, limits: Limits) -> str:
    """Add a key; its token, which is not kept. Raises InputError for a name that is taken or none."""
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name: letters, digits and ._@+- make one, up to 64 of them")
    keys = read_keys(path)
    if any(key.name == name for key in keys):
        raise InputError(f"there is a key {name} already: remove it first, or take another name")
    token = _PREFIX + secrets.token_urlsafe(32)
    created = datetime.now(tz=UTC).date().isoformat()
    _write(path, [*keys, Key(name=name, sha256=_hashed(token), created=created, limits=limits)])
    return token


def remove_key(path: Path, name: str) -> None:
    """Remove a key; a running server turns it away from then on. Raises InputError where there is none of that name."""
    keys = read_keys(path)
    rest = [key for key in keys if key.name != name]
    if len(rest) == len(keys):
        known = ", ".join(key.name for key in keys) or "none"
        raise InputError(f"there is no key {name}: known are {known}")
    _write(path, rest)


def key_file() -> Path:
    """Where keys lie: `dlm-fill/serve-keys.json` in the user's configuration directory."""
    import platformdirs

    return Path(platformdirs.user_config_path("dlm-fill", appauthor=False)) / "serve-keys.json"


def with_limits(key: Key, **changed: Any) -> Key:
    return replace(key, limits=replace(key.limits, **changed))


def _write(path: Path, keys: Sequence[Key]) -> None:
    """Replace the file in one step, readable by its owner alone."""
    text = json.dumps({"keys": [asdict(key) for key in keys]}, indent=2) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(name, path)  # noqa: PTH105
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}): nothing was changed") from None


def _key(entry: dict[str, Any]) -> Key:
    limits = Limits(**entry.get("limits", {}))
    name, sha256 = entry["name"], entry["sha256"]
    if not isinstance(name, str) or not isinstance(sha256, str) or len(sha256) != 64:
        raise ValueError("no key")
    return Key(name=name, sha256=sha256, created=str(entry.get("created", "")), limits=limits)


def _from_environment(value: str) -> tuple[Key, ...]:
    """The keys of `NAME:TOKEN,NAME:TOKEN`. Raises InputError, which repeats no token."""
    keys = []
    for number, entry in enumerate(filter(None, (part.strip() for part in value.split(","))), start=1):
        name, _, token = entry.partition(":")
        if not _NAME.fullmatch(name) or len(token) < _LEAST_TOKEN_CHARS:
            raise InputError(
                f"{VARIABLE}: entry {number} is not NAME:TOKEN with a token of {_LEAST_TOKEN_CHARS} characters or more"
            )
        keys.append(Key(name=name, sha256=_hashed(token)))
    return tuple(keys)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
