"""The rules by which it is decided whether an endpoint is up."""

from enum import StrEnum


class Rule(StrEnum):
    """Which rule decided.

    Those of the precedence come first, in their order (see precedence.py); the others say what
    keeps a decision from being carried out, or takes its place.
    """

    SUSPENDED = "suspended"
    BUDGET = "budget spent"
    HOLD = "hold"
    MAX_UP = "max-up reached"
    SLEEP = "sleep"
    BLACKOUT = "blackout window"
    SCHEDULE = "keep-up window"
    WAITING_WORK = "waiting work"
    RECENT_ACTIVITY = "recent activity"
    FORECAST = "forecast"
    MIN_UP = "min-up"
    OTHERWISE_DOWN = "otherwise down"

    REMOVAL = "removal"
    TEARDOWN = "teardown"
    """It was decided before that it goes; that is driven on."""
    IN_TRANSITION = "in transition"
    STUCK = "stuck"
    """It has been in transition for longer than that ever takes."""
    BROKEN = "broken"
    CIRCUIT = "circuit open"
    """It is wanted, but has failed too lately to be started again."""
    FAIL_SAFE = "fail safe"
    REFUSED = "refused"
