"""What the logs and the counters say of an exchange: `dormouse logs` reads these fields."""

from typing import Any

from dormouse.domain.exchange import Exchange
from dormouse.observability import count, logger
from dormouse.recording import Capture, Recorded

_COUNTED = {
    Capture.CAPTURED: "Captured",
    Capture.SPILLED: "CapturesSpilled",
    Capture.LOST: "CapturesLost",
}


def fields_of(exchange: Exchange) -> dict[str, Any]:
    """Write what a person would look for; what there is not is left out."""
    latency = exchange.latency
    fields = {
        "endpoint": exchange.endpoint,
        "target_model": exchange.target_model,
        "alias": exchange.alias,
        "status": exchange.response.status,
        "latency_ms": None if latency is None else round(latency.total_seconds() * 1000, 1),
        "principal": exchange.principal,
        "way": exchange.way.value,
        "event_id": exchange.event_id,
        "inference_id": exchange.inference_id,
        "cold": exchange.is_cold,
        "error": exchange.error,
        "request_bytes": len(exchange.body),
        "response_bytes": len(exchange.response.body),
    }
    return {name: value for name, value in fields.items() if value is not None}


def report(recorded: Recorded, fields: dict[str, Any]) -> None:
    """Count what became of the capture, and log what went wrong."""
    if recorded.capture in _COUNTED:
        count(_COUNTED[recorded.capture])
    report_problems(recorded.problems, fields)


def report_problems(problems: tuple[str, ...], fields: dict[str, Any]) -> None:
    """Log what went wrong."""
    for problem in problems:
        count("Problems")
        logger.error(problem, extra=fields)
