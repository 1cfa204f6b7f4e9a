"""When the container says that it is well, and what it says otherwise."""

from dataclasses import replace

import pytest

from container.front.health import MAX_SILENCE_SECONDS, Condition, problem

WELL = Condition(now=100.0, answered_at=99.0, can_fork=True, any_model_serves=True, stopping=False)


def test_all_is_well() -> None:
    """And still is after a probe or two that failed."""
    assert problem(WELL) is None
    assert problem(replace(WELL, answered_at=100.0 - MAX_SILENCE_SECONDS)) is None


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (replace(WELL, answered_at=None), "multi-model-server is starting"),
        (
            replace(WELL, answered_at=99.9 - MAX_SILENCE_SECONDS),
            "multi-model-server does not answer",
        ),
        (
            replace(WELL, can_fork=False),
            "No model can be loaded: the process that workers are forked from is being started",
        ),
        (replace(WELL, any_model_serves=False), "No loaded model has a process that answers"),
        (replace(WELL, stopping=True), "Stopping"),
        (replace(WELL, stopping=True, answered_at=None), "Stopping"),
    ],
)
def test_any_of_these_is_enough(condition: Condition, said: str) -> None:
    """Each by itself; the end comes before all others."""
    assert problem(condition) == said
