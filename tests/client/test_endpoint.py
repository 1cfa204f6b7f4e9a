"""Reading what the control API answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse_cli.endpoint import Waiting, read_endpoint, read_endpoints
from dormouse_cli.fields import UnreadableAnswer
from tests.client.fake_aws import FakeEndpoint


def answer(**fields: Any) -> dict[str, Any]:
    return FakeEndpoint("dormouse").document() | fields


def test_an_endpoint_is_read() -> None:
    """Each field as what it is; the document stays as it came."""
    document = answer(
        state="serving", status="InService", status_since="2026-11-22T16:25:49.120Z", newer_field=1
    )
    endpoint = read_endpoint(document)

    assert (endpoint.name, endpoint.state, endpoint.status) == ("dormouse", "serving", "InService")
    assert endpoint.status_since == datetime(2026, 11, 22, 16, 25, 49, 120_000, tzinfo=UTC)
    assert endpoint.principals == ("111122223333",)
    assert (endpoint.policy, endpoint.idle_timeout_seconds) == ("fixed", 900)
    assert endpoint.delay_cost_seconds is None
    assert endpoint.decision == endpoint.decisions[0]
    assert endpoint.why == "nobody asked for it"
    assert endpoint.document == document


def test_what_is_absent_is_unknown() -> None:
    """Only the name and the state must be there."""
    endpoint = read_endpoint({"name": "a", "state": "asleep"})
    assert (endpoint.decision, endpoint.next, endpoint.decisions, endpoint.why) == (
        None,
        "",
        (),
        "",
    )


def test_a_warm_up_is_part_of_how_it_stands() -> None:
    """InService is not ready: the models have to be loaded."""
    warm_up = {"models": 5, "invoked": 3, "ended_at": None}
    endpoint = read_endpoint(answer(state="serving", status="InService", warm_up=warm_up))

    assert endpoint.standing == "InService, 3 of 5 models invoked since"
    assert read_endpoint(answer(warm_up=warm_up)).standing is None
    assert read_endpoint(answer(status="InService")).standing == "InService"


def test_requests_that_wait() -> None:
    """How many, and since when."""
    waiting = {"parked": 3, "released": 1, "oldest_at": "2026-11-22T16:25:49.120Z"}
    endpoint = read_endpoint(answer(waiting=waiting))

    assert endpoint.waiting == Waiting(
        3, 1, datetime(2026, 11, 22, 16, 25, 49, 120_000, tzinfo=UTC)
    )


def test_a_failure_speaks_for_itself() -> None:
    """Rather than the decision that followed it."""
    assert (
        read_endpoint(answer(state="failed", failure_reason="No capacity.")).why == "No capacity."
    )


def test_a_refusal_comes_before_all_else() -> None:
    """Tags that can't be obeyed: nothing is done until they are put right."""
    assert read_endpoint(answer(problem="'x' is no duration")).why == "'x' is no duration"


def test_nothing_of_an_answer_steers_the_terminal() -> None:
    """A FailureReason can hold what a container printed."""
    endpoint = read_endpoint(answer(failure_reason="\x1b[2Jgone\r\nand \x07more"))
    assert endpoint.failure_reason == "[2Jgone and more"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": None},
        {"state": 5},
        {"status_since": "yesterday"},
        {"status_since": "2026-11-22T16:25:49"},
        {"principals": "111122223333"},
        {"principals": [5]},
        {"idle_timeout_seconds": "15m"},
        {"delay_cost_seconds": "15m"},
        {"expected_wake_seconds": True},
        {"expected_wake_seconds": -1},
        {"decision": []},
        {"decisions": [None]},
        {"warm_up": []},
        {"waiting": "3"},
        {"suspended_at": "yesterday"},
        {"kept_down": {"reason": ""}},
        {"kept_down": []},
        {"schedule": {"text": None}},
        {"blackout": {"text": "x", "window": "now"}},
        {"spent": {"month": "2026-11", "hours": "3"}},
        {"fall_backs": "c-1"},
        {"is_fallen_back": "no"},
        {"failures": [{"count": 1}]},
    ],
)
def test_what_breaks_the_promise_is_refused(fields: dict[str, Any]) -> None:
    """By the field's name."""
    with pytest.raises(
        UnreadableAnswer,
        match=r"decision|reason|text|window|hours|endpoint_config|" + next(iter(fields)),
    ):
        read_endpoint(answer(**fields))


@pytest.mark.parametrize("broken", [None, [], "x", {}, {"endpoints": {}}, {"endpoints": [None]}])
def test_a_list_that_is_none_is_refused(broken: object) -> None:
    """Whatever it is."""
    with pytest.raises(UnreadableAnswer):
        read_endpoints(broken)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(answer())), JSON))
def test_any_json_is_an_endpoint_or_is_refused(fields: dict[str, Any]) -> None:
    """There is no third way."""
    try:
        endpoint = read_endpoint(answer(**fields))
    except UnreadableAnswer:
        return
    assert endpoint.name
    assert all(text.isprintable() for text in (endpoint.name, endpoint.why, endpoint.next))
