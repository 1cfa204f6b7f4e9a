"""What an invocation asks for, of `reconcile` or `control`; the events are those of events/."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.intent import (
    INTENTS,
    Hold,
    Intent,
    IntentError,
    Release,
    Resume,
    Sleep,
    Suspend,
    Tick,
    Wake,
    parse_intent,
    parse_tick,
    read_asker,
    read_intent,
)

EVENTS = Path(__file__).parents[2] / "events"
NOW = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)


def golden(name: str) -> Any:
    """Read an event of events/."""
    return json.loads((EVENTS / name).read_text())


@pytest.mark.parametrize(
    ("file", "tick"),
    [
        ("reconcile-scheduled.json", Tick()),
        ("reconcile-nudge.json", Tick("dormouse")),
        ("reconcile-endpoint-state-change.json", Tick("dormouse")),
    ],
)
def test_the_golden_ticks(file: str, tick: Tick) -> None:
    """Each trigger."""
    assert parse_tick(golden(file)) == tick


@pytest.mark.parametrize(
    ("file", "intent"),
    [
        ("reconcile-wake.json", Wake("dormouse")),
        ("reconcile-wake-for.json", Hold("dormouse", timedelta(hours=2))),
        ("control-direct-wake.json", Wake("dormouse")),
        ("control-scheduled-wake.json", Hold("dormouse", timedelta(hours=10))),
        ("control-direct-suspend.json", Suspend("dormouse")),
    ],
)
def test_the_golden_intents(file: str, intent: Intent) -> None:
    """By hand and by schedule; none of them is a tick by itself."""
    assert parse_intent(golden(file)) == intent
    assert parse_tick(golden(file)) is None


@pytest.mark.parametrize(
    ("event", "intent"),
    [
        ({"action": "wake"}, Wake("x")),
        ({"action": "wake", "for": "60s"}, Hold("x", timedelta(minutes=1))),
        ({"action": "hold", "for": "168h"}, Hold("x", timedelta(days=7))),
        (
            {"action": "hold", "until": "2026-02-16T18:00:00Z"},
            Hold("x", datetime(2026, 2, 16, 18, 0, tzinfo=UTC)),
        ),
        (
            {"action": "hold", "until": "2026-02-16T19:00:00.500+01:00"},
            Hold("x", datetime(2026, 2, 16, 18, 0, 0, 500_000, tzinfo=UTC)),
        ),
        ({"action": "release"}, Release("x")),
        ({"action": "sleep"}, Sleep("x")),
        ({"action": "suspend"}, Suspend("x")),
        ({"action": "resume"}, Resume("x")),
    ],
)
def test_each_intent(event: dict[str, str], intent: Intent) -> None:
    """An id, which is for the logs alone, changes nothing, nor does who asks."""
    assert parse_intent({**event, "endpoint": "x"}) == intent
    assert parse_intent({**event, "endpoint": "x", "id": "request-1"}) == intent
    assert parse_intent({**event, "endpoint": "x", "by": "schedule"}) == intent


@pytest.mark.parametrize(
    ("event", "by"),
    [
        (golden("control-scheduled-wake.json"), "schedule"),
        (golden("control-direct-suspend.json"), "on-call"),
        (golden("control-direct-wake.json"), "a direct invocation"),
        ({"by": " on-call "}, "on-call"),
        (None, "a direct invocation"),
    ],
)
def test_who_asks(event: object, by: str) -> None:
    """Lambda does not tell, so the event may."""
    assert read_asker(event) == by


@pytest.mark.parametrize("by", [None, "", " ", 3, ["schedule"], "a\nb", "\ud800"])
def test_a_bad_asker_is_refused(by: object) -> None:
    """It is shown to people, and kept as UTF-8."""
    with pytest.raises(IntentError, match='"by" must say who asks, such as "schedule", not'):
        read_asker({"by": by})


@pytest.mark.parametrize(
    ("event", "names"),
    [
        (None, "not NoneType"),
        ([], "not list"),
        ({}, '"action" must be one of wake, hold, release, sleep, suspend, resume, not None'),
        ({"action": "dance"}, "'dance'"),
        ({"action": ["wake"]}, "['wake']"),
        ({"action": "Wake", "endpoint": "x"}, "'Wake'"),
        ({"action": "reconcile", "endpoint": "x"}, "'reconcile'"),
        ({"action": "sleep"}, '"endpoint" must be the name of an endpoint, not None'),
        ({"action": "wake", "endpoint": "a_b"}, "not 'a_b'"),
        ({"action": "wake", "endpoint": 3}, "not 3"),
        ({"action": "wake", "endpoint": "x", "for": 2}, '"for" must be a duration such as "2h"'),
        ({"action": "wake", "endpoint": "x", "for": None}, '"for" must be a duration'),
        ({"action": "wake", "endpoint": "x", "for": "2 days"}, "\"for\": '2 days'"),
        ({"action": "wake", "endpoint": "x", "for": "169h"}, "out of range"),
        ({"action": "wake", "endpoint": "x", "for": "0s"}, "out of range"),
        ({"action": "wake", "endpoint": "x", "four": "2h"}, '"four" is not known here'),
        ({"action": "wake", "endpoint": "x", "until": "2026-02-16T18:00:00Z"}, '"until" is not'),
        ({"action": "hold", "endpoint": "x"}, 'takes either "for", such as "2h", or "until"'),
        (
            {"action": "hold", "endpoint": "x", "for": "2h", "until": "2026-02-16T18:00:00Z"},
            'takes either "for"',
        ),
        ({"action": "hold", "endpoint": "x", "for": "59s"}, "from 1m to 168h is allowed"),
        ({"action": "hold", "endpoint": "x", "until": "tonight"}, "not 'tonight'"),
        ({"action": "hold", "endpoint": "x", "until": "2026-02-16T18:00:00"}, "with its zone"),
        ({"action": "hold", "endpoint": "x", "until": 1771264800}, "not 1771264800"),
        ({"action": "release", "endpoint": "x", "for": "2h"}, '"for" is not known here'),
        ({"action": "sleep", "endpoint": "x", "for": "2h"}, '"for" is not known here'),
        ({"action": "suspend", "endpoint": "x", "until": "2026-02-16T18:00:00Z"}, '"until" is not'),
        ({"action": "resume", "endpoint": "x", "for": "2h"}, '"for" is not known here'),
    ],
)
def test_a_bad_part_is_named(event: object, names: str) -> None:
    """And nothing is guessed."""
    with pytest.raises(IntentError) as refusal:
        parse_intent(event)
    assert names in str(refusal.value)


@pytest.mark.parametrize(
    ("event", "names"),
    [
        ({"action": "reconcile", "endpoint": ""}, '"endpoint" must be the name of an endpoint'),
        ({"action": "reconcile", "endpoint": None}, '"endpoint" must be the name of an endpoint'),
        ({"action": "reconcile", "endpont": "x"}, '"endpont" is not known here'),
        ({"detail-type": "SageMaker Endpoint State Change"}, '"detail" must be a JSON object'),
        ({"detail-type": "SageMaker Endpoint State Change", "detail": {}}, '"EndpointName"'),
    ],
)
def test_a_bad_tick_is_named(event: object, names: str) -> None:
    """A misspelt endpoint must not become a tick over all."""
    with pytest.raises(IntentError) as refusal:
        parse_tick(event)
    assert names in str(refusal.value)


@pytest.mark.parametrize("action", INTENTS)
def test_a_body_must_be_an_object(action: str) -> None:
    """Of HTTP, the verb and the name are in the path."""
    bodies: tuple[object, ...] = (None, [], "x", 1, True)
    for body in bodies:
        with pytest.raises(IntentError, match="the body must be a JSON object"):
            read_intent(action, "x", body)


def test_the_verb_and_the_endpoint_stand_in_the_path_alone() -> None:
    """Said twice, they could differ."""
    for member in ("action", "endpoint", "id", "by"):
        with pytest.raises(IntentError, match=f'"{member}" is not known here'):
            read_intent("wake", "x", {member: "x"})


@pytest.mark.parametrize(
    ("how_long", "ends_at"),
    [
        (timedelta(hours=2), NOW + timedelta(hours=2)),
        (NOW + timedelta(seconds=60), NOW + timedelta(seconds=60)),
        (NOW + timedelta(days=7), NOW + timedelta(days=7)),
    ],
)
def test_when_a_hold_ends(how_long: timedelta | datetime, ends_at: datetime) -> None:
    """From when it begins, or at the moment that was said."""
    assert Hold("x", how_long).ends_at(NOW) == ends_at


@pytest.mark.parametrize(
    "until",
    [
        NOW + timedelta(seconds=59),
        NOW,
        NOW - timedelta(days=1),
        NOW + timedelta(days=7, seconds=1),
        datetime.fromisoformat("9999-12-31T23:59:59-23:59"),
        datetime.fromisoformat("0001-01-01T00:00:00+23:59"),
    ],
)
def test_a_hold_until_a_moment_has_the_bounds_of_one_for_a_time(until: datetime) -> None:
    """Money is not spent for a year because of one digit."""
    with pytest.raises(IntentError, match=r'"until": .* must be from 1m to 168h from now'):
        Hold("x", until).ends_at(NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(["action", "endpoint", "for", "until", "id", "by", "detail-type", "detail"])
WORDS = st.sampled_from(
    [*INTENTS, "reconcile", "x", "2h", "SageMaker Endpoint State Change", "2026-02-16T18:00:00Z"]
)
NEAR_MISSES = st.dictionaries(KEYS, WORDS | JSON)


@given(JSON | NEAR_MISSES)
def test_any_json_is_read_or_refused(event: object) -> None:
    """No other exception escapes, and what is read can be carried out."""
    try:
        tick = parse_tick(event)
        intent = parse_intent(event)
        by = read_asker(event)
    except IntentError:
        return
    assert tick is None
    assert by.isprintable()
    if isinstance(intent, Hold) and isinstance(intent.how_long, timedelta):
        assert timedelta(minutes=1) <= intent.how_long <= timedelta(days=7)


@given(st.datetimes(timezones=st.timezones()) | st.text())
def test_any_until_is_obeyed_within_bounds_or_refused(until: datetime | str) -> None:
    """In whatever zone it is written."""
    text = until.isoformat() if isinstance(until, datetime) else until
    try:
        intent = read_intent("hold", "x", {"until": text})
        assert isinstance(intent, Hold)
        ends_at = intent.ends_at(NOW)
    except IntentError:
        return
    assert NOW + timedelta(seconds=60) <= ends_at <= NOW + timedelta(days=7)


@given(st.integers(60, 604_800))
def test_what_is_within_the_bounds_is_taken(seconds: int) -> None:
    """To the second, both ways to say it."""
    until = (NOW + timedelta(seconds=seconds)).isoformat()
    for members in ({"for": f"{seconds}s"}, {"until": until}):
        intent = read_intent("hold", "x", members)
        assert isinstance(intent, Hold)
        assert intent.ends_at(NOW) == NOW + timedelta(seconds=seconds)
