"""Property tests that say the same on every machine.

No deadline per example (a busy machine is no defect) and the same examples each time, so that a run that was green
stays green. To look for more: `pytest --hypothesis-profile=default --hypothesis-seed=random`.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")
