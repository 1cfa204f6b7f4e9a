"""Each failure that can befall an endpoint, told as a story of what is seen and what is done.

The stories are in stories/, and their form is said in scenario.py. They are played by the real
reconciler, with SageMaker's answers read by the real adapter and the ledger in the real table; only
the network, the clock and whoever has nothing to do with the story are left out.
"""

import re
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.validate import ParamValidator

from dormouse.adapters.state import EndpointsTable
from dormouse.domain.failures import MOST_FAILURES, Failure, FailureKind, retry_at
from tests.docs.page import REPOSITORY
from tests.scenarios.player import Player
from tests.scenarios.scenario import DESCRIBE, Scenario, json_of, read_scenario, scenarios

SCENARIOS = tuple(scenarios())
GOLDEN = sorted(path.stem for path in DESCRIBE.glob("*.json"))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario(scenario: Scenario, table: EndpointsTable) -> None:
    """It goes as the story says, to its end."""
    Player(scenario, table).play()


@pytest.mark.parametrize("golden", GOLDEN)
def test_golden_answers_are_what_sagemaker_may_say(golden: str) -> None:
    """By botocore's model: no member is misspelt, none is missing that has to be there."""
    model = boto3.client("sagemaker").meta.service_model
    shape = model.operation_model("DescribeEndpoint").output_shape
    assert shape is not None

    report = ParamValidator().validate(json_of(golden), shape)

    assert not report.has_errors(), report.generate_report()
    status = model.shape_for("EndpointStatus").metadata["enum"]
    assert json_of(golden)["EndpointStatus"] in status


def test_every_golden_answer_is_told_of() -> None:
    """What no story uses proves nothing."""
    told = {step.golden for scenario in SCENARIOS for step in scenario.story}

    assert set(GOLDEN) <= told


QUIET = """
title: Nothing happens
means: Nobody asks for it.
configs: {reviews-g4dn: {endpoint: reviews}}
story:
  - at: Mon 09:00
    seen: absent
    then: {plan: stay down, rule: otherwise down, because: nobody needs it}
"""


def test_a_story_that_is_true_is_played(table: EndpointsTable) -> None:
    """The one that is spoilt below."""
    Player(read_scenario("quiet", QUIET), table).play()


@pytest.mark.parametrize(
    ("told", "instead", "complaint"),
    [
        ("plan: stay down", "plan: start", "plan: the story tells"),
        ("rule: otherwise down", "rule: suspended", "rule: the story tells"),
        ("because: nobody needs it", "because: it rains", "because: the story tells"),
        ("needs it}", "needs it, calls: [DeleteEndpoint]}", "calls: the story tells"),
        ("needs it}", "needs it, told: {asleep: it}}", "told: the story tells"),
        ("needs it}", "needs it, problem: none}", "problem: the story tells"),
        ("needs it}", "needs it, look again: Mon 10:00}", "look again: the story tells"),
        ("    seen: absent", "    when: [a request comes]", "plan: the story tells"),
        ("    seen: absent", "    seen: in-service", "plan: the story tells"),
    ],
)
def test_a_story_that_is_not_true_fails(
    told: str, instead: str, complaint: str, table: EndpointsTable
) -> None:
    """Whatever part of it."""
    untrue = read_scenario("untrue", QUIET.replace(told, instead))

    with pytest.raises(AssertionError, match=complaint):
        Player(untrue, table).play()


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("title", "name"),
        ("at: Mon 09:00", "at: Mon"),
        ("at: Mon 09:00", "at: 09:00"),
        ("at: Mon 09:00", "from: Mon 09:00\n    to: Mon 09:00"),
        ("seen: absent", "when: [it rains]"),
        ("plan: stay down", "plan: rest"),
        ("rule: otherwise down", "rule: none"),
        ("because", "since"),
        ("needs it}", "needs it, told: {raining: it}}"),
    ],
)
def test_a_story_in_another_form_is_refused(written: str, instead: str) -> None:
    """So that nothing is written that is not looked at."""
    with pytest.raises((ValueError, KeyError)):
        read_scenario("quiet", QUIET.replace(written, instead, 1))


def test_every_story_is_in_the_documentation() -> None:
    """docs/failures.md has a row for each failure."""
    page = (REPOSITORY / "docs" / "failures.md").read_text(encoding="utf-8")

    linked = re.findall(r"\]\(\.\./tests/scenarios/stories/(\w+)\.yaml\)", page)

    assert sorted(linked) == [scenario.name for scenario in SCENARIOS]


def test_the_documented_backoff_is_the_real_one() -> None:
    """In minutes, and how often."""
    page = (REPOSITORY / "docs" / "failures.md").read_text(encoding="utf-8")
    at = datetime(2026, 2, 16, tzinfo=UTC)
    backoffs = []
    for count in range(1, 7):
        again_at = retry_at(Failure(count, at, FailureKind.OTHER, "why"))
        assert again_at is not None
        backoffs.append(int((again_at - at) / timedelta(minutes=1)))

    first, *between, last = backoffs
    written = f"{first} minutes, then for {', '.join(map(str, between))} and at most {last} minutes"
    assert written in page
    assert MOST_FAILURES == 10
    assert "given up after ten failures" in page
