"""JSON over HTTP: one question, one answer or a stream of them; tried again while that may help."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import httpx

from model.backends.remote.address import Address
from model.backends.remote.failures import Failure, Reporter
from model.backends.remote.keys import ApiKey
from model.backends.remote.sse import event_data
from model.errors import BadReply

TRIES = 4
LONGEST_WAIT_S = 20.0
_FIRST_WAIT_S = 0.5
_MOST_BYTES = 8_000_000
_TIMEOUT = httpx.Timeout(60.0, connect=5.0, write=15.0)


class Transport:
    """The connection to one service, kept open between questions. Belongs to one event loop.

    `sleep`, `now` (seconds) and `draw` (in [0, 1)) are a clock and a die that tests replace; `client` likewise.
    """

    def __init__(
        self,
        address: Address,
        key: ApiKey | None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self.address, self.report = address, Reporter(address=address, key=key)
        self._key, self._sleep, self._now, self._draw = key, sleep, now, draw
        self._client = client

    async def replies(
        self, path: str, body: Mapping[str, Any], *, until: float | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Every JSON object of the answer: the events of a stream, or the one object of a plain answer.

        No wait between two tries goes beyond `until` (in `now`'s seconds). Closing the iterator closes the stream.

        Raises model.errors: RemoteError of some kind, UnknownModel, BadRequest.
        """
        response = await self._answered(path, body, until=until)
        try:
            if response.headers.get("content-type", "").startswith("text/event-stream"):
                async for data in event_data(self._bytes(response)):
                    if data == "[DONE]":
                        return
                    yield self._object(data)
            else:
                yield self._object(b"".join([chunk async for chunk in self._bytes(response)]))
        except httpx.HTTPError as error:
            raise self.report.lost(error).error from None
        except UnicodeDecodeError:
            raise self.report.unreadable("the answer is not UTF-8") from None
        finally:
            await response.aclose()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _answered(self, path: str, body: Mapping[str, Any], *, until: float | None) -> httpx.Response:
        """The response with a good status, its body not read yet."""
        for hypothesis in range(TRIES):
            outcome = await self._try(path, body)
            if isinstance(outcome, httpx.Response):
                return outcome
            wait_s = outcome.wait_s
            if wait_s is None:
                wait_s = _FIRST_WAIT_S * 2**hypothesis * (1 + self._draw())
            in_time = wait_s <= LONGEST_WAIT_S and (until is None or self._now() + wait_s < until)
            if not outcome.again or hypothesis == TRIES - 1 or not in_time:
                raise outcome.error
            await self._sleep(wait_s)
        raise AssertionError("the last try returned or raised")

    async def _try(self, path: str, body: Mapping[str, Any]) -> httpx.Response | Failure:
        client = self._opened()
        headers = {"Authorization": self._key.header()} if self._key else {}
        try:
            request = client.build_request("POST", self.address.url + path, json=dict(body), headers=headers)
            response = await client.send(request, stream=True)
        except (httpx.HTTPError, OSError) as error:
            return self.report.lost(error)
        if response.status_code == 200:
            return response
        try:
            content = b"".join([chunk async for chunk in self._bytes(response)])
        except (httpx.HTTPError, BadReply):
            content = b""
        finally:
            await response.aclose()
        return self.report.status(
            response.status_code,
            content,
            retry_after=response.headers.get("retry-after", ""),
            location=response.headers.get("location", ""),
        )

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            # A proxy of the environment is not for this machine's own servers.
            direct = dict.fromkeys(("all://", "http://", "https://")) if self.address.is_local else None
            self._client = httpx.AsyncClient(timeout=_TIMEOUT, mounts=direct)
        return self._client

    async def _bytes(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """The body; an endless one is given up."""
        left = _MOST_BYTES
        async for chunk in response.aiter_bytes():
            left -= len(chunk)
            if left < 0:
                raise self.report.unreadable("the answer does not end")
            yield chunk

    def _object(self, data: str | bytes) -> dict[str, Any]:
        try:
            reply = json.loads(data)
        except (ValueError, RecursionError):
            raise self.report.unreadable("the answer is not JSON") from None
        if not isinstance(reply, dict):
            raise self.report.unreadable("the answer is no JSON object")
        failure = self.report.said(reply)
        if failure is not None:
            raise failure.error
        return reply
