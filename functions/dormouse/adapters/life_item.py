"""What the item of an endpoint says of its lives: failures, costs, what died with it, notices."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from dormouse.adapters.items import moment_value, number_value, read_number_of
from dormouse.adapters.moments import read_moment
from dormouse.domain.endpoint import EndpointStatus, Present
from dormouse.domain.failures import Failure, FailureKind
from dormouse.domain.keepsake import Keepsake
from dormouse.domain.notice import Notice, read_notice, write_notice
from dormouse.domain.spending import Rate, Spent

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from dormouse.adapters.items import Item


def failures_value(failures: Mapping[str, Failure]) -> "AttributeValueTypeDef":
    """Write failures, by the names of EndpointConfigs."""
    return {
        "M": {
            config: {
                "M": {
                    "count": number_value(failure.count),
                    "at": moment_value(failure.at),
                    "kind": {"S": failure.kind.value},
                    "reason": {"S": failure.reason},
                }
            }
            for config, failure in failures.items()
        }
    }


def read_failures(item: "Item") -> Mapping[str, Failure]:
    """Read what `failures_value` wrote; nothing is there where it is not."""
    written = item.get("failures", {"M": {}})["M"]
    return {
        config: Failure(
            count=read_number_of(failure["M"], "count"),
            at=read_moment(failure["M"]["at"]["S"]),
            kind=FailureKind(failure["M"]["kind"]["S"]),
            reason=failure["M"]["reason"]["S"],
        )
        for config, failure in written.items()
    }


def described_value(described: Present) -> "AttributeValueTypeDef":
    """Write what DescribeEndpoint said, but for the DeploymentConfig: that is read when needed.

    Its time is written in full, to be compared with what ListEndpoints says.
    """
    fields: dict[str, AttributeValueTypeDef] = {
        "arn": {"S": described.arn},
        "status": {"S": described.status.value},
        "config_name": {"S": described.config_name},
        "variant_names": {"L": [{"S": name} for name in described.variant_names]},
        "last_modified_at": {"S": described.last_modified_at.isoformat()},
    }
    if described.failure_reason is not None:
        fields["failure_reason"] = {"S": described.failure_reason}
    return {"M": fields}


def read_described(item: "Item") -> Present | None:
    """Read what `described_value` wrote."""
    if "described" not in item:
        return None
    fields = item["described"]["M"]
    return Present(
        arn=fields["arn"]["S"],
        status=EndpointStatus(fields["status"]["S"]),
        config_name=fields["config_name"]["S"],
        variant_names=tuple(name["S"] for name in fields["variant_names"]["L"]),
        last_modified_at=datetime.fromisoformat(fields["last_modified_at"]["S"]),
        failure_reason=fields["failure_reason"]["S"] if "failure_reason" in fields else None,
    )


def spent_value(spent: Spent) -> "AttributeValueTypeDef":
    """Write what a month has cost so far."""
    return {
        "M": {
            "month": {"S": spent.month},
            "up_seconds": {"N": str(spent.up.total_seconds())},
            "usd": {"N": str(spent.usd)},
            "warned": {"BOOL": spent.warned},
            "unpriced_seconds": {"N": str(spent.unpriced.total_seconds())},
        }
    }


def read_spent(item: "Item") -> Spent | None:
    """Read what `spent_value` wrote."""
    if "spent" not in item:
        return None
    fields = item["spent"]["M"]
    return Spent(
        month=fields["month"]["S"],
        up=timedelta(seconds=float(fields["up_seconds"]["N"])),
        usd=Decimal(fields["usd"]["N"]),
        warned=fields["warned"]["BOOL"],
        unpriced=timedelta(seconds=float(fields["unpriced_seconds"]["N"])),
    )


def rate_value(rate: Rate) -> "AttributeValueTypeDef":
    """Write what an hour costs."""
    fields: dict[str, AttributeValueTypeDef] = {
        "config_name": {"S": rate.config_name},
        "words": {"S": rate.words},
    }
    if rate.usd_per_hour is not None:
        fields["usd_per_hour"] = {"N": str(rate.usd_per_hour)}
    return {"M": fields}


def read_rate(item: "Item") -> Rate | None:
    """Read what `rate_value` wrote."""
    if "rate" not in item:
        return None
    fields = item["rate"]["M"]
    usd = Decimal(fields["usd_per_hour"]["N"]) if "usd_per_hour" in fields else None
    return Rate(fields["config_name"]["S"], usd, fields["words"]["S"])


def keepsake_value(keepsake: Keepsake) -> "AttributeValueTypeDef":
    """Write what dies with an endpoint."""
    fields: dict[str, AttributeValueTypeDef] = {
        "tags": {"M": {key: {"S": value} for key, value in keepsake.tags.items()}}
    }
    if keepsake.deployment_config is not None:
        fields["deployment_config"] = {"S": keepsake.deployment_config}
    if keepsake.scaling is not None:
        fields["scaling"] = {"S": keepsake.scaling}
    return {"M": fields}


def read_keepsake(item: "Item") -> Keepsake | None:
    """Read what `keepsake_value` wrote."""
    if "keepsake" not in item:
        return None
    fields = item["keepsake"]["M"]
    return Keepsake(
        tags={key: value["S"] for key, value in fields["tags"]["M"].items()},
        deployment_config=(
            fields["deployment_config"]["S"] if "deployment_config" in fields else None
        ),
        scaling=fields["scaling"]["S"] if "scaling" in fields else None,
    )


def untold_value(notices: Sequence[Notice]) -> "AttributeValueTypeDef":
    """Write notices as a set, of which others may add some and take some away meanwhile."""
    written = (json.dumps(write_notice(notice), sort_keys=True) for notice in notices)
    # The same twice would be refused.
    return {"SS": list(dict.fromkeys(written))}


def read_untold(item: "Item") -> tuple[Notice, ...]:
    """Read what `untold_value` wrote, in the order in which it happened."""
    notices = []
    for written in item.get("untold", {"SS": []})["SS"]:
        # Of what another version has written, nobody can be told; no reason not to read the rest.
        with suppress(ValueError):
            notices.append(read_notice(json.loads(written)))
    return tuple(sorted(notices, key=lambda notice: (notice.at, notice.kind)))
