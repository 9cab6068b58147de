"""Brackets and long quotes: the one table of what closes what.

Where strings begin and end is read in three ways, each for what its caller knows: `lsp_server.code.languages.brackets` knows the
language, `lsp_server.code.text.closers` has the rest of one line, `model.infill.brackets` has neither.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

CLOSER_OF: Final = MappingProxyType({"(": ")", "[": "]", "{": "}"})
OPENER_OF: Final = MappingProxyType({closer: opener for opener, closer in CLOSER_OF.items()})
LONG_QUOTES: Final = ('"""', "'''")
