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
