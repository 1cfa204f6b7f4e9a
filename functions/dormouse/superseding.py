"""Deleting the EndpointConfigs that this stack's template has made and no longer asks for.

CloudFormation retains them when it replaces them, since a live endpoint may still use one: deleting
that config would leave an endpoint which can be neither updated nor scaled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from dormouse.domain.claims import Claim, Deployment, TaggedConfig
from dormouse.domain.endpoint import Observation, Present
from dormouse.domain.ledger import Ledger
from dormouse.domain.superseded import find_superseded, users_of
from dormouse.errors import AwsError
from dormouse.ports import Clock, EndpointConfigs, EndpointsObserver, ReconcilerState


@dataclass(frozen=True, slots=True)
class Superseding:
    """Deletes one in a tick at most, `grace` after it was first seen superseded."""

    endpoints: EndpointsObserver
    configs: EndpointConfigs
    state: ReconcilerState
    clock: Clock
    deployment: Deployment
    stack_id: str
    grace: timedelta

    def carry_out(
        self,
        tagged: Sequence[TaggedConfig],
        claims: Sequence[Claim],
        own: Ledger,
        listed: Mapping[str, Observation],
    ) -> str | None:
        """Note what is superseded now, and delete what has been for long enough and nobody uses.
        `own` is the ledger of the deployment's own endpoint, `listed` every endpoint that there is.
        Returns what keeps that from being done, if anything; never raises.
        """
        found = find_superseded(
            tagged,
            claims,
            self.deployment.config_name,
            self.stack_id,
            own.superseded,
            now=self.clock(),
            grace=self.grace,
        )
        try:
            if found.since != own.superseded:
                self.state.record_superseded(self.deployment.endpoint, found.since)
            if found.due:
                self._delete_one(found.due, listed)
        except AwsError as error:
            return f"superseded EndpointConfigs stay for now: {error}"
        return None

    def _delete_one(self, due: Sequence[str], listed: Mapping[str, Observation]) -> None:
        # All that there are, whoever has made them: ListEndpoints does not say what they run on.
        seen = {name: self.endpoints.observe(name) for name in sorted(listed)}
        in_use = {
            name: each.config_name for name, each in seen.items() if isinstance(each, Present)
        }
        # What an update under way moves to is not said; nothing is deleted before that has ended.
        is_changing = any(
            isinstance(each, Present) and each.status.is_changing for each in seen.values()
        )
        for config_name in [] if is_changing else due:
            if not users_of(config_name, in_use):
                self.configs.delete(config_name)
                return
