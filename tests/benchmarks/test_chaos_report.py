"""What the run of chaos calls a problem, and what it prints."""

import json

import pytest

from benchmarks.chaos.callers import End, Outcome
from benchmarks.chaos.questions import Kind, Question
from benchmarks.chaos.report import Seen, problems, summary, table

QUESTION = Question(number=7, model=2, kind=Kind.RESPOND_ASYNC, run="run")
ANSWER = b'{"predictions":[23]}'


def outcome(**changes: object) -> Outcome:
    """One that ended well, with changes."""
    well = {
        "question": QUESTION,
        "end": End.ANSWERED,
        "waited_seconds": 2.5,
        "body": ANSWER,
        "request_ids": frozenset({"dormouse.1"}),
        "again": ANSWER,
    }
    return Outcome(**(well | changes))  # type: ignore[arg-type]  # the tests name its fields


def seen(**changes: object) -> Seen:
    """A run without disasters, with changes."""
    quiet = {
        "statuses": {"dormouse.1": "answered"},
        "executions": {QUESTION.inference_id: 1},
        "wakes": 1,
        "sleeps": 0,
        "kills": {},
        "seconds": 12.0,
    }
    return Seen(**(quiet | changes))  # type: ignore[arg-type]  # the tests name its fields


def test_a_question_knows_its_own_answer() -> None:
    """Three times its number and its model's number more."""
    assert json.loads(QUESTION.body) == {"instances": [7]}
    assert QUESTION.is_answered_by(ANSWER)
    assert not QUESTION.is_answered_by(b'{"predictions":[24]}')
    assert not QUESTION.is_answered_by(b"<html>")


def test_what_ended_well_is_no_problem() -> None:
    """Nor what failed with a reason, where the record says the same."""
    failed = outcome(end=End.FAILED, body=b"", again=None, reason="424: the model is broken")

    assert problems([outcome()], seen()) == []
    assert problems([failed], seen(statuses={"dormouse.1": "failed"})) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"end": End.LOST, "reason": "it had no end"}, "is lost"),
        ({"end": End.FAILED, "reason": ""}, "failed without a reason"),
        ({"body": b'{"predictions":[0]}'}, "has the answer of another question"),
        ({"again": b'{"predictions":[0]}'}, "was answered once more, and otherwise"),
        ({"request_ids": frozenset({"dormouse.1", "dormouse.2"})}, "became two"),
        ({"request_ids": frozenset({"dormouse.3"})}, "its record is not there"),
    ],
)
def test_what_must_not_be_is_said(changed: dict[str, object], said: str) -> None:
    """Each in a sentence of its own."""
    found = problems([outcome(**changed)], seen())

    assert any(said in sentence for sentence in found), found


def test_a_record_that_is_not_final_is_a_problem() -> None:
    """Whoever asked for it: somebody was promised an answer."""
    found = problems([outcome()], seen(statuses={"dormouse.1": "answered", "x.2": "parked"}))

    assert found == ["request x.2 is still parked"]


def test_a_model_may_run_again_only_after_a_crash() -> None:
    """Where something was killed it is counted, and where nothing was it is a problem."""
    twice = {QUESTION.inference_id: 2}

    assert problems([outcome()], seen(executions=twice)) != []
    killed = seen(executions=twice, kills={"drain": 1})
    assert problems([outcome()], killed) == []
    assert summary([outcome()], killed)["model_ran_again"] == 1


def test_the_table_has_a_line_for_each_kind() -> None:
    """With how many were sent, how each ended, and how long they waited."""
    failed = outcome(end=End.FAILED, body=b"", again=None, reason="503: too many")
    told = summary([outcome(), failed], seen(kills={"drain": 3}))

    lines = table(told).splitlines()
    assert lines[0].split()[:3] == ["kind", "sent", "answered"]
    assert lines[1].split() == ["respond-async", "2", "1", "1", "0", "0", "2.5", "2.5"]
    assert "killed: drain 3" in table(told)
    assert "1 x 503: too many" in table(told)
