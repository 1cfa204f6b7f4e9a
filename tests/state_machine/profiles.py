"""How often the state machine runs: in `make test`, and at night."""

import os
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, settings

NIGHTLY = "nightly"


@dataclass(frozen=True, slots=True)
class Profile:
    """So many runs, of so many steps each."""

    runs: int
    steps: int


_SHORT = Profile(runs=600, steps=40)
_PROFILES = {NIGHTLY: Profile(runs=2500, steps=60)}


def machine_settings(*, is_seeded: bool = False) -> settings:
    """Settings of the profile that HYPOTHESIS_PROFILE names; that of `make test` without it.

    With `is_seeded` those of `make test`, always with the same runs, and the first failure ends
    them as it is.
    """
    name = os.environ.get("HYPOTHESIS_PROFILE", "")
    chosen = _SHORT if is_seeded else _PROFILES.get(name, _SHORT)
    common = settings(
        max_examples=chosen.runs,
        stateful_step_count=chosen.steps,
        deadline=None,
        # Much is drawn in a run, and not every rule applies at every moment.
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    if not is_seeded:
        return common
    return settings(common, derandomize=True, database=None, phases=[Phase.generate])
