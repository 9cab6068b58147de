"""Errors become LSP error codes here, and nowhere else on the server's side."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from lsprotocol.types import LSPErrorCodes
from pygls.exceptions import JsonRpcException, JsonRpcInternalError, JsonRpcInvalidParams

from lsp_server.errors import InputError, StaleDocument
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
    return JsonRpcInternalError(f"internal error ({place(error)}): please report it")


def place(error: Exception) -> str:
    """Kind of error and where it was raised; never its text, which may hold the user's code."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
