"""A remote model's filler, by its name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from model.errors import AccessDenied
from model.fillers.address import SERVED, parse_address
from model.fillers.completions import Completions
from model.fillers.keys import LookUp, find_key, how_to_give_a_key
from model.fillers.llamacpp import LlamaCpp
from model.fillers.mercury import Mercury
from model.fillers.sequential import SequentialFiller
from model.fillers.served.client import ServedFiller
from model.fillers.served.falling_back import FallingBack
from model.fillers.service import Service
from model.fillers.transport import Transport
from model.types import Filler


def open_remote(
    name: str,
    *,
    environ: Mapping[str, str] | None = None,
    look_up: LookUp | None = None,
    open_local: Callable[[], Filler] | None = None,
) -> SequentialFiller | FallingBack:
    """The filler that asks the remote model `name` (see `model.fillers.address`). Nothing of the user's is sent yet.

    A `dlm-fill serve` is greeted; while it is away, `open_local` opens who fills instead (None: the built-in model).

    Raises UnknownModel for a name that makes no sense, and AccessDenied where a key is needed and missing.
    """
    address = parse_address(name)
    key = find_key(address, os.environ if environ is None else environ, look_up=look_up)
    if address.kind == SERVED:
        return FallingBack(ServedFiller(address, key), open_local or _open_builtin)
    service: type[Service] = {"mercury": Mercury, "openai": Completions, "llamacpp": LlamaCpp}[address.kind]
    if service is Mercury and key is None and not address.is_local:
        raise AccessDenied(f"mercury wants a key: {how_to_give_a_key(address)}")
    return SequentialFiller(service(Transport(address, key)))


def _open_builtin() -> Filler:
    from model.filler import open_filler

    return open_filler()
