"""What `reconcile` asks of `drain`: small pieces of work, each of which may be done twice.

None says *do this request*: one says that there is something to be done, and whoever takes it looks
for what is due. So an order that is lost, doubled or late costs time, and nothing else.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AnswerNext:
    """Answer the oldest released request of a model."""

    endpoint: str
    target_model: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Tell whoever wants to know how a request ended."""

    endpoint: str
    request_id: str


@dataclass(frozen=True, slots=True)
class LoadModel:
    """Invoke a model of the warm set once, so that it is loaded."""

    endpoint: str
    target_model: str


Work = AnswerNext | Publish | LoadModel


class WorkError(ValueError):
    """A message that is no work; it says what is wrong."""


def write_work(work: Work) -> dict[str, str]:
    """Write it for a queue."""
    match work:
        case AnswerNext():
            return {"answer_next_of": work.target_model, "endpoint": work.endpoint}
        case Publish():
            return {"publish": work.request_id, "endpoint": work.endpoint}
        case LoadModel():
            return {"load": work.target_model, "endpoint": work.endpoint}


def read_work(message: object) -> Work:
    """Read what `write_work` has written.

    Raises:
        WorkError: it is something else.
    """
    match message:
        case {"answer_next_of": str(model), "endpoint": str(endpoint)}:
            return AnswerNext(endpoint, model)
        case {"publish": str(request_id), "endpoint": str(endpoint)}:
            return Publish(endpoint, request_id)
        case {"load": str(model), "endpoint": str(endpoint)}:
            return LoadModel(endpoint, model)
        case _:
            raise WorkError(f"this is no work: {message!r:.200}")
