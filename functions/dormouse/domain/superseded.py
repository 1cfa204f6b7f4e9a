"""EndpointConfigs that this stack's template has made before, and that nothing asks for any more."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dormouse.domain.claims import Claim, TaggedConfig
from dormouse.domain.spec import TEMPLATE_TAG, Spec


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
    """Find those that this stack's template has made, but for its current one and those that a spec
    asks for, first or to fall back on.

    Where the tagging API does not show the current one, nothing is known of what it has replaced.
    """
    asked_for = {current.lower()}
    for claim in claims:
        if isinstance(claim, Spec):
            asked_for |= {config.lower() for config in claim.configs}
    names = {config.config_name.lower() for config in configs}
    if current.lower() not in names:
        return Superseded(known, ())
    made = {c.config_name.lower() for c in configs if c.tags.get(TEMPLATE_TAG) == stack_id}
    since = {name: known.get(name, now) for name in sorted(made - asked_for)}
    return Superseded(since, [name for name, at in since.items() if now >= at + grace])


def users_of(config_name: str, in_use: Mapping[str, str]) -> Sequence[str]:
    """Name the endpoints that run on an EndpointConfig, of those whose config is given."""
    return sorted(name for name, used in in_use.items() if used.lower() == config_name.lower())
