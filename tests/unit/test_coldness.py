"""Why an endpoint does not serve, as its callers are told."""

from datetime import UTC, datetime, timedelta

import pytest

from dormouse.domain.coldness import expected_at, lets_through, why_cold, why_never
from dormouse.domain.ledger import Closing, Decision, Ledger

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
    ],
)
def test_the_cause(ledger: Ledger, says: str) -> None:
    """By what is remembered of it."""
    assert says in why_cold(ledger)


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
