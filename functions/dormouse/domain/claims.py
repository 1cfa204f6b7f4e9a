"""Which EndpointConfig speaks for which endpoint, where several carry our tags."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dormouse.domain.spec import ENDPOINT_TAG, STACK_TAG, Spec, SpecError, parse_spec


@dataclass(frozen=True, slots=True)
class TaggedConfig:
    """An EndpointConfig that carries `dormouse:endpoint`, with all its tags."""

    config_name: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Deployment:
    """This deployment of Dormouse: its stack, and the endpoint that its template declares.

    CloudFormation retains the EndpointConfigs that it replaces, tags and all, since a live endpoint
    may still use one; so for this endpoint only the config that the template names now counts.
    """

    stack_name: str
    endpoint: str
    config_name: str


class Why(StrEnum):
    """Why an endpoint is left exactly as it is."""

    FAULT = "fault"
    """What is asked for it is not clear, and somebody has to mend it."""
    NOT_OURS = "not ours"
    """Another deployment manages it."""
    NOT_VISIBLE_YET = "not visible yet"
    """The tagging API, which is eventually consistent, does not show what must be there."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An endpoint that is left exactly as it is, and the reason in words."""

    endpoint: str
    reason: str
    why: Why = Why.FAULT


Claim = Spec | Refusal


def settle_claims(configs: Iterable[TaggedConfig], deployment: Deployment) -> tuple[Claim, ...]:
    """Give each claimed endpoint its one spec, or the reason why it has none, in order of names.

    A config that names a deployment in `dormouse:stack` is that one's; without the tag it is
    anybody's who sees it.
    """
    claimants: defaultdict[str, list[TaggedConfig]] = defaultdict(list)
    for config in configs:
        # SageMaker takes names that differ in case alone for the same endpoint.
        claimants[config.tags[ENDPOINT_TAG].lower()].append(config)
    return tuple(
        # In an order of their own: the tagging API's may change, and the decision would with it.
        _settle(sorted(claimants[name], key=lambda config: config.config_name), deployment)
        for name in sorted(claimants)
    )


def _settle(configs: list[TaggedConfig], deployment: Deployment) -> Claim:
    endpoint = configs[0].tags[ENDPOINT_TAG]
    is_own = endpoint.lower() == deployment.endpoint.lower()
    if is_own:
        endpoint = deployment.endpoint
    others = [
        c for c in configs if c.tags.get(STACK_TAG, deployment.stack_name) != deployment.stack_name
    ]
    if others and (is_own or len(others) < len(configs)):
        return Refusal(
            endpoint,
            f"the deployment {others[0].tags[STACK_TAG]} claims it too, by EndpointConfig "
            f"{others[0].config_name} (delete that config if the deployment is gone)",
        )
    if others:
        stack_name = others[0].tags[STACK_TAG]
        return Refusal(endpoint, f"the deployment {stack_name} manages it", Why.NOT_OURS)
    if is_own:
        # ARNs, from which the names come, are lower-cased; the template's own name is exact.
        current = [c for c in configs if c.config_name.lower() == deployment.config_name.lower()]
        if not current:
            return Refusal(
                endpoint,
                f"the tags of this stack's EndpointConfig {deployment.config_name} are not "
                "visible yet",
                Why.NOT_VISIBLE_YET,
            )
        configs = [TaggedConfig(deployment.config_name, current[0].tags)]
    if len(configs) > 1:
        names = " and ".join(sorted(config.config_name for config in configs))
        return Refusal(endpoint, f"several EndpointConfigs claim it by {ENDPOINT_TAG}: {names}")
    try:
        return parse_spec(configs[0].config_name, configs[0].tags)
    except SpecError as error:
        return Refusal(endpoint, str(error))
