"""Which EndpointConfig speaks for which endpoint, where several carry our tags."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from dormouse.domain.named_schedules import NO_NAMES, NamedSchedules
from dormouse.domain.spec import (
    ENDPOINT_TAG,
    PRIORITY_TAG,
    STACK_TAG,
    TEMPLATE_TAG,
    Spec,
    SpecError,
    check_fall_back,
    parse_priority,
    parse_spec,
)


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


def settle_claims(
    configs: Iterable[TaggedConfig], deployment: Deployment, named: NamedSchedules = NO_NAMES
) -> tuple[Claim, ...]:
    """Give each claimed endpoint its one spec, or the reason why it has none, in order of names.

    A config that names a deployment in `dormouse:stack` is that one's; without the tag it is
    anybody's who sees it. Of several configs for one endpoint, the one with the lowest
    `dormouse:priority` is the spec, and the others are what to fall back on.
    """
    claimants: defaultdict[str, list[TaggedConfig]] = defaultdict(list)
    for config in configs:
        # SageMaker takes names that differ in case alone for the same endpoint.
        claimants[config.tags[ENDPOINT_TAG].lower()].append(config)
    return tuple(
        # In an order of their own: the tagging API's may change, and the decision would with it.
        _settle(sorted(claimants[name], key=lambda config: config.config_name), deployment, named)
        for name in sorted(claimants)
    )


def _settle(configs: list[TaggedConfig], deployment: Deployment, named: NamedSchedules) -> Claim:
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
        # Those that it has replaced are still tagged; further ones are there to fall back on.
        others = [c for c in configs if c not in current and PRIORITY_TAG in c.tags]
        further = [c for c in others if TEMPLATE_TAG not in c.tags]
        configs = [TaggedConfig(deployment.config_name, current[0].tags), *further]
    try:
        return _spec_of(configs, named)
    except SpecError as error:
        return Refusal(endpoint, str(error))


def _spec_of(configs: Sequence[TaggedConfig], named: NamedSchedules) -> Spec:
    """Read the spec from the config whose turn is first.

    Raises:
        SpecError: two have the same turn, or a tag can't be obeyed.
    """
    in_turn: dict[int, TaggedConfig] = {}
    for config in configs:
        turn = parse_priority(config.config_name, config.tags)
        if turn in in_turn:
            names = " and ".join(sorted((in_turn[turn].config_name, config.config_name)))
            raise SpecError(
                f"several EndpointConfigs claim it by {ENDPOINT_TAG} with the same "
                f"{PRIORITY_TAG} {turn}: {names}; give those to fall back on {turn + 1} or more"
            )
        in_turn[turn] = config
    first, *further = (in_turn[turn] for turn in sorted(in_turn))
    for config in further:
        check_fall_back(config.config_name, config.tags)
    fall_backs = tuple(config.config_name for config in further)
    if named != NO_NAMES:
        return parse_spec(first.config_name, first.tags, named, fall_backs)
    return _remembered(first.config_name, tuple(first.tags.items()), fall_backs)


# Of as many as one deployment manages, and then some. Tags seldom change, and to read those of a
# large fleet takes about as long as to decide about it.
@lru_cache(maxsize=10_000)
def _remembered(
    config_name: str, tags: tuple[tuple[str, str], ...], fall_backs: tuple[str, ...]
) -> Spec:
    return parse_spec(config_name, dict(tags), NO_NAMES, fall_backs)
