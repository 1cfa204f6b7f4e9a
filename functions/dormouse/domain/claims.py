"""Which EndpointConfig speaks for which endpoint, where several carry our tags."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dormouse.domain.spec import ENDPOINT_TAG, Spec, SpecError, parse_spec


@dataclass(frozen=True, slots=True)
class TaggedConfig:
    """An EndpointConfig that carries `dormouse:endpoint`, with all its tags."""

    config_name: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OwnEndpoint:
    """The endpoint that this deployment's own template declares, and its current EndpointConfig.

    CloudFormation retains the configs that it replaces, tags and all, since a live endpoint may
    still use one; so for this endpoint only the config that the template names now counts.
    """

    endpoint: str
    config_name: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An endpoint that is left exactly as it is, since what is asked for it is not clear."""

    endpoint: str
    reason: str


Claim = Spec | Refusal


def settle_claims(configs: Iterable[TaggedConfig], own: OwnEndpoint) -> tuple[Claim, ...]:
    """Give each claimed endpoint its one spec, or the reason why it has none, in order of names."""
    claimants: defaultdict[str, list[TaggedConfig]] = defaultdict(list)
    for config in configs:
        # SageMaker takes names that differ in case alone for the same endpoint.
        claimants[config.tags[ENDPOINT_TAG].lower()].append(config)
    return tuple(_settle(claimants[name], own) for name in sorted(claimants))


def _settle(configs: list[TaggedConfig], own: OwnEndpoint) -> Claim:
    endpoint = configs[0].tags[ENDPOINT_TAG]
    if endpoint.lower() == own.endpoint.lower():
        # ARNs, from which the names come, are lower-cased; the template's own name is exact.
        current = [c for c in configs if c.config_name.lower() == own.config_name.lower()]
        if not current:
            # The tagging API is eventually consistent: a retained predecessor may be seen first.
            return Refusal(
                endpoint,
                f"the tags of this stack's EndpointConfig {own.config_name} are not visible yet",
            )
        configs = [TaggedConfig(own.config_name, current[0].tags)]
    if len(configs) > 1:
        names = " and ".join(sorted(config.config_name for config in configs))
        return Refusal(endpoint, f"several EndpointConfigs claim it by {ENDPOINT_TAG}: {names}")
    try:
        return parse_spec(configs[0].config_name, configs[0].tags)
    except SpecError as error:
        return Refusal(endpoint, str(error))
