"""What dies with an endpoint, and is given back to it when it is created again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dormouse.domain.spec import TAG_PREFIX

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html
MOST_TAGS = 50
# An item of DynamoDB has 400 KB, and holds all else that is remembered of the endpoint.
LONGEST_SCALING = 100_000


class KeepsakeError(ValueError):
    """It is too large to be kept; the message says what."""


@dataclass(frozen=True, slots=True)
class Keepsake:
    """The tags of an endpoint but for AWS's and ours; the DeploymentConfig of its last update and
    its autoscaling (see adapters/autoscaling.py), each as JSON and None where it has none.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    deployment_config: str | None = None
    scaling: str | None = None


def keepsake_of(
    tags: Mapping[str, str], deployment_config: str | None, scaling: str | None
) -> Keepsake:
    """Put together what is to be kept.

    Raises:
        KeepsakeError: its autoscaling is too large.
    """
    if scaling is not None and len(scaling) > LONGEST_SCALING:
        raise KeepsakeError(
            f"its autoscaling has {len(scaling)} characters as JSON, and {LONGEST_SCALING} can be "
            "kept: take away policies or scheduled actions"
        )
    # AWS's own can't be written, and ours are written anew.
    theirs = {
        key: value
        for key, value in tags.items()
        if not key.lower().startswith("aws:") and not key.startswith(TAG_PREFIX)
    }
    return Keepsake(theirs, deployment_config, scaling)


def with_absent_variants(
    scaling: str | None, former: str | None, variant_names: Sequence[str]
) -> str | None:
    """Add to the autoscaling of an endpoint what was kept of variants that it does not have now.

    Another EndpointConfig, such as one to fall back on, may name its variants otherwise; when the
    endpoint returns from it, theirs is given back.
    """
    if former is None:
        return scaling
    kept = {
        kind: [each for each in entries if variant_of(each["ResourceId"]) not in variant_names]
        for kind, entries in json.loads(former).items()
    }
    if not any(kept.values()):
        return scaling
    now = {} if scaling is None else json.loads(scaling)
    both = {kind: [*now.get(kind, ()), *entries] for kind, entries in kept.items()}
    return json.dumps({**now, **both}, sort_keys=True)


def variant_of(resource_id: str) -> str:
    """Name the variant of a scalable resource such as `endpoint/reviews/variant/AllTraffic`."""
    return resource_id.rpartition("/")[2]


def tags_to_create(keepsake: Keepsake | None, own: Mapping[str, str]) -> Mapping[str, str]:
    """Say with which tags to create it: ours, and those that it had, as far as there is room."""
    theirs = {} if keepsake is None else keepsake.tags
    left = [(key, value) for key, value in sorted(theirs.items()) if key not in own]
    return {**own, **dict(left[: MOST_TAGS - len(own)])}
