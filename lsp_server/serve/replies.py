"""Replies and what is read of a request: JSON both ways, errors as a status and one sentence."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lsp_server.errors import Excluded, InputError
from lsp_server.serve.ask import Answer
from lsp_server.serve.desk.desk import Busy, Failed
from model.errors import BadRequest, ModelError

M = TypeVar("M", bound=BaseModel)

NOT_HONOURED = "x-dlm-fill-not-honoured"
OUTCOME, MODEL = "x-dlm-fill-outcome", "x-dlm-fill-model"
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "unavailable_error",
}
_MOST_NESTED = "nested too deeply"


class Refusal(Exception):
    """A request that is not served: its status, and a sentence. `retry_after_s`: when it may be."""

    def __init__(self, status: int, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status, self.retry_after_s = status, retry_after_s


async def read(request: Request, kind: type[M]) -> M:
    """The body as `kind`. Raises Refusal with a sentence that names the field, and quotes nothing."""
    try:
        body = json.loads(await request.body())
    except UnicodeDecodeError:
        raise Refusal(400, "the body is not UTF-8: send JSON in UTF-8") from None
    except ValueError:
        raise Refusal(400, "the body is not JSON: send one JSON object") from None
    except RecursionError:
        raise Refusal(400, f"the body is {_MOST_NESTED}: send one flat JSON object") from None
    if not isinstance(body, dict):
        raise Refusal(400, "the body is JSON, but no object: send one JSON object")
    return checked(kind, body)


def checked(kind: type[M], body: dict[str, Any]) -> M:
    """`body` as `kind`. Raises Refusal."""
    try:
        return kind.model_validate(body)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "the request"
        message = first["msg"].removeprefix("Value error, ")
        more = f" (and {wrong.error_count() - 1} more)" if wrong.error_count() > 1 else ""
        raise Refusal(400, f"{field}: {message[0].lower()}{message[1:]}{more}") from None


def refusal_of(error: Exception) -> Refusal:
    """What the client is told of an error at the desk."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, Busy):
        return Refusal(429, str(error), retry_after_s=error.retry_after_s)
    if isinstance(error, Excluded):
        return Refusal(403, str(error))
    if isinstance(error, BadRequest | InputError):
        return Refusal(400, str(error))
    if isinstance(error, ModelError):
        return Refusal(503, str(error))
    if isinstance(error, Failed):
        return Refusal(500, str(error))
    raise error


def error_body(refusal: Refusal) -> dict[str, Any]:
    """An error as OpenAI's and llama.cpp's clients read it."""
    kind = _TYPES.get(refusal.status, "server_error")
    return {"error": {"message": str(refusal), "type": kind, "code": refusal.status}}


def error_reply(refusal: Refusal, *, body: dict[str, Any] | None = None) -> Response:
    """The response that tells of a refusal."""
    headers = {}
    if refusal.retry_after_s is not None:
        headers["retry-after"] = str(refusal.retry_after_s)
    if refusal.status == 401:
        headers["www-authenticate"] = "Bearer"
    return JSONResponse(body or error_body(refusal), status_code=refusal.status, headers=headers)


def about(answer: Answer, not_honoured: Iterable[str] = ()) -> dict[str, str]:
    """Headers that say what became of a request, and which of its fields changed nothing."""
    headers = {OUTCOME: answer.outcome, MODEL: answer.model.encode("ascii", "replace").decode()}
    if names := sorted(set(not_honoured)):
        headers[NOT_HONOURED] = ", ".join(names)
    return headers


def ignored(request: BaseModel, names: Iterable[str]) -> list[str]:
    """Those of the fields `names` that the client has set, to something other than nothing."""
    return [name for name in names if name in request.model_fields_set and getattr(request, name) not in (None, [], "")]
