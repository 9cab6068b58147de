"""A remote model's filler, by its name."""

from __future__ import annotations

import os
from collections.abc import Mapping

from model.errors import AccessDenied
from model.fillers.address import parse_address
from model.fillers.completions import Completions
from model.fillers.keys import LookUp, find_key, how_to_give_a_key
from model.fillers.llamacpp import LlamaCpp
from model.fillers.mercury import Mercury
from model.fillers.sequential import SequentialFiller
from model.fillers.service import Service
from model.fillers.transport import Transport


def open_remote(
    name: str, *, environ: Mapping[str, str] | None = None, look_up: LookUp | None = None
) -> SequentialFiller:
    """The filler that asks the remote model `name` (see `model.fillers.address`). Nothing is sent yet.

    Raises UnknownModel for a name that makes no sense, and AccessDenied where a key is needed and missing.
    """
    address = parse_address(name)
    key = find_key(address, os.environ if environ is None else environ, look_up=look_up)
    service: type[Service] = {"mercury": Mercury, "openai": Completions, "llamacpp": LlamaCpp}[address.kind]
    if service is Mercury and key is None and not address.is_local:
        raise AccessDenied(f"mercury wants a key: {how_to_give_a_key(address)}")
    return SequentialFiller(service(Transport(address, key)))
