"""The gate, as ASGI middleware: origin, key, rate, body. What is refused never reaches a route.

The body is read here, within a bound and a deadline, so that no route waits for a slow one.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lsp_server.serve.gate.keys import Keys, Limits
from lsp_server.serve.gate.limits import Turnstile
from lsp_server.serve.replies import Refusal, error_reply
from lsp_server.serve.served import Caller

OPEN_PATHS = frozenset(("/", "/health", "/page/style.css", "/page/script.js", "/favicon.ico"))
"""What is answered without a key: the page, which asks for one, and whether the server is up."""
BODY_SECONDS = 15.0
_MOST_HEADERS = 64


class Gate:
    """Wraps an app. `hosts`: names under which the server may be called without keys (None: any)."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: Keys,
        limits: Limits,
        hosts: Iterable[str] | None = None,
        body_s: float = BODY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        seen: Callable[[str, int], None] = lambda _route, _status: None,
    ) -> None:
        self._app, self._keys, self._limits, self._body_s, self._seen = app, keys, limits, body_s, seen
        self._hosts = None if hosts is None else frozenset(hosts)
        self._turnstile = Turnstile(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *_SAFE_HEADERS]
            await send(message)

        who = None
        try:
            who, limits = self._admitted(scope)
            body = await self._body(scope, receive, limits)
            await self._app(scope, _replayed(body, receive), noted)
        except Refusal as refusal:
            await error_reply(refusal)(scope, receive, noted)
        finally:
            if who is not None:
                self._turnstile.leave(who)
            route = scope.get("route")
            self._seen(getattr(route, "path", "other"), status)

    def _admitted(self, scope: Scope) -> tuple[str, Limits]:
        """(who it is, counted in; what they may use). Raises Refusal."""
        headers = Headers(scope=scope)
        if len(scope["headers"]) > _MOST_HEADERS:
            raise Refusal(431, f"more than {_MOST_HEADERS} header lines: send fewer")
        host = headers.get("host", "")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise Refusal(403, "requests of other web pages are not served")
        client = scope.get("client") or ("", 0)
        limits, name = self._limits, ""
        if self._keys.any:
            key = self._keys.holder(_token(headers))
            if key is None and scope["path"] not in OPEN_PATHS:
                given = "authorization" in headers
                raise Refusal(401, "this key is not known" if given else "send a key: Authorization: Bearer KEY")
            if key is not None:
                limits, name = key.limits, key.name
        elif self._hosts is not None and _hostname(host) not in self._hosts:
            raise Refusal(403, "this server answers to the names of this machine alone: call it as 127.0.0.1")
        scope["dlm_fill.caller"] = Caller(key=name, context_tokens=limits.context_tokens)
        who = f"key {name}" if name else f"address {client[0]}"
        self._turnstile.enter(who, limits)
        return who, limits

    async def _body(self, scope: Scope, receive: Receive, limits: Limits) -> bytes:
        """The whole body. Raises Refusal for one that is too large or too slow, or that never ends."""
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return b""
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > limits.body_bytes:
            raise _too_large(limits)
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refusal(499, "the client has gone")
                    body += message.get("body", b"")
                    if len(body) > limits.body_bytes:
                        raise _too_large(limits)
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError:
            raise Refusal(408, f"the body took more than {self._body_s:g} s: send it at once") from None


_SAFE_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)


def is_loopback(host: str) -> bool:
    """Whether a server that listens there is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _token(headers: Headers) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else str(headers.get("x-api-key", ""))


def _too_large(limits: Limits) -> Refusal:
    return Refusal(413, f"the body is larger than {limits.body_bytes} bytes: send less text")


def _replayed(body: bytes, receive: Receive) -> Receive:
    """What a route receives: the body in one piece, then what comes after it."""
    given = False

    async def receive_body() -> dict[str, Any]:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return dict(await receive())

    return receive_body
