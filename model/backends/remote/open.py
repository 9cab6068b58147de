"""A remote model's filler, by its name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from model.backends.left_to_right.sequential import SequentialFiller
from model.backends.remote.address import SERVED, parse_address
from model.backends.remote.completions import Completions
from model.backends.remote.keys import LookUp, find_key, how_to_give_a_key
from model.backends.remote.llamacpp import LlamaCpp
from model.backends.remote.mercury import Mercury
from model.backends.remote.served.client import ServedFiller
from model.backends.remote.served.falling_back import FallingBack
from model.backends.remote.service import Service
from model.backends.remote.transport import Transport
from model.errors import AccessDenied
from model.types import Filler


def open_remote(
    name: str,
    *,
    open_local: Callable[[], Filler],
    environ: Mapping[str, str] | None = None,
    look_up: LookUp | None = None,
) -> SequentialFiller | FallingBack:
    """The filler that asks the remote model `name` (see `model.backends.remote.address`). Nothing of the user's is sent yet.

    A `dlm-fill serve` is greeted; while it is away, `open_local` opens who fills instead.

    Raises UnknownModel for a name that makes no sense, and AccessDenied where a key is needed and missing.
    """
    address = parse_address(name)
    key = find_key(address, os.environ if environ is None else environ, look_up=look_up)
    if address.kind == SERVED:
        return FallingBack(ServedFiller(address, key), open_local)
    service: type[Service] = {"mercury": Mercury, "openai": Completions, "llamacpp": LlamaCpp}[address.kind]
    if service is Mercury and key is None and not address.is_local:
        raise AccessDenied(f"mercury wants a key: {how_to_give_a_key(address)}")
    return SequentialFiller(service(Transport(address, key)))
