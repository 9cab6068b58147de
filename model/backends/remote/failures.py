"""What went wrong between here and a remote model, as errors that name the remedy, and whether to try again."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from model.backends.remote.address import Address
from model.backends.remote.keys import ApiKey, how_to_give_a_key
from model.errors import (
    AccessDenied,
    BadReply,
    BadRequest,
    ModelError,
    QuotaExceeded,
    ServerFailed,
    UnknownModel,
    Unreachable,
)

PASSING = frozenset({429, 500, 502, 503, 504, 529})
_UNPAID = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_QUOTED_CHARS = 160


@dataclass(frozen=True, kw_only=True)
class Failure:
    """`again`: it may pass; `wait_s`: the server says when, in seconds."""

    error: ModelError
    again: bool = False
    wait_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Reporter:
    """Turns failures of one service into errors."""

    address: Address
    key: ApiKey | None

    def status(self, status: int, body: bytes | str, *, retry_after: str = "", location: str = "") -> Failure:  # noqa: PLR0911  one per kind
        """The failure that an answer with this HTTP status is."""
        host, (said, code) = self.address.host, self._said(body)
        quoted = f" ({said})" if said else ""
        if status in {401, 403}:  # never quoted: services repeat parts of the key
            given = f"the key from {self.key.origin} is not accepted" if self.key else "it wants a key"
            return Failure(error=AccessDenied(f"{host}: {given}: {how_to_give_a_key(self.address)}"))
        if status == 402 or code in _UNPAID:
            return Failure(error=QuotaExceeded(f"{host}: the quota is used up{quoted}: see your account there"))
        if self._lacks_model(status, said, code):
            return Failure(error=UnknownModel(f"{host}: no model {self.address.model!r}{quoted}: name another after #"))
        if status == 404:
            return Failure(
                error=UnknownModel(f"{host}: nothing answers below {self.address.url}: check the URL of --model")
            )
        if 300 <= status < 400:
            return Failure(error=Unreachable(f"{host}: it sends on to {location or 'another address'}: name that one"))
        if status in PASSING:
            wait_s = _seconds(retry_after)
            error: ModelError
            if status == 429:
                when = f"in {wait_s:.0f} s" if wait_s is not None else "later"
                error = QuotaExceeded(f"{host}: too many requests{quoted}: try again {when}, or ask for fewer at once")
            else:
                error = ServerFailed(f"{host}: it failed with status {status}{quoted}: try again later")
            return Failure(error=error, again=True, wait_s=wait_s)
        if status >= 500:
            return Failure(
                error=ServerFailed(f"{host}: it cannot do this, status {status}{quoted}: name another model")
            )
        return Failure(error=BadRequest(f"{host}: it refuses the request, status {status}{quoted or _phrase(status)}"))

    def lost(self, error: Exception) -> Failure:  # noqa: PLR0911  one per kind
        """The failure that an exception of the connection is."""
        host, url = self.address.host, self.address.url
        tls = _caused_by(error, ssl.SSLError)
        if isinstance(tls, ssl.SSLCertVerificationError):
            why = getattr(tls, "verify_message", "") or "verification failed"
            text = f"{host}: its certificate is not trusted ({why}): name your authority's file in SSL_CERT_FILE"
            return Failure(error=Unreachable(text))
        if tls is not None:
            return Failure(
                error=Unreachable(f"{host}: no TLS connection: if it speaks plain HTTP, write http:// for https://")
            )
        if isinstance(error, httpx.ConnectError) and _caused_by(error, ConnectionRefusedError):
            return Failure(
                error=Unreachable(f"{host}: nobody listens there: start the server, or name another URL than {url}")
            )
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return Failure(error=Unreachable(f"{host}: cannot be reached: check the URL {url} and the network"))
        if isinstance(error, httpx.TimeoutException):
            return Failure(error=Unreachable(f"{host}: no answer in time: try again, or name another model"))
        if isinstance(error, httpx.ProxyError):
            return Failure(error=Unreachable(f"{host}: the proxy refuses: check HTTPS_PROXY and NO_PROXY"))
        return Failure(error=Unreachable(f"{host}: the connection broke: try again"), again=True)

    def unreadable(self, what: str) -> BadReply:
        """The error for an answer that is not what the protocol says."""
        return BadReply(f"{self.address.host}: {what}: does {self.address.url} speak the {self.address.kind} protocol?")

    def said(self, reply: dict[str, object]) -> Failure | None:
        """The failure that a reply tells of in its body although the status was good."""
        problem = reply.get("error")
        if not problem:
            return None
        code = problem.get("code") if isinstance(problem, dict) else None
        status = code if isinstance(code, int) and 400 <= code < 600 else 500
        return self.status(status, json.dumps(reply))

    def _lacks_model(self, status: int, said: str, code: str) -> bool:
        if code == "model_not_found":
            return True
        known = status in {400, 404, 422} and "model" in said.lower() and self.address.model
        return bool(known) and any(word in said.lower() for word in ("not exist", "not found", "unknown", "no such"))

    def _said(self, body: bytes | str) -> tuple[str, str]:
        """The message and the code in an error's body, as far as there are any; one printable line."""
        try:
            reply = json.loads(body)
        except (ValueError, RecursionError):
            return "", ""
        inner = reply.get("error", reply) if isinstance(reply, dict) else ""
        message = inner.get("message", inner.get("detail", "")) if isinstance(inner, dict) else inner
        code = inner.get("code", "") if isinstance(inner, dict) else ""
        text = message if isinstance(message, str) else ""
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        if self.key is not None:
            text = self.key.removed_from(text)
        return text[:_QUOTED_CHARS], code if isinstance(code, str) else ""


def _phrase(status: int) -> str:
    try:
        return f" ({HTTPStatus(status).phrase})"
    except ValueError:
        return ""


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    for _ in range(10):
        if error is None or isinstance(error, kind):
            return error
        error = error.__cause__ or error.__context__
    return None


def _seconds(retry_after: str) -> float | None:
    """What `Retry-After` says (RFC 9110, section 10.2.3): seconds, or a date; None if nothing sensible."""
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        when = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(tz=UTC)).total_seconds())
