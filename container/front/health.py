"""What `GET /ping` answers: whether this container can load models and serve them. Pure.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html says 200 for a
healthy container, within two seconds, and within four minutes of its start; SageMaker replaces one
that stays unhealthy. multi-model-server says 200 whatever happens to its workers.
"""

from dataclasses import dataclass

# Two probes may fail.
MAX_SILENCE_SECONDS = 7.0


@dataclass(frozen=True, slots=True)
class Condition:
    """What is seen; times in seconds by one clock."""

    now: float
    # When multi-model-server last answered; None: never yet.
    answered_at: float | None
    can_fork: bool
    any_model_serves: bool
    stopping: bool


def problem(condition: Condition) -> str | None:
    """Why the container is not healthy, or None."""
    if condition.stopping:
        return "Stopping"
    if condition.answered_at is None:
        return "multi-model-server is starting"
    if condition.now - condition.answered_at > MAX_SILENCE_SECONDS:
        return "multi-model-server does not answer"
    if not condition.can_fork:
        return "No model can be loaded: the process that workers are forked from is being started"
    if not condition.any_model_serves:
        return "No loaded model has a process that answers"
    return None
