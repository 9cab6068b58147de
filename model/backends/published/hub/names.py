"""Names of models on the hub: `ORG/NAME` or `ORG/NAME@REVISION`. Importing it costs nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<revision>[\w./-]+))?")


@dataclass(frozen=True)
class HubName:
    """`revision`: a branch, a tag or a commit (None: the main branch)."""

    repo: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{self.repo}@{self.revision}" if self.revision else self.repo


def hub_name(name: str) -> HubName | None:
    """What `name` says, if it has the form of a name on the hub."""
    found = _NAME.fullmatch(name)
    return HubName(found["repo"], found["revision"]) if found else None
