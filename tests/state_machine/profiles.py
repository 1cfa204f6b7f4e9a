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


PROFILES = {"": Profile(240, 40), NIGHTLY: Profile(2500, 60)}


def profile() -> Profile:
    """Choose it by HYPOTHESIS_PROFILE."""
    name = os.environ.get("HYPOTHESIS_PROFILE", "")
    return PROFILES.get(name, PROFILES[""])


def machine_settings(*, shrinks: bool = True, **more: bool) -> settings:
    """Settings of the chosen profile; without `shrinks` the first failure will do."""
    chosen = profile()
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    return settings(
        max_examples=chosen.runs,
        stateful_step_count=chosen.steps,
        deadline=None,
        # Much is drawn in a run, and not every rule applies at every moment.
        suppress_health_check=list(HealthCheck),
        phases=[*phases, Phase.shrink] if shrinks else phases,
        **more,
    )
