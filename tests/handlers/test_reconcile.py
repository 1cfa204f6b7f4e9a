"""`reconcile`: an event in, ticks and intents carried out, their log and counters."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from dormouse.domain.activity import Unreadable
from dormouse.domain.endpoint import EndpointStatus, Observation
from dormouse.domain.intent import IntentError
from dormouse.errors import AwsError, RefusedEndpointError, UnmanagedEndpointError
from tests.fakes.world import config
from tests.handlers.conftest import Handlers, golden

SERVING = EndpointStatus.IN_SERVICE


def entry(report: Any) -> Any:
    """Read the only entry of a whole tick."""
    assert set(report) == {"complete", "endpoints"}
    assert report["complete"] is True
    (only,) = report["endpoints"]
    return only


@pytest.mark.parametrize(
    ("file", "counted"),
    [
        ("reconcile-scheduled.json", "Ticks"),
        ("reconcile-nudge.json", "Nudges"),
        ("reconcile-endpoint-state-change.json", "Nudges"),
    ],
)
def test_each_trigger_makes_a_tick(handlers: Handlers, file: str, counted: str) -> None:
    """The entry of an endpoint holds its plan in words. The watchdog's alarm stands on the ticks of
    the schedule alone.
    """
    assert handlers.reconcile(golden(file)) == {
        "complete": True,
        "endpoints": [
            {
                "endpoint": "dormouse",
                "action": "stay down",
                "rule": "otherwise down",
                "reason": "it does not exist and nobody needs it",
                "next_look_at": None,
                "problem": None,
            }
        ],
    }
    assert handlers.counts() == {counted: 1}


def test_a_tick_over_nothing_is_whole(handlers: Handlers) -> None:
    """Before the tags can be seen, or for somebody else's endpoint."""
    handlers.world.catalog.configs.clear()
    assert handlers.reconcile(golden("reconcile-scheduled.json")) == {
        "complete": True,
        "endpoints": [],
    }
    assert handlers.counts() == {"Ticks": 1}


def test_a_wake_starts_it_in_the_same_invocation(handlers: Handlers) -> None:
    """As one request would."""
    assert entry(handlers.reconcile(golden("reconcile-wake.json")))["action"] == "start"
    assert handlers.counts() == {"Nudges": 1, "Starts": 1}


def test_a_wake_for_a_time_records_a_hold_and_starts(handlers: Handlers) -> None:
    """The answer is JSON."""
    report = handlers.reconcile(golden("reconcile-wake-for.json"))

    assert entry(json.loads(json.dumps(report))) == {
        "endpoint": "dormouse",
        "action": "start",
        "rule": "hold",
        "reason": "needed until 2026-02-16 11:00:00 UTC: it is held",
        "next_look_at": "2026-02-16T11:00:00+00:00",
        "problem": None,
    }
    assert handlers.counts()["Starts"] == 1


def test_every_intent_is_taken_directly(handlers: Handlers) -> None:
    """Recorded first, and carried out by the tick that follows at once."""
    handlers.world.endpoints.put("dormouse", SERVING)
    handlers.clock.advance(hours=1)
    for intent, action in (
        ({"action": "hold", "for": "2h"}, "stay up"),
        ({"action": "sleep"}, "stop"),
        ({"action": "hold", "until": "2026-02-16T18:00:00Z"}, "wait"),
    ):
        answer = handlers.reconcile({**intent, "endpoint": "dormouse"})
        assert entry(answer)["action"] == action
    handlers.clock.advance(minutes=1)
    assert entry(handlers.reconcile(golden("reconcile-nudge.json")))["rule"] == "hold"
    handlers.clock.advance(hours=1)
    released = entry(handlers.reconcile({"action": "release", "endpoint": "dormouse"}))
    assert (released["action"], released["rule"]) == ("stop", "otherwise down")
    assert handlers.counts() == {"Nudges": 1, "Starts": 1, "Stops": 1}


def test_an_intent_is_logged(handlers: Handlers) -> None:
    """With the endpoint as a field."""
    handlers.reconcile(golden("reconcile-wake.json"))

    (line,) = [line for line in handlers.logged("INFO") if line["message"] == "intent"]
    assert line["endpoint"] == "dormouse"
    assert "Wake" in line["intent"]


@pytest.mark.parametrize("needed", [False, True])
def test_unreadable_metrics_raise_the_alarm_metric(handlers: Handlers, needed: bool) -> None:
    """The template's alarm stands on it; also where the config has changed."""
    name = "former-config" if needed else "dormouse-config"
    handlers.world.endpoints.put("dormouse", SERVING, config_name=name)
    handlers.clock.advance(hours=1)
    handlers.world.metrics.answer = Unreadable("throttled")

    report = handlers.reconcile(golden("reconcile-scheduled.json"))

    assert entry(report)["action"] == ("update" if needed else "stay up")
    assert handlers.counts()["MetricsUnreadable"] == 1


def test_a_failed_endpoint_is_counted(handlers: Handlers) -> None:
    """An alarm stands on it, since a start that fails again and again costs time and money."""
    handlers.world.endpoints.put("dormouse", EndpointStatus.FAILED)

    assert entry(handlers.reconcile(golden("reconcile-scheduled.json")))["action"] == "clear"
    assert handlers.counts() == {"Ticks": 1, "FailedEndpoints": 1, "Clears": 1}


def test_each_change_is_counted_once_it_is_made(handlers: Handlers) -> None:
    """A refused one is a problem instead."""
    handlers.world.endpoints.put("dormouse", SERVING, config_name="former-config")
    handlers.world.endpoints.refuses_update = "UpdateEndpoint refused: no"
    handlers.reconcile(golden("reconcile-scheduled.json"))
    assert handlers.counts() == {"Ticks": 1, "Problems": 1}
    handlers.world.endpoints.refuses_update = None
    handlers.world.clock.advance(minutes=2)
    handlers.reconcile(golden("reconcile-scheduled.json"))
    assert handlers.counts() == {"Ticks": 1, "Updates": 1}


def test_a_problem_is_logged_as_an_error_and_counted(handlers: Handlers) -> None:
    """With the endpoint as a field, never as a dimension."""
    handlers.world.endpoints.unreadable = "DescribeEndpoint failed: timeout"

    report = handlers.reconcile(golden("reconcile-scheduled.json"))

    assert entry(report)["problem"] == "DescribeEndpoint failed: timeout"
    (line,) = handlers.logged("ERROR")
    assert (line["message"], line["endpoint"]) == ("DescribeEndpoint failed: timeout", "dormouse")
    assert handlers.counts() == {"Ticks": 1, "Problems": 1}


def test_a_bad_tag_is_one_clear_sentence_in_the_log(handlers: Handlers) -> None:
    """For whoever looks why nothing happens."""
    handlers.world.catalog.configs[:] = [config("dormouse", idle_timeout="soon")]

    handlers.reconcile(golden("reconcile-scheduled.json"))

    (line,) = handlers.logged("ERROR")
    assert line["message"] == (
        "EndpointConfig dormouse-config, tag dormouse:idle-timeout: 'soon' is not a duration: "
        "write an integer and s, m or h, as in 15m"
    )


def test_what_another_deployment_manages_is_no_error(handlers: Handlers) -> None:
    """No alarm for what is in order."""
    handlers.world.catalog.configs[:] = [config("reviews", stack="other-stack")]

    assert entry(handlers.reconcile(golden("reconcile-scheduled.json")))["rule"] == "refused"
    assert handlers.logged("ERROR") == []
    assert handlers.counts() == {"Ticks": 1}


def lister(handlers: Handlers) -> Callable[[], Mapping[str, Observation]]:
    """List the endpoints as they are now, at once."""
    listed = handlers.world.endpoints.observe_all()
    return lambda: listed


def test_a_tick_ends_before_lambda_ends_it(
    handlers: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed, it would lose its metrics, and with them the alarm that says why it was slow."""
    handlers.world.catalog.configs.append(config("reviews"))
    observe = handlers.world.endpoints.observe

    def slowly(endpoint: str) -> Observation:
        handlers.world.clock.advance(seconds=30.001)
        return observe(endpoint)

    for name in ("dormouse", "reviews"):
        handlers.world.endpoints.put(name, SERVING)
    monkeypatch.setattr(handlers.world.endpoints, "observe_all", lister(handlers))
    monkeypatch.setattr(handlers.world.endpoints, "observe", slowly)

    report = handlers.reconcile(golden("reconcile-scheduled.json"))

    assert (report["complete"], len(report["endpoints"])) == (False, 1)
    assert handlers.counts() == {"TicksCutShort": 1, "Ticks": 1}
    assert len(handlers.logged("ERROR")) == 1


def test_a_nudge_carries_the_id_of_the_request_into_the_log_of_the_tick(
    handlers: Handlers,
) -> None:
    """The logs of both functions can be put together."""
    handlers.reconcile({**golden("reconcile-nudge.json"), "id": "request-1"})

    assert {line["correlation_id"] for line in handlers.printed() if "level" in line} == {
        "request-1"
    }


@pytest.mark.parametrize(
    ("event", "error", "words"),
    [
        ({"action": "dance"}, IntentError, "'dance'"),
        (None, IntentError, "NoneType"),
        ({"action": "reconcile", "endpont": "x"}, IntentError, '"endpont"'),
        ({"action": "wake", "endpoint": "nobody"}, UnmanagedEndpointError, "nobody"),
        ({"action": "sleep", "endpoint": "foreign"}, RefusedEndpointError, "other-stack"),
    ],
)
def test_a_bad_event_does_nothing_and_names_the_part(
    handlers: Handlers, event: object, error: type[Exception], words: str
) -> None:
    """The invocation fails, which an operator sees."""
    handlers.world.catalog.configs.append(config("foreign", stack="other-stack"))
    with pytest.raises(error, match=words):
        handlers.reconcile(event)
    assert handlers.counts() == {"Problems": 1}
    assert handlers.table.read_all() == {}


def test_tags_that_cannot_be_read_fail_the_tick(handlers: Handlers) -> None:
    """No tick was made, so none is counted: the watchdog's alarm stands on that."""
    handlers.world.catalog.unreadable = "GetResources refused: Throttling"
    with pytest.raises(AwsError, match="GetResources"):
        handlers.reconcile(golden("reconcile-scheduled.json"))
    assert handlers.counts() == {"Problems": 1}


def test_it_obeys_the_tombstone(handlers: Handlers) -> None:
    """Whatever is asked."""
    handlers.world.endpoints.put("dormouse", SERVING)
    handlers.table.begin_removal(handlers.clock())

    removed = entry(handlers.reconcile(golden("reconcile-wake-for.json")))

    assert (removed["action"], removed["rule"]) == ("stop", "removal")
