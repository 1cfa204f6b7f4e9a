"""The item of an endpoint, and the ledger that it is read as."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from dormouse.adapters.history import read_decision
from dormouse.adapters.items import moment_value, number_value, read_moment_of, read_number_of
from dormouse.adapters.life_item import (
    read_described,
    read_failures,
    read_keepsake,
    read_rate,
    read_spent,
    read_untold,
)
from dormouse.adapters.moments import read_moment
from dormouse.domain.capture_policy import CapturePolicy, Content, Pattern
from dormouse.domain.demand_history import DemandHistory
from dormouse.domain.ledger import Closing, Decision, Ledger
from dormouse.domain.terms import Terms
from dormouse.domain.warm_up import WarmUp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from dormouse.adapters.items import Item

# Of an item that a version without captures has written: its owner has not been asked yet. The next
# tick reads the tags.
NO_CAPTURE = CapturePolicy(percent=Decimal(0))


def read_ledger(item: "Item") -> Ledger:
    """Read an item; an empty one is what nothing is remembered of."""
    return Ledger(
        demand_version=read_number_of(item, "demand_version"),
        met_version=read_number_of(item, "met_version"),
        demand_at=read_moment_of(item, "demand_at"),
        last_request_at=read_moment_of(item, "last_request_at"),
        metrics_active_at=read_moment_of(item, "metrics_active_at"),
        hold_until=read_moment_of(item, "hold_until"),
        slept_version=read_number_of(item, "slept_version") if "slept_version" in item else None,
        slept_at=read_moment_of(item, "slept_at"),
        updated_to=_read_text(item, "updated_to"),
        updated_at=read_moment_of(item, "updated_at"),
        terms=_read_terms(item["terms"]["M"]) if "terms" in item else None,
        decision=_read_decision(item),
        decided_at=read_moment_of(item, "decided_at"),
        lease_until=read_moment_of(item, "lease_until"),
        closing=_read_closing(item["closing"]["M"]) if "closing" in item else None,
        serving_since=read_moment_of(item, "serving_since"),
        started_at=read_moment_of(item, "started_at"),
        wakes=tuple(
            timedelta(seconds=float(wake["N"])) for wake in item.get("wakes", {"L": []})["L"]
        ),
        has_requests="has_requests" in item,
        warm_set=_read_texts(item, "warm_set"),
        warm_up=_read_warm_up(item),
        aliases={name: model["S"] for name, model in item.get("aliases", {"M": {}})["M"].items()},
        slept_reason=_read_text(item, "slept_reason"),
        suspended_at=read_moment_of(item, "suspended_at"),
        suspended_by=_read_text(item, "suspended_by"),
        demand_by=_read_text(item, "demand_by"),
        acts=read_number_of(item, "acts"),
        acting_until=read_moment_of(item, "acting_until"),
        created_at=read_moment_of(item, "created_at"),
        described=read_described(item),
        failures=read_failures(item),
        spent=read_spent(item),
        rate=read_rate(item),
        keepsake=read_keepsake(item),
        restored_at=read_moment_of(item, "restored_at"),
        superseded={
            config: read_moment(since["S"])
            for config, since in item.get("superseded", {"M": {}})["M"].items()
        },
        untold=read_untold(item),
        demand_history=_read_history(item),
    )


def texts_value(texts: Sequence[str]) -> "AttributeValueTypeDef":
    """Write texts, which keep their order."""
    return {"L": [{"S": text} for text in texts]}


def wakes_value(wakes: Sequence[timedelta]) -> "AttributeValueTypeDef":
    """Write durations, in seconds."""
    return {"L": [{"N": str(wake.total_seconds())} for wake in wakes]}


def closing_value(closing: Closing) -> "AttributeValueTypeDef":
    """Write a closing that is not deleting yet."""
    return {
        "M": {
            "began_at": moment_value(closing.at),
            "version": number_value(closing.version),
            "is_forced": {"BOOL": closing.is_forced},
            "reason": {"S": closing.reason},
        }
    }


def warm_up_value(warm_up: WarmUp) -> "AttributeValueTypeDef":
    """Write a warm-up, but for `invoked`.

    That is an attribute of its own, `invoked_models`: DynamoDB adds to a set at the top level only.
    """
    fields: dict[str, AttributeValueTypeDef] = {
        "models": texts_value(warm_up.models),
        "began_at": moment_value(warm_up.began_at),
        "until": moment_value(warm_up.until),
    }
    if warm_up.ended_at is not None:
        fields["ended_at"] = moment_value(warm_up.ended_at)
    return {"M": fields}


def terms_value(terms: Terms) -> "AttributeValueTypeDef":
    """Write terms; what is None is not there."""
    fields: dict[str, AttributeValueTypeDef] = {"principals": texts_value(terms.principals)}
    if terms.cold_wait is not None:
        fields["cold_wait_seconds"] = {"N": str(terms.cold_wait.total_seconds())}
    if terms.completion_topic is not None:
        fields["completion_topic"] = {"S": terms.completion_topic}
    fields["capture"] = _capture_value(terms.capture)
    return {"M": fields}


def _capture_value(policy: CapturePolicy) -> "AttributeValueTypeDef":
    return {
        "M": {
            "percent": {"N": str(policy.percent)},
            "content": {"S": policy.content.value},
            "max_body": {"N": str(policy.max_body)},
            "patterns": texts_value(sorted(policy.patterns)),
            "pointers": {"L": [texts_value(pointer) for pointer in policy.pointers]},
            "json_types": texts_value(policy.json_types),
            "csv_types": texts_value(policy.csv_types),
        }
    }


def history_value(history: DemandHistory) -> "AttributeValueTypeDef":
    """Write what an idle policy has learned."""
    return {
        "M": {
            "folded_until": moment_value(history.folded_until),
            "forecast": {"S": history.forecast},
        }
    }


def _read_history(item: "Item") -> DemandHistory | None:
    """Read what `history_value` wrote; what another version has written is as good as nothing."""
    try:
        fields = item["history"]["M"]
        return DemandHistory(read_moment(fields["folded_until"]["S"]), fields["forecast"]["S"])
    except (KeyError, ValueError):
        return None


def _read_terms(fields: "Item") -> Terms:
    cold_wait, topic = fields.get("cold_wait_seconds"), fields.get("completion_topic")
    return Terms(
        principals=_read_texts(fields, "principals"),
        cold_wait=None if cold_wait is None else timedelta(seconds=float(cold_wait["N"])),
        completion_topic=None if topic is None else topic["S"],
        capture=_read_capture(fields["capture"]["M"]) if "capture" in fields else NO_CAPTURE,
    )


def _read_capture(fields: "Item") -> CapturePolicy:
    return CapturePolicy(
        percent=Decimal(fields["percent"]["N"]),
        content=Content(fields["content"]["S"]),
        max_body=read_number_of(fields, "max_body"),
        patterns=frozenset(Pattern(name) for name in _read_texts(fields, "patterns")),
        pointers=tuple(
            tuple(token["S"] for token in pointer["L"]) for pointer in fields["pointers"]["L"]
        ),
        json_types=_read_texts(fields, "json_types"),
        csv_types=_read_texts(fields, "csv_types"),
    )


def _read_closing(fields: "Item") -> Closing:
    return Closing(
        at=read_moment(fields["began_at"]["S"]),
        version=read_number_of(fields, "version"),
        is_forced=fields["is_forced"]["BOOL"],
        reason=fields["reason"]["S"],
        deleting_at=read_moment_of(fields, "deleting_at"),
    )


def _read_warm_up(item: "Item") -> WarmUp | None:
    if "warm_up" not in item:
        return None
    fields = item["warm_up"]["M"]
    return WarmUp(
        models=_read_texts(fields, "models"),
        invoked=frozenset(item.get("invoked_models", {"SS": []})["SS"]),
        began_at=read_moment(fields["began_at"]["S"]),
        until=read_moment(fields["until"]["S"]),
        ended_at=read_moment_of(fields, "ended_at"),
    )


def _read_text(item: "Item", name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _read_texts(item: "Item", name: str) -> tuple[str, ...]:
    return tuple(listed["S"] for listed in item.get(name, {"L": []})["L"])


def _read_decision(item: "Item") -> Decision | None:
    return read_decision(item["decision"]["M"]) if "decision" in item else None
