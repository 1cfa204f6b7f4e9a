"""The two servers must have the same model."""

import pytest

from benchmarks.container.agreement import DisagreementError, difference, our_scores, stock_scores


def test_both_answers_are_read() -> None:
    """Each in the shape that its handler gives it."""
    assert stock_scores([0.25, 0.75], ("bad", "good")) == {"bad": 0.25, "good": 0.75}
    answer = {"predictions": [{"label": "good", "score": 0.75, "scores": {"good": 0.75}}]}
    assert our_scores(answer) == {"good": 0.75}


def test_a_small_difference_is_measured() -> None:
    """Two savings do not compute alike to the last bit."""
    found = difference({"bad": 0.2504, "good": 0.7496}, {"bad": 0.25, "good": 0.75}, "text")
    assert found == pytest.approx(0.0004)


@pytest.mark.parametrize(
    ("stock", "ours"),
    [
        ({"bad": 0.252, "good": 0.748}, {"bad": 0.25, "good": 0.75}),
        ({"bad": 0.5001, "good": 0.4999}, {"bad": 0.4999, "good": 0.5001}),
    ],
)
def test_another_model_is_found_out(stock: dict[str, float], ours: dict[str, float]) -> None:
    """By a probability, or by the label where they are near each other."""
    with pytest.raises(DisagreementError, match="the text: stock answers"):
        difference(stock, ours, "the text")
