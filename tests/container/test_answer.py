"""The shape of an answer."""

import json

import pytest

from container.handler.answer import MAX_BYTES, AnswerTooLarge, answer, error_body
from container.handler.request_body import InvocationRequest
from container.handler.tensor_json import UnwritableOutput

LABELS = ("negative", "positive")


def test_json_is_answered_with_one_object() -> None:
    """A prediction for each text, in order; the best label's score beside all of them."""
    request = InvocationRequest((("a", "b"),), lines=False)
    body, content_type = answer(request, [[0.25, 0.75], [0.6, 0.4]], LABELS)
    assert content_type == "application/json"
    assert json.loads(body) == {
        "predictions": [
            {"label": "positive", "score": 0.75, "scores": {"negative": 0.25, "positive": 0.75}},
            {"label": "negative", "score": 0.6, "scores": {"negative": 0.6, "positive": 0.4}},
        ]
    }


def test_json_lines_are_answered_with_a_line_for_each_line() -> None:
    """Each line has the predictions of its own texts."""
    request = InvocationRequest((("a", "b"), ("c",)), lines=True)
    body, content_type = answer(request, [[0, 1], [1, 0], [0, 1]], LABELS)
    assert content_type == "application/jsonlines"
    assert body.endswith(b"\n")
    labels = [
        [prediction["label"] for prediction in json.loads(line)["predictions"]]
        for line in body.splitlines()
    ]
    assert labels == [["positive", "negative"], ["positive"]]


def test_scores_have_six_digits() -> None:
    """More would differ with the batch that a text happened to be in."""
    request = InvocationRequest((("a",),), lines=False)
    body, _ = answer(request, [[0.123456789, 0.876543211]], LABELS)
    assert json.loads(body)["predictions"][0]["scores"] == {
        "negative": 0.123457,
        "positive": 0.876543,
    }


def test_an_answer_that_would_not_pass_is_refused() -> None:
    """Better a 413 that says so than a worker that multi-model-server cuts off."""
    label = "x" * (MAX_BYTES // 2)  # the best label is named twice, another once
    request = InvocationRequest((("a",),), lines=False)
    with pytest.raises(AnswerTooLarge, match="send fewer texts") as refusal:
        answer(request, [[0.1, 0.9]], ("y", label))
    assert refusal.value.status == 413
    small = answer(request, [[0.9, 0.1]], ("y", label))
    assert len(small[0]) <= MAX_BYTES


def test_a_score_that_is_no_number_is_never_sent() -> None:
    """JSON has no NaN; a client's parser would fail instead of ours."""
    with pytest.raises(UnwritableOutput, match="a score that is not a number"):
        answer(InvocationRequest((("a",),), lines=False), [[float("nan"), 0.5]], LABELS)


def test_an_error_is_an_object_with_its_sentence() -> None:
    """Quotes and all."""
    assert json.loads(error_body('"inputs" is an empty list.')) == {
        "error": '"inputs" is an empty list.'
    }
