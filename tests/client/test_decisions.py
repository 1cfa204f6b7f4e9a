"""Reading what was decided, and what would be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse_cli.decision import Decision, read_decision_page
from dormouse_cli.dry_run import Finding, read_dry_run
from dormouse_cli.fields import UnreadableAnswer

AT = datetime(2026, 11, 22, 16, 25, 49, 120_000, tzinfo=UTC)
MOMENT = "2026-11-22T16:25:49.120Z"
DECISION = {"at": MOMENT, "action": "stop", "rule": "sleep", "reason": "why", "until": None}
FINDING = {"rule": "hold", "applies": True, "reason": "it is held", "changes_at": MOMENT}
RUN: dict[str, Any] = {
    "endpoint": "dormouse",
    "at": MOMENT,
    "action": "stay up",
    "rule": "hold",
    "reason": "it is held",
    "endpoint_config": None,
    "next_look_at": MOMENT,
    "rules": [FINDING],
    "notes": ["as it is seen now"],
}


def test_a_page_of_decisions() -> None:
    """And where the next one begins."""
    page = read_decision_page({"decisions": [DECISION], "before": MOMENT, "newer": 1})
    assert page.decisions == (Decision(AT, "stop", "sleep", "why", None),)
    assert page.before == AT
    assert page.documents == (DECISION,)
    assert read_decision_page({"decisions": []}).before is None


def test_a_dry_run() -> None:
    """The document stays as it came."""
    run = read_dry_run(RUN)
    assert (run.at, run.action, run.rule, run.reason) == (AT, "stay up", "hold", "it is held")
    assert run.rules == (Finding("hold", True, "it is held", AT),)
    assert run.notes == ("as it is seen now",)
    assert run.document == RUN


@pytest.mark.parametrize(
    "fields",
    [
        {"at": None},
        {"at": "now"},
        {"action": ""},
        {"rule": None},
        {"reason": 3},
        {"rules": {}},
        {"rules": [None]},
        {"rules": [{**FINDING, "applies": "yes"}]},
        {"notes": "x"},
    ],
)
def test_a_dry_run_that_breaks_the_promise_is_refused(fields: dict[str, Any]) -> None:
    """By the field's name."""
    with pytest.raises(UnreadableAnswer, match=r"applies|" + next(iter(fields))):
        read_dry_run(RUN | fields)


@pytest.mark.parametrize("broken", [None, [], {}, {"decisions": {}}, {"decisions": ["x"]}])
def test_a_page_that_is_none_is_refused(broken: object) -> None:
    """Whatever it is."""
    with pytest.raises(UnreadableAnswer):
        read_decision_page(broken)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(RUN)), JSON))
def test_any_json_is_a_dry_run_or_is_refused(fields: dict[str, Any]) -> None:
    """There is no third way."""
    try:
        run = read_dry_run(RUN | fields)
    except UnreadableAnswer:
        return
    assert all(text.isprintable() for text in (run.action, run.rule, run.reason, *run.notes))


@given(JSON | st.fixed_dictionaries({"decisions": st.lists(JSON), "before": JSON}))
def test_any_json_is_a_page_or_is_refused(answer: object) -> None:
    """There is no third way."""
    try:
        page = read_decision_page(answer)
    except UnreadableAnswer:
        return
    assert len(page.decisions) == len(page.documents)
