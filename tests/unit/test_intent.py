"""What an invocation of `reconcile` asks for; the events are those of events/."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.intent import Intent, IntentError, Tick, Wake, parse_intent

EVENTS = Path(__file__).parents[2] / "events"


@pytest.mark.parametrize(
    ("file", "intent"),
    [
        ("reconcile-scheduled.json", Tick()),
        ("reconcile-nudge.json", Tick("dormouse")),
        ("reconcile-endpoint-state-change.json", Tick("dormouse")),
        ("reconcile-wake.json", Wake("dormouse")),
        ("reconcile-wake-for.json", Wake("dormouse", timedelta(hours=2))),
    ],
)
def test_the_golden_events(file: str, intent: Intent) -> None:
    """Each trigger and variant."""
    assert parse_intent(json.loads((EVENTS / file).read_text())) == intent


@pytest.mark.parametrize(
    ("event", "names"),
    [
        (None, "not NoneType"),
        ([], "not list"),
        ({}, '"action" must be "reconcile" or "wake", not None'),
        ({"action": "sleep"}, "'sleep'"),
        ({"action": "reconcile", "endpoint": ""}, '"endpoint" must be the name of an endpoint'),
        ({"action": "reconcile", "endpont": "x"}, '"endpont" is not known here'),
        ({"action": "wake"}, '"endpoint" must be the name of an endpoint, not None'),
        ({"action": "wake", "endpoint": "x", "for": 2}, '"for" must be a duration'),
        ({"action": "wake", "endpoint": "x", "for": "2 days"}, "\"for\": '2 days'"),
        ({"action": "wake", "endpoint": "x", "for": "169h"}, "out of range"),
        ({"action": "wake", "endpoint": "x", "four": "2h"}, '"four" is not known here'),
        ({"detail-type": "SageMaker Endpoint State Change"}, '"detail" must be a JSON object'),
        ({"detail-type": "SageMaker Endpoint State Change", "detail": {}}, '"EndpointName"'),
    ],
)
def test_a_bad_part_is_named(event: object, names: str) -> None:
    """And nothing is guessed."""
    with pytest.raises(IntentError) as refusal:
        parse_intent(event)
    assert names in str(refusal.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(["action", "endpoint", "for", "detail-type", "detail"])
NEAR_MISSES = st.dictionaries(
    KEYS, JSON | st.sampled_from(["wake", "reconcile", "SageMaker Endpoint State Change"])
)


@given(JSON | NEAR_MISSES)
def test_any_json_is_read_or_refused(event: object) -> None:
    """No other exception escapes."""
    try:
        intent = parse_intent(event)
    except IntentError:
        return
    assert isinstance(intent, Tick | Wake)
