"""Exchanges, as the capture and the ledger are told of them."""

from datetime import UTC, datetime, timedelta

from dormouse.domain.exchange import Exchange, Way
from dormouse.domain.invocation import Execution, InvocationResponse

AT = datetime(2026, 2, 16, 9, 0, 30, tzinfo=UTC)


def exchange(
    model: str | None = "a.tar.gz",
    *,
    endpoint: str = "reviews",
    status: int = 200,
    is_asked: bool = True,
    alias: str | None = None,
    principal: str = "arn:aws:iam::123456789012:user/jo",
    at: datetime = AT,
    latency: timedelta = timedelta(milliseconds=20),
    waited: timedelta | None = None,
) -> Exchange:
    """Build one that has ended at that time, and has come then unless it has waited, and was cold;
    `is_asked` says whether SageMaker was.
    """
    execution = Execution(model, alias, latency) if is_asked else None
    return Exchange(
        event_id="event-1",
        endpoint=endpoint,
        way=Way.DIRECT if waited is None else Way.HELD,
        arrived_at=at - (latency + waited if waited is not None else timedelta(0)),
        ended_at=at,
        principal=principal,
        asked_model=alias or model,
        inference_id=None,
        custom_attributes=None,
        content_type="application/json",
        body=b"12345",
        response=InvocationResponse(status, {}, b"1234567", execution),
        is_cold=waited is not None,
        waited=waited,
        error=None if status < 400 else "because",
    )
