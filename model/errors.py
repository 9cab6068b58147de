"""Errors at the border of `model`. Each message names what is wrong and the remedy."""

from __future__ import annotations


class ModelError(Exception):
    """Base of all errors that a caller of `model` may meet; `str(error)` is one line for the user."""


class UnknownModel(ModelError):
    """No such model, or its files are missing or damaged."""


class UnknownDevice(ModelError):
    """No such device, or this machine does not have it."""


class BadRequest(ModelError):
    """The request cannot be met as it stands (unknown sampler, hole too long, …)."""


class NotEnoughMemory(ModelError):
    """A model or a request does not fit into memory; the message names sizes."""


class MissingExtra(ModelError):
    """What was asked for needs a package that is not installed; the message names the command that installs it."""


class RemoteError(ModelError):
    """A remote model did not answer as it should. No message holds a key."""


class AccessDenied(RemoteError):
    """No key, or one that the service does not accept."""


class QuotaExceeded(RemoteError):
    """The service refuses more requests, for now or until it is paid."""


class Unreachable(RemoteError):
    """No connection: nobody listens there, no such host, TLS failed, time ran out, or the connection broke."""


class ServerFailed(RemoteError):
    """The service itself failed, again and again."""


class BadReply(RemoteError):
    """The answer is not what the protocol says."""


class DiskFull(ModelError):
    """There is no room for what was to be written."""
