"""When to be silent: from which confidence on to suggest to who has not asked, and what a rewriting has to be better by.

Fitted for a model by `dlm-fill eval manners`, which writes `manners.json` beside it; fit it anew when the model changes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from model.errors import UnknownModel

MANNERS = "manners.json"


@dataclass(frozen=True, kw_only=True)
class Manners:
    """`min_confidence`: suggest from this confidence on. `rewrite_margin_nats`: a rewriting is so much likelier than
    the old text, or the old text stays.
    """

    min_confidence: float = 0.0
    rewrite_margin_nats: float = 6.0

    @classmethod
    def read(cls, path: Path) -> Manners:
        """What was fitted for a model and lies beside it; the defaults if there is nothing.

        Raises UnknownModel if the file is damaged.
        """
        if not path.exists():
            return cls()
        try:
            written = json.loads(path.read_text("utf-8"))
            return cls(**{name: float(written[name]) for name in ("min_confidence", "rewrite_margin_nats")})
        except (ValueError, KeyError, TypeError) as error:
            raise UnknownModel(
                f"{path} is damaged: fit it anew (dlm-fill eval manners), or delete it for the defaults"
            ) from error
