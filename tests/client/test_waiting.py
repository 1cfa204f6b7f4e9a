"""Waiting for an endpoint: when it ends, how it ends, and what is shown meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from dormouse_cli.endpoint import Endpoint, read_endpoint
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.waiting import DECISION_SECONDS, POLL_SECONDS, decided, pause, wait_for
from tests.client.clock import StillClock
from tests.client.fake_aws import FakeEndpoint


def endpoint(state: str, **fields: Any) -> Endpoint:
    return read_endpoint(FakeEndpoint("dormouse", state).document() | fields)


@dataclass
class Shown:
    """What a user would have seen, each once."""

    seen: list[tuple[str, str]] = field(default_factory=list)
    elapsed: list[float] = field(default_factory=list)

    def show(self, standing: str, reason: str, elapsed_seconds: float) -> None:
        """Note it."""
        if (standing, reason) not in self.seen[-1:]:
            self.seen.append((standing, reason))
        self.elapsed.append(elapsed_seconds)


def wait(
    first: Endpoint, then: Sequence[Endpoint | CliError], *, timeout: float = 1200
) -> tuple[Endpoint, Shown, StillClock]:
    """Wait until it serves; the last of `then` stays."""
    looks, shown, clock = list(then), Shown(), StillClock()

    def look() -> Endpoint:
        seen = looks.pop(0) if len(looks) > 1 else looks[0]
        if isinstance(seen, CliError):
            raise seen
        return seen

    ended = wait_for("serving", first, look, shown, timeout_seconds=timeout, clock=clock.clock)
    return ended, shown, clock


def test_it_ends_when_it_serves() -> None:
    """It is looked at every two seconds, no sooner."""
    ended, shown, clock = wait(
        endpoint("asleep"), [endpoint("asleep"), endpoint("waking"), endpoint("serving")]
    )
    assert ended.state == "serving"
    assert clock.seconds == pytest.approx(3 * POLL_SECONDS)
    assert [standing for standing, _ in shown.seen] == [
        "dormouse is asleep",
        "dormouse is waking (Creating)",
    ]
    assert shown.elapsed == sorted(shown.elapsed)


def test_what_serves_already_is_not_waited_for() -> None:
    """Not a single look."""
    ended, shown, clock = wait(endpoint("serving"), [CliError("nobody looks")])
    assert (ended.state, shown.seen, clock.seconds) == ("serving", [], 0.0)


def test_a_wake_under_way_counts_from_its_begin() -> None:
    """By SageMaker's time; a clock that is slow makes it none."""
    begun = endpoint("waking", status_since="2026-11-22T15:58:00.000Z")
    _, shown, _ = wait(begun, [endpoint("serving")])
    assert shown.elapsed[0] == 120.0
    ahead = endpoint("waking", status_since="2026-11-22T16:01:00.000Z")
    _, shown, _ = wait(ahead, [endpoint("serving")])
    assert shown.elapsed[0] == 0.0


def test_a_failure_ends_it_with_its_reason() -> None:
    """And with what comes next."""
    failed = endpoint("failed", failure_reason="No capacity.", next="tries again in 5 min")
    with pytest.raises(CliError) as error:
        wait(endpoint("asleep"), [endpoint("waking"), failed])
    assert error.value.exit_code == ExitCode.FAILED
    assert error.value.message == "dormouse has failed: No capacity. Next: tries again in 5 min."
    assert error.value.details == {"failure_reason": "No capacity."}


def test_an_old_failure_is_about_to_be_cleared_away() -> None:
    """It was there before; the next one counts, and one that nobody clears away."""
    old = endpoint("failed", status_since="2026-11-22T12:00:00.000Z", failure_reason="why")
    new = endpoint("failed", status_since="2026-11-22T16:00:00.000Z", failure_reason="Again.")
    ended, _, _ = wait(old, [old, endpoint("stopping"), endpoint("waking"), endpoint("serving")])
    assert ended.state == "serving"
    with pytest.raises(CliError, match="has failed: why"):
        wait(old, [old])
    with pytest.raises(CliError, match="has failed: Again"):
        wait(old, [old, endpoint("asleep"), endpoint("waking"), new])


@pytest.mark.parametrize("until", [None, "2099-01-01T00:00:00.000Z"])
def test_nobody_waits_for_what_a_rule_keeps_down(until: str | None) -> None:
    """Longer than he would wait."""
    rule = {"reason": "the budget is spent", "until": until}
    with pytest.raises(CliError, match="dormouse is not started: the budget is spent") as failure:
        wait(endpoint("asleep"), [endpoint("asleep", kept_down=rule)])
    assert failure.value.exit_code == ExitCode.TRY_AGAIN
    assert "resume" not in failure.value.message


def test_what_is_kept_down_for_a_moment_is_waited_for() -> None:
    """The rule ends meanwhile."""
    rule = {"reason": "a blackout window", "until": "2000-01-01T00:00:00.000Z"}
    ended, _, _ = wait(endpoint("asleep", kept_down=rule), [endpoint("serving")])
    assert ended.state == "serving"


def test_the_time_is_over() -> None:
    """Not a moment later, with how it stands."""
    with pytest.raises(CliError) as error:
        wait(endpoint("asleep"), [endpoint("waking")], timeout=91)
    assert error.value.exit_code == ExitCode.TRY_AGAIN
    assert "dormouse is not serving after 2 min: it is waking" in error.value.message
    assert error.value.details == {"state": "waking"}


def test_the_control_api_may_be_away_for_a_while() -> None:
    """The user learns of it, and the wait goes on."""
    away = CliError("The control API can't be reached: why", ExitCode.UNAVAILABLE)
    ended, shown, _ = wait(endpoint("asleep"), [away, away, endpoint("serving")])
    assert ended.state == "serving"
    assert ("dormouse is asleep", away.message) in shown.seen
    with pytest.raises(CliError, match="after 30 s: The control API can't be reached"):
        wait(endpoint("asleep"), [away], timeout=30)


def test_what_waiting_does_not_mend_ends_it() -> None:
    """Credentials that have expired meanwhile."""
    with pytest.raises(CliError, match="expired"):
        wait(endpoint("asleep"), [CliError("expired", ExitCode.NOT_PERMITTED)])


def test_a_pause_is_as_long_as_it_says() -> None:
    """With nobody to ask."""
    clock, shown = StillClock(), Shown()
    pause(7, "dormouse wakes", "asleep", shown, clock=clock.clock)
    assert clock.seconds == pytest.approx(7)
    assert shown.seen == [("dormouse wakes", "asleep")]


def test_an_intent_s_answer_is_what_was_decided_after_it() -> None:
    """Which takes a tick: what the answer itself says is from before."""
    before, after = endpoint("serving"), endpoint("stopping", decision={"reason": "put to sleep"})
    looks, clock = [before, after], StillClock()
    assert decided(before, lambda: looks.pop(0), clock=clock.clock) is after
    assert clock.seconds == 2 * DECISION_SECONDS


def test_nobody_waits_for_a_decision_that_does_not_change() -> None:
    """A few looks, and what was decided before holds."""
    before, same, clock = endpoint("serving"), endpoint("serving"), StillClock()
    assert decided(before, lambda: same, clock=clock.clock) is same
    assert clock.seconds == 4 * DECISION_SECONDS


def test_an_intent_that_can_t_be_seen_is_recorded_all_the_same() -> None:
    """Its own answer says so."""

    def away() -> Endpoint:
        raise CliError("away", ExitCode.UNAVAILABLE)

    first = endpoint("serving")
    assert decided(first, away, clock=StillClock().clock) is first
