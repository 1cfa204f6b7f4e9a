"""What the runtime's answers mean for a request that has waited."""

import json
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.invocation import InvocationResponse
from dormouse.domain.verdict import Verdict, judge, pauses, reason_of
from dormouse.responses import runtime_error


def model_error(status: object) -> InvocationResponse:
    """Answer as SageMaker does when the model itself has answered an error."""
    members = {"OriginalStatusCode": status, "OriginalMessage": "that is no JSON"}
    return InvocationResponse(424, {"x-amzn-errortype": "ModelError"}, json.dumps(members).encode())


@pytest.mark.parametrize(
    ("response", "verdict"),
    [
        (InvocationResponse(200), Verdict.ANSWER),
        (InvocationResponse(204), Verdict.ANSWER),
        (runtime_error(429, "ModelNotReadyException", ""), Verdict.NOT_YET),
        (runtime_error(429, "ThrottlingException", ""), Verdict.NOT_YET),
        (runtime_error(400, "ThrottlingException", ""), Verdict.NOT_YET),
        (InvocationResponse(400, {}, b'{"__type": "a.b#ThrottlingException:x"}'), Verdict.NOT_YET),
        (InvocationResponse(429), Verdict.NOT_YET),
        (runtime_error(400, "ValidationError", "Failed to download model"), Verdict.REFUSAL),
        (InvocationResponse(413), Verdict.REFUSAL),
        (InvocationResponse(403, {"x-amzn-errortype": "ExpiredToken"}), Verdict.FAILURE),
        (InvocationResponse(408), Verdict.FAILURE),
        (InvocationResponse(302), Verdict.FAILURE),
        (runtime_error(500, "InternalFailure", ""), Verdict.FAILURE),
        (runtime_error(503, "ServiceUnavailable", ""), Verdict.FAILURE),
        (runtime_error(530, "InternalDependencyException", ""), Verdict.FAILURE),
        (model_error(400), Verdict.REFUSAL),
        (model_error(415), Verdict.REFUSAL),
        # What a model calls throttling was executed by it, as far as anybody knows.
        (model_error(429), Verdict.FAILURE),
        (model_error(500), Verdict.FAILURE),
        (model_error("400"), Verdict.FAILURE),
        (model_error(None), Verdict.FAILURE),
        (InvocationResponse(424, {}, b"not JSON"), Verdict.FAILURE),
    ],
)
def test_each_answer_means_one_thing(response: InvocationResponse, verdict: Verdict) -> None:
    """A refusal only where the same request could not be taken later."""
    assert judge(response) is verdict


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (
            runtime_error(400, "ValidationError", "no such model"),
            "SageMaker answered 400 ValidationError: no such model",
        ),
        (
            InvocationResponse(503, {}, b'{"code": "a#Busy:x", "message": "later"}'),
            "SageMaker answered 503 Busy: later",
        ),
        (
            InvocationResponse(500, {}, b"<html>"),
            "SageMaker answered 500 an unknown error: it does not say why",
        ),
        (model_error(415), "the model answered 415: that is no JSON"),
        (InvocationResponse(424, {}, b"[]"), "the model answered an unknown status: nothing"),
    ],
)
def test_a_reason_says_who_answered_what(response: InvocationResponse, reason: str) -> None:
    """In one sentence."""
    assert reason_of(response) == reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = st.dictionaries(
    st.sampled_from(["Message", "message", "__type", "code", "OriginalStatusCode"]), JSON
)


@given(
    status=st.integers(100, 599),
    headers=st.dictionaries(st.just("x-amzn-errortype"), st.text()),
    body=st.binary() | (MEMBERS | JSON).map(lambda value: json.dumps(value).encode()),
)
def test_whatever_is_answered_is_judged(status: int, headers: dict[str, str], body: bytes) -> None:
    """A model may answer anything; only what succeeded is an answer, and reasons stay short."""
    response = InvocationResponse(status, headers, body)

    assert (judge(response) is Verdict.ANSWER) == (200 <= status < 300)
    assert len(reason_of(response)) < 1200


def test_a_long_message_is_cut() -> None:
    """It is kept in a record, of which DynamoDB takes 400 KB."""
    assert len(reason_of(runtime_error(400, "ValidationError", "x" * 100_000))) < 1100


def test_a_body_that_is_nested_too_deeply_is_no_error_of_ours() -> None:
    """It is the model's."""
    assert judge(InvocationResponse(424, {}, b"[" * 100_000)) is Verdict.FAILURE


def test_pauses_grow_up_to_ten_seconds() -> None:
    """They never end: time does."""
    assert list(islice(pauses(), 7)) == [1, 2, 4, 8, 10, 10, 10]
