"""Errors become LSP error codes here, and nowhere else on the server's side."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from lsprotocol.types import LSPErrorCodes
from pygls.exceptions import JsonRpcException, JsonRpcInternalError, JsonRpcInvalidParams

from lsp_server.errors import InputError, StaleDocument, place_of
from model.errors import BadRequest, ModelError

P = ParamSpec("P")
R = TypeVar("R")


def with_codes(handler: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """`handler`, whose errors reach the client as the code that says who can mend them."""

    @functools.wraps(handler)
    async def answered(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await handler(*args, **kwargs)
        except JsonRpcException:
            raise
        except Exception as error:
            raise coded(error) from error

    return answered


def coded(error: Exception) -> JsonRpcException:
    """The response error for `error`."""
    if isinstance(error, InputError | BadRequest):
        return JsonRpcInvalidParams(str(error))
    if isinstance(error, StaleDocument):
        return JsonRpcException(str(error), code=int(LSPErrorCodes.ContentModified))
    if isinstance(error, ModelError):
        return JsonRpcException(str(error), code=int(LSPErrorCodes.RequestFailed))
    return JsonRpcInternalError(f"internal error ({place_of(error)}): please report it")
