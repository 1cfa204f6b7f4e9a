"""EndpointConfigs that this stack's template has made before, and that nothing asks for now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dormouse.domain.claims import Claim, TaggedConfig
from dormouse.domain.spec import ENDPOINT_TAG, TEMPLATE_TAG, Spec


@dataclass(frozen=True, slots=True)
class Superseded:
    """Since when each is superseded, and which of them have been for so long that they can go, by
    their names in lower case.
    """

    since: Mapping[str, datetime]
    due: Sequence[str]


def find_superseded(
    configs: Collection[TaggedConfig],
    claims: Collection[Claim],
    current: str,
    stack_id: str,
    known: Mapping[str, datetime],
    *,
    now: datetime,
    grace: timedelta,
) -> Superseded:
    """Find those that this stack's template has made, but for its current one, those that a spec
    asks for, first or to fall back on, and those of another endpoint whose spec can't be obeyed.

    Where the tagging API does not show the current one, nothing is known of what it has replaced.
    """
    own = [config for config in configs if config.config_name.lower() == current.lower()]
    if not own:
        return Superseded(known, ())
    own_endpoint = own[0].tags[ENDPOINT_TAG].lower()
    asked_for = {current.lower()}
    for claim in claims:
        if isinstance(claim, Spec):
            asked_for |= {config.lower() for config in claim.configs}
        elif claim.endpoint.lower() != own_endpoint:
            asked_for |= {
                config.config_name.lower()
                for config in configs
                if config.tags[ENDPOINT_TAG].lower() == claim.endpoint.lower()
            }
    made = {c.config_name.lower() for c in configs if c.tags.get(TEMPLATE_TAG) == stack_id}
    since = {name: known.get(name, now) for name in sorted(made - asked_for)}
    return Superseded(since, [name for name, at in since.items() if now >= at + grace])


def users_of(config_name: str, in_use: Mapping[str, str]) -> Sequence[str]:
    """Name the endpoints that run on an EndpointConfig, of those whose config is given."""
    return sorted(name for name, used in in_use.items() if used.lower() == config_name.lower())
