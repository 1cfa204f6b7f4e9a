"""What becomes of the endpoints when the deployment itself is deleted."""

from collections.abc import Mapping
from dataclasses import dataclass

from dormouse.domain.endpoint import Absent, Observation, Ownership
from dormouse.domain.plan import Action, Plan, decide_down
from dormouse.domain.rule import Rule

# With these nothing is left to do.
SETTLED = frozenset({Action.STAY_DOWN, Action.RELEASE})


@dataclass(frozen=True, slots=True)
class TickReport:
    """What a whole tick planned for each endpoint, by its name, and why; `is_complete` unless the
    time did not suffice for all of them.
    """

    is_complete: bool
    actions: Mapping[str, str]
    reasons: Mapping[str, str]


def decide_removal(seen: Observation, ownership: Ownership, stack_name: str) -> Plan:
    """Delete what this deployment has created, and leave everything else as it is.

    An endpoint that ran before it was handed over goes back to its owner, running.
    """
    if not isinstance(seen, Absent) and ownership.created_by != stack_name:
        return release(stack_name)
    return decide_down(seen, Rule.REMOVAL, f"the stack {stack_name} is being deleted")


def release(stack_name: str) -> Plan:
    """Give it back to its owner."""
    words = f"the stack {stack_name} is being deleted, and has not created it"
    return Plan(Action.RELEASE, Rule.REMOVAL, words)
