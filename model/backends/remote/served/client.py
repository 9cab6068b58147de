"""A `Filler` that asks `POST /v1/fill` of a server: all holes of a request at once, with its denoising states."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, replace
from typing import Any

import httpx

from model.backends.left_to_right.answers import ModelAnswer
from model.backends.remote.address import Address
from model.backends.remote.keys import ApiKey
from model.backends.remote.transport import Transport
from model.infill.holes.pins import Split
from model.types import (
    Cancelled,
    Candidate,
    DraftToken,
    Fill,
    FillerInfo,
    FillEvent,
    FillRequest,
    Hole,
    OnEvent,
)

CONNECT_SECONDS = 1.0
_LOOK_S = 0.02
_CONTEXT_TOKENS = 4096
"""Of a server that has not said how much its model reads."""
_BYTES_PER_TOKEN = 3
_GRACE_SECONDS = 1.0
_MOST_OTHER_FILES = 64


class ServedFiller:
    """Asks the server at `address`. Text of other files goes along only where the request says that it may."""

    def __init__(self, address: Address, key: ApiKey | None, *, client: httpx.AsyncClient | None = None) -> None:
        self.address, self._key = address, key
        self._transport = Transport(address, key, client=client or _client(address))
        self._runner = asyncio.Runner()
        self._about: Mapping[str, Any] = {}

    @property
    def info(self) -> FillerInfo:
        told = self._about
        return FillerInfo(
            name=str(told.get("model") or "dlm-fill serve"),
            device=self.address.host,
            context_tokens=int(told.get("context_tokens") or _CONTEXT_TOKENS),
            sent_to=self.address.host,
            reads_other_files=True,
            min_confidence=float(told.get("min_confidence") or 0.0),
        )

    def count_tokens(self, text: str) -> int:
        return -(-len(text.encode("utf-8")) // _BYTES_PER_TOKEN)

    def greet(self) -> bool:
        """Whether the server is there and its model loaded; what it says of that is kept. For any thread."""
        headers = {"Authorization": self._key.header()} if self._key else {}
        try:
            with httpx.Client(timeout=CONNECT_SECONDS, mounts=_direct(self.address)) as client:
                reply = client.get(f"{self.address.url}/v1/state", headers=headers)
                told = reply.json() if reply.status_code == 200 else {}
        except (httpx.HTTPError, OSError, ValueError):
            return False
        if reply.status_code in {401, 403}:
            return True  # it is there: the fill says what is wrong
        if not isinstance(told, dict) or told.get("status") != "ready":
            return False
        self._about = told
        return True

    def fill(
        self, request: FillRequest, *, cancelled: Cancelled = lambda: False, on_event: OnEvent | None = None
    ) -> Fill:
        """See `Filler.fill`. Raises BadRequest and RemoteError; nothing is tried twice."""
        split = Split.of(request)
        inner = split.request
        body = body_of(inner, stream=on_event is not None)
        reply = None
        if not cancelled():
            reply = self._runner.run(self._watched(body, inner, cancelled, split.on_event(on_event)))
        if reply is None:
            return Fill(candidates=(), forward_passes=0, tokens=0, prefill_ms=0.0, denoise_ms=0.0, stopped="cancelled")
        return split.fill(self._fill_of(reply, inner))

    def close(self) -> None:
        """Close connections. The filler is of no use afterwards."""
        self._runner.run(self._transport.close())
        self._runner.close()

    async def _watched(
        self, body: Mapping[str, Any], request: FillRequest, cancelled: Cancelled, on_event: OnEvent | None
    ) -> dict[str, Any] | None:
        """The reply; None if it was cancelled meanwhile, which closes the connection and so stops the server's work."""
        work = asyncio.ensure_future(self._reply(body, on_event))
        limit_s = request.budget.max_time_s
        end = None if limit_s is None else time.monotonic() + limit_s + _GRACE_SECONDS
        try:
            while not work.done():
                await asyncio.wait([work], timeout=_LOOK_S)
                if not work.done() and (cancelled() or (end is not None and time.monotonic() > end)):
                    return None
            return work.result()
        finally:
            work.cancel()
            await asyncio.wait([work])

    async def _reply(self, body: Mapping[str, Any], on_event: OnEvent | None) -> dict[str, Any]:
        async with aclosing(self._transport.replies("/v1/fill", body, until=float("-inf"))) as replies:
            async for reply in replies:
                if "candidates" in reply:
                    return reply
                if on_event is not None and "holes" in reply:
                    on_event(self._event(reply))
        raise self._transport.report.unreadable("the answer holds no fill")

    def _event(self, state: Mapping[str, Any]) -> FillEvent:
        try:
            return FillEvent(
                step=int(state["step"]),
                forward_passes=int(state["forward_passes"]),
                holes=tuple(
                    tuple(
                        DraftToken(text=str(t["text"]), confidence=float(t["confidence"]), open=bool(t["open"]))
                        for t in hole
                    )
                    for hole in state["holes"]
                ),
            )
        except (KeyError, TypeError, ValueError):
            raise self._transport.report.unreadable("a denoising state makes no sense") from None

    def _fill_of(self, reply: Mapping[str, Any], request: FillRequest) -> Fill:
        holes = request.template.holes
        try:
            times = reply["ms"]
            made = [_candidate(entry, holes) for entry in reply["candidates"]]
            fill = Fill(
                candidates=(),
                forward_passes=int(reply["forward_passes"]),
                tokens=int(reply["tokens"]),
                prefill_ms=float(times["queue"]) + float(times["prefill"]),
                denoise_ms=float(times["denoise"]),
                stopped=reply["outcome"] if reply["outcome"] in {"time", "steps"} else "done",
            )
        except (KeyError, TypeError, ValueError):
            raise self._transport.report.unreadable("the fill makes no sense") from None
        return _with_candidates(fill, made, request)


def body_of(request: FillRequest, *, stream: bool) -> dict[str, Any]:
    """The request in the schema of the server."""
    others = request.other_files[:_MOST_OTHER_FILES] if request.share_other_files else ()
    return {
        "version": 1,
        "pieces": list(request.template.pieces),
        "holes": [
            {name: value for name, value in asdict(h).items() if name != "pinned"} for h in request.template.holes
        ],
        "language": request.language,
        "other_files": [{"text": text} for text in others],
        "candidates": request.candidates,
        "seed": request.seed,
        "sampler": request.sampler,
        "steps": request.steps,
        "max_time_s": request.budget.max_time_s,
        "stream": stream,
    }


def _candidate(entry: Mapping[str, Any], holes: Sequence[Hole]) -> Candidate:
    texts = tuple(map(str, entry["texts"]))
    if len(texts) != len(holes):
        raise ValueError("not one text for each hole")
    return Candidate(
        texts=tuple(ModelAnswer(hole).trimmed(text) for hole, text in zip(holes, texts, strict=True)),
        confidences=tuple(map(float, entry["confidences"])),
        confidence=float(entry["confidence"]),
        origin="draft" if entry["origin"] == "draft" else "model",
    )


def _with_candidates(fill: Fill, made: Sequence[Candidate], request: FillRequest) -> Fill:
    """The fill with those candidates that will do here, what parses and is accepted before what is not."""
    judged = []
    for candidate in made:
        parses = request.parses(candidate.texts) if request.parses else None
        wrong = request.accepts is not None and request.accepts(candidate.texts) is not None
        judged.append(((parses is False) + wrong, replace(candidate, parses=parses)))
    return replace(fill, candidates=tuple(c for _, c in sorted(judged, key=lambda pair: pair[0])))


def _client(address: Address) -> httpx.AsyncClient:
    timeout = httpx.Timeout(60.0, connect=CONNECT_SECONDS, write=15.0)
    return httpx.AsyncClient(timeout=timeout, mounts=_direct(address))


def _direct(address: Address) -> Any:
    """A proxy of the environment is not for this machine's own servers."""
    return dict.fromkeys(("all://", "http://", "https://")) if address.is_local else None
