"""The rule of precedence, exhaustively: of all rules that apply, the first one decides."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations

import pytest

from dormouse.domain.endpoint import Absent, EndpointStatus, Observation
from dormouse.domain.ledger import Ledger
from dormouse.domain.named_schedules import parse_schedule
from dormouse.domain.parked_request import Kind, ParkedRequest, Status
from dormouse.domain.precedence import Case, Finding, findings, rule_on
from dormouse.domain.rule import Rule
from dormouse.domain.spec import Policy, Spec
from dormouse.domain.spending import Budget, Spent
from dormouse.domain.waiting import NOBODY, Waiting
from tests.unit.planning import IDLE, NOW, SPEC, TIMING, foreseen, script, seen

ORDER = [
    Rule.SUSPENDED,
    Rule.BUDGET,
    Rule.HOLD,
    Rule.MAX_UP,
    Rule.SLEEP,
    Rule.BLACKOUT,
    Rule.SCHEDULE,
    Rule.WAITING_WORK,
    Rule.RECENT_ACTIVITY,
    Rule.FORECAST,
    Rule.MIN_UP,
]
FORCING = {Rule.SUSPENDED, Rule.BUDGET, Rule.MAX_UP, Rule.SLEEP, Rule.BLACKOUT}
# These say something of an endpoint that serves only.
OF_SERVING = {Rule.MAX_UP, Rule.RECENT_ACTIVITY, Rule.MIN_UP}

SERVING = seen(EndpointStatus.IN_SERVICE)
PARKED = ParkedRequest(
    endpoint="reviews",
    id="r-1",
    kind=Kind.RESPOND_ASYNC,
    status=Status.PARKED,
    principal="arn:aws:iam::123456789012:role/caller",
    headers={},
    body_key="bodies/r-1",
    fingerprint="f",
    accepted_at=NOW - timedelta(minutes=1),
    expires_at=NOW + timedelta(hours=6),
)


@dataclass(frozen=True)
class Made:
    """What a case is made of."""

    spec: Spec = SPEC
    ledger: Ledger = IDLE
    waiting: Waiting = NOBODY

    def case(self, observation: Observation, now: datetime = NOW) -> Case:
        """Put it together."""
        return Case(self.spec, self.ledger, observation, self.waiting, TIMING, now)


def _spec(made: Made, **changes: object) -> Made:
    return replace(made, spec=replace(made.spec, **changes))  # type: ignore[arg-type] # named fields


def _ledger(made: Made, **changes: object) -> Made:
    return replace(made, ledger=replace(made.ledger, **changes))  # type: ignore[arg-type] # likewise


# It would stop it in an hour, and start it now.
WANTED = foreseen(stop=timedelta(hours=1), start=timedelta(0))

# NOW is a Monday, 12:00 UTC.
MAKE: dict[Rule, Callable[[Made], Made]] = {
    Rule.SUSPENDED: lambda made: _ledger(made, suspended_at=NOW - timedelta(days=1)),
    Rule.BUDGET: lambda made: _ledger(
        _spec(made, budget=Budget(hours=Decimal(10))),
        spent=Spent("2026-02", up=timedelta(hours=11)),
    ),
    Rule.HOLD: lambda made: _ledger(made, hold_until=NOW + timedelta(hours=1)),
    Rule.MAX_UP: lambda made: _spec(made, max_up=timedelta(hours=2)),
    Rule.SLEEP: lambda made: _ledger(made, slept_version=9, slept_at=NOW - timedelta(minutes=1)),
    Rule.BLACKOUT: lambda made: _spec(made, blackout=parse_schedule("Mon 11:00-13:30")),
    Rule.SCHEDULE: lambda made: _spec(made, schedule=parse_schedule("Mon-Fri 08:00-18:00")),
    Rule.WAITING_WORK: lambda made: replace(made, waiting=Waiting(parked=(PARKED,))),
    Rule.RECENT_ACTIVITY: lambda made: _ledger(made, last_request_at=NOW - timedelta(minutes=2)),
    Rule.FORECAST: lambda made: _ledger(
        _spec(made, policy=Policy.FORECAST, idle_timeout=None), demand_history=WANTED
    ),
    Rule.MIN_UP: lambda made: _spec(made, min_up=timedelta(hours=24)),
}


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)


def make(rules: tuple[Rule, ...]) -> Made:
    """Let these rules apply, and no others."""
    made = Made()
    for rule in rules:
        made = MAKE[rule](made)
    return made


def decide(made: Made, observation: Observation, now: datetime = NOW) -> Finding:
    """Say which rule decides."""
    return rule_on(findings(made.case(observation, now))).finding


def subsets(rules: list[Rule]) -> list[tuple[Rule, ...]]:
    """Every choice of rules, none and all among them."""
    return [chosen for size in range(len(rules) + 1) for chosen in combinations(rules, size)]


def test_every_rule_is_asked_in_the_order_that_the_readme_states() -> None:
    """The last of them always applies."""
    asked = findings(Made().case(SERVING))

    assert [finding.rule for finding in asked] == [*ORDER, Rule.OTHERWISE_DOWN]
    assert [finding.rule for finding in asked if finding.applies] == [Rule.OTHERWISE_DOWN]


@pytest.mark.parametrize("rule", ORDER)
def test_each_alone_decides_and_says_why(rule: Rule) -> None:
    """Up or down, in words, whatever the endpoint's name."""
    finding = decide(make((rule,)), SERVING)

    assert finding.rule is rule
    assert finding.words
    assert finding.forces_down is (rule in FORCING)
    assert finding.is_up is (rule not in FORCING)


@pytest.mark.parametrize(
    ("winner", "loser"), [(a, b) for i, a in enumerate(ORDER) for b in ORDER[i + 1 :]]
)
def test_of_each_pair_the_earlier_one_decides(winner: Rule, loser: Rule) -> None:
    """Both apply: without the winner the other one does."""
    assert decide(make((winner, loser)), SERVING).rule is winner
    assert decide(make((loser,)), SERVING).rule is loser


def test_of_every_choice_of_rules_the_first_decides() -> None:
    """2,048 of them for an endpoint that serves, 256 for one that is absent."""
    for observation, rules in (
        (SERVING, ORDER),
        (Absent(), [rule for rule in ORDER if rule not in OF_SERVING]),
    ):
        for chosen in subsets(rules):
            expected = chosen[0] if chosen else Rule.OTHERWISE_DOWN
            asked = findings(make(chosen).case(observation))
            applying = tuple(f.rule for f in asked if f.applies)
            assert rule_on(asked).finding.rule is expected, chosen
            assert applying == (*chosen, Rule.OTHERWISE_DOWN)


@pytest.mark.parametrize("rule", sorted(OF_SERVING))
def test_what_only_keeps_says_nothing_of_what_is_absent(rule: Rule) -> None:
    """Recent activity does not start what somebody has deleted."""
    assert decide(make((rule,)), Absent()).rule is Rule.OTHERWISE_DOWN


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment in February 2026; the 16th is a Monday."""
    return datetime(2026, 2, day, hour, minute, tzinfo=UTC)


def test_the_next_change_is_the_nearest_of_the_winner_and_those_above_it() -> None:
    """A hold until 13:00 ends before the window that begins at 17:30 could change anything."""
    held = _spec(make((Rule.HOLD,)), blackout=parse_schedule("Mon 17:30-18:00"))
    kept = _spec(make((Rule.SCHEDULE,)), blackout=parse_schedule("Mon 17:30-18:00"))

    assert rule_on(findings(held.case(SERVING))).changes_at == utc(16, 13)
    # The blackout stands above the keep-up window, and cuts it short.
    assert rule_on(findings(kept.case(SERVING))).changes_at == utc(16, 17, 30)


def test_down_until_the_next_window() -> None:
    """It is started earlier: by its learned wake, a tick, and two minutes of its own at most."""
    made = _ledger(make(()), wakes=(timedelta(minutes=6),))
    made = _spec(made, schedule=parse_schedule("Tue 08:00-18:00"))
    ruling = rule_on(findings(made.case(Absent())))

    assert ruling.finding.rule is Rule.OTHERWISE_DOWN
    assert ruling.changes_at is not None
    assert utc(17, 7, 51) <= ruling.changes_at <= utc(17, 7, 53)
    assert decide(made, Absent(), ruling.changes_at).rule is Rule.SCHEDULE
    assert decide(made, Absent(), ruling.changes_at - timedelta(seconds=1)).rule is not (
        Rule.SCHEDULE
    )


def test_a_missed_tick_loses_nothing_of_a_window() -> None:
    """It is a state: whoever looks in the middle of it finds it."""
    made = make((Rule.SCHEDULE,))

    assert decide(made, Absent(), utc(16, 17, 59)).rule is Rule.SCHEDULE
    assert decide(made, Absent(), utc(16, 18, 0)).rule is Rule.OTHERWISE_DOWN


def test_endpoints_of_the_same_window_are_not_started_together() -> None:
    """Each has its own lead, always the same."""
    starts = set()
    for number in range(50):
        made = _spec(
            make(()), endpoint=f"reviews-{number}", schedule=parse_schedule("Tue 08:00-18:00")
        )
        starts.add(rule_on(findings(made.case(Absent()))).changes_at)

    assert len(starts) == 50


def test_a_window_reaches_no_further_than_a_blackout() -> None:
    """A blackout stands above the pre-warm, too."""
    made = _spec(
        make(()),
        schedule=parse_schedule("Tue 08:00-18:00"),
        blackout=parse_schedule("Tue 00:00-08:00"),
    )

    assert decide(made, Absent(), utc(17, 7, 59)).rule is Rule.BLACKOUT
    assert decide(made, Absent(), utc(17, 8, 0)).rule is Rule.SCHEDULE


def test_unmet_demand_waits_for_what_does_not_serve_and_not_for_ever() -> None:
    """Whoever still waits asks again."""
    asked = _ledger(Made(), demand_version=4, demand_at=NOW - timedelta(minutes=59))

    assert decide(asked, Absent()).rule is Rule.WAITING_WORK
    assert decide(asked, Absent(), NOW + timedelta(minutes=1)).rule is Rule.OTHERWISE_DOWN
    assert decide(asked, SERVING).rule is Rule.OTHERWISE_DOWN
