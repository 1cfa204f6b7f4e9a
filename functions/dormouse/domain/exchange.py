"""An exchange: one request and what became of it, as the capture and the ledger see it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dormouse.domain.invocation import InvocationResponse


class Way(StrEnum):
    """How a request was answered."""

    DIRECT = "direct"
    HELD = "held"
    PARKED = "parked"
    ASYNC = "async"
    """It was accepted by InvokeEndpointAsync."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that was let in, and its end; there is one for each, whatever became of it.

    `event_id` names it, the same each time that it is told of. `asked_model` is the model or alias
    that the caller has named. `arrived_at` and `ended_at` are this side's clock. It is cold if it
    found the endpoint not serving, or closing, and `waited` is for how long it was then held or
    parked, None where it was not. `error` says why it has no prediction; None where it has one. Its
    body may be lost, or not be readable when it ends: `body_missing` says why, and `body` is empty.
    """

    event_id: str
    endpoint: str
    way: Way
    arrived_at: datetime
    ended_at: datetime
    principal: str
    asked_model: str | None
    inference_id: str | None
    custom_attributes: str | None
    content_type: str
    body: bytes
    response: InvocationResponse
    is_cold: bool
    waited: timedelta | None = None
    error: str | None = None
    body_missing: str | None = None

    @property
    def target_model(self) -> str | None:
        """The model that was asked, or would have been."""
        execution = self.response.execution
        return self.asked_model if execution is None else execution.target_model

    @property
    def alias(self) -> str | None:
        """The alias by which the model was asked."""
        execution = self.response.execution
        return None if execution is None else execution.alias

    @property
    def latency(self) -> timedelta | None:
        """How long SageMaker took; None where it was not asked."""
        execution = self.response.execution
        return None if execution is None else execution.latency

    @property
    def variant(self) -> str | None:
        """The ProductionVariant that has answered; None where none has named itself."""
        return self.response.headers.get("x-amzn-invoked-production-variant") or None
