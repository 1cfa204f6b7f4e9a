"""Why an endpoint does not serve, as its callers are told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dormouse.domain.coldness import (
    ForcedDown,
    expected_at,
    forced_down,
    lets_through,
    seconds_until_serving,
    why_cold,
    why_never,
)
from dormouse.domain.failures import Failure, FailureKind
from dormouse.domain.ledger import Closing, Decision, KeptDown, Ledger
from dormouse.domain.rule import Rule

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
PRIOR = timedelta(minutes=8)
CLOSING = Closing(NOW, 1, is_forced=False, reason="idle")
FORCED = Closing(NOW, 1, is_forced=True, reason="put to sleep")
DELETING = Closing(NOW, 1, is_forced=False, reason="idle", deleting_at=NOW)


def slept(demand_version: int, met_version: int) -> Ledger:
    """Remember that an operator put it to sleep when the newest demand was the fourth."""
    return Ledger(demand_version, met_version, slept_version=4, slept_at=NOW)


@pytest.mark.parametrize(
    ("ledger", "says"),
    [
        (Ledger(), "is asleep"),
        (Ledger(started_at=NOW), "is being started, since 2026-02-16 09:00:00 UTC"),
        (Ledger(closing=DELETING, serving_since=NOW), "is being torn down (idle)"),
        (slept(demand_version=4, met_version=4), "was put to sleep at 2026-02-16"),
        (slept(demand_version=5, met_version=4), "is asleep, put to sleep at 2026-02-16"),
        (slept(demand_version=6, met_version=5), "is asleep, and is being"),
        (Ledger(serving_since=NOW), "does not serve at this moment"),
        (
            Ledger(decision=Decision("clear", "broken", "it is Failed (no capacity)")),
            "could not be started so far: it is Failed (no capacity)",
        ),
        (Ledger(started_at=NOW, suspended_at=NOW), "is not started: suspended at 2026-02-16 09"),
    ],
)
def test_the_cause(ledger: Ledger, says: str) -> None:
    """By what is remembered of it."""
    assert says in why_cold(ledger, NOW)


@pytest.mark.parametrize(
    ("rule", "says"),
    [("refused", "it is r"), ("removal", "r"), ("otherwise down", None)],
)
def test_what_no_demand_can_start(rule: str, says: str | None) -> None:
    """Its tags can't be obeyed, or the deployment goes."""
    assert why_never(Ledger(decision=Decision("wait", rule, "r"))) == says
    assert why_never(Ledger()) is None


@pytest.mark.parametrize(
    ("closing", "does"), [(None, True), (CLOSING, True), (FORCED, False), (DELETING, False)]
)
def test_a_closing_that_can_be_undone_lets_through(closing: Closing | None, does: bool) -> None:
    """Whoever sends undoes it."""
    assert lets_through(Ledger(serving_since=NOW, closing=closing)) is does
    assert not lets_through(Ledger(closing=closing))


def test_when_it_is_expected() -> None:
    """Now if it serves; else when a wake like the last ones would end."""
    assert expected_at(Ledger(serving_since=NOW), PRIOR, NOW) == NOW
    assert expected_at(Ledger(), PRIOR, NOW) == NOW + PRIOR
    learned = Ledger(wakes=(timedelta(minutes=5),), started_at=NOW - timedelta(minutes=1))
    assert expected_at(learned, PRIOR, NOW) == NOW + timedelta(minutes=4)


LATER = NOW + timedelta(hours=1)
FAILED = {"c": Failure(10, NOW, FailureKind.OTHER, "no image")}


def decided(rule: str, until: datetime | None = LATER) -> Ledger:
    """Remember that this rule keeps it down, and that a config has failed."""
    decision = Decision("wait", "teardown", "it goes", None, KeptDown(rule, "why", until))
    return Ledger(decision=decision, failures=FAILED)


@pytest.mark.parametrize("rule", Rule)
def test_which_rules_force_it_down(rule: Rule) -> None:
    """Those that no newer demand ends; a suspension by the operator's word, not by a tick's."""
    forces = rule in (Rule.BUDGET, Rule.BLACKOUT, Rule.CIRCUIT)
    assert forced_down(decided(rule), NOW) == (ForcedDown("why", LATER) if forces else None)


def test_a_rule_forces_until_it_ends() -> None:
    """Half open; one without an end stays."""
    ledger = decided("budget spent")
    assert forced_down(ledger, LATER - timedelta(microseconds=1)) is not None
    assert forced_down(ledger, LATER) is None
    assert forced_down(decided("circuit open", None), LATER) == ForcedDown("why", None)
    assert forced_down(Ledger(), NOW) is None
    assert forced_down(Ledger(decision=Decision("stay down", "sleep", "why")), NOW) is None


def test_a_suspension_beats_what_was_decided() -> None:
    """And tells callers not who has suspended it."""
    ledger = replace(decided("blackout window"), suspended_at=NOW, suspended_by="jo")
    forced = forced_down(ledger, NOW)
    assert forced is not None and forced.until is None
    assert forced.words == "suspended at 2026-02-16 09:00:00 UTC, until somebody resumes it"


@pytest.mark.parametrize(
    ("rule", "held", "resumed"),
    [
        ("budget spent", True, True),
        ("blackout window", False, True),
        ("circuit open", True, False),
    ],
)
def test_what_has_ended_a_rule_counts_at_once(rule: str, held: bool, resumed: bool) -> None:
    """Before a tick has decided anew: a hold, and a resume, which forgets failures."""
    ledger = decided(rule)
    by_hold = replace(ledger, hold_until=NOW + timedelta(minutes=1))
    assert (forced_down(by_hold, NOW) is not None) is held
    assert forced_down(replace(ledger, hold_until=NOW), NOW) is not None
    assert (forced_down(replace(ledger, failures={}), NOW) is not None) is resumed


@pytest.mark.parametrize(
    ("until", "seconds", "ends"),
    [
        (None, 3600, False),
        (NOW + timedelta(hours=3), 10_800, False),
        (LATER, 3600, True),
        (NOW + timedelta(seconds=59.2), 60, True),
        (NOW + timedelta(seconds=1), 5, True),
    ],
)
def test_when_to_come_again(until: datetime | None, seconds: int, ends: bool) -> None:
    """When the rule ends, in whole seconds, not at once; in an hour where nobody knows."""
    forced = ForcedDown("why", until)
    assert forced.retry_after_seconds(NOW) == seconds
    assert forced.ends_by(LATER) is ends


def test_what_is_kept_down_serves_a_wake_after_the_end() -> None:
    """Whoever waits for it; nobody can say when it is resumed."""
    ledger = replace(decided("blackout window"), wakes=(timedelta(minutes=5),))
    assert expected_at(ledger, PRIOR, NOW) == LATER + timedelta(minutes=5)
    assert seconds_until_serving(ledger, PRIOR, NOW) == 3900
    suspended = Ledger(suspended_at=NOW, serving_since=NOW)
    assert expected_at(suspended, PRIOR, NOW) is None
    assert seconds_until_serving(suspended, PRIOR, NOW) == 3600
