"""How the threads of numerical libraries wait."""

from __future__ import annotations

import os


def wait_asleep() -> None:
    """Have threads wait in sleep, not in a loop: on a busy machine that is worth a factor of ten.

    Only the environment reaches the runtime, and only before it is loaded: call this before torch is imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
