"""Deleting the EndpointConfigs that this stack's template has made and no longer asks for.

CloudFormation retains them when it replaces them, since a live endpoint may still use one: deleting
that config would leave an endpoint which can be neither updated nor scaled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from dormouse.domain.claims import Claim, Deployment, TaggedConfig
from dormouse.domain.endpoint import Absent, EndpointStatus, Observation, Present
from dormouse.domain.ledger import Ledger
from dormouse.domain.superseded import find_superseded, users_of
from dormouse.errors import AwsError
from dormouse.ports import Clock, EndpointConfigs, EndpointsObserver, ReconcilerState

# On which EndpointConfig these run, nobody says: on two, as a rule, of which one is named. After a
# rollback that has failed it is "a mix of the old and new":
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
_ON_TWO = frozenset(
    {
        EndpointStatus.UPDATING,
        EndpointStatus.ROLLING_BACK,
        EndpointStatus.UPDATE_ROLLBACK_FAILED,
    }
)


@dataclass(frozen=True, slots=True)
class Superseding:
    """Deletes one in a tick at most, `grace` after it was first seen superseded. `looks` is how
    many endpoints are asked in one tick what they run on.
    """

    endpoints: EndpointsObserver
    configs: EndpointConfigs
    state: ReconcilerState
    clock: Clock
    deployment: Deployment
    stack_id: str
    grace: timedelta
    looks: int = 50
    _known: dict[str, tuple[Present, str]] = field(default_factory=dict)

    def carry_out(
        self,
        tagged: Sequence[TaggedConfig],
        claims: Sequence[Claim],
        own: Ledger,
        listed: Mapping[str, Observation],
    ) -> str | None:
        """Note what is superseded now, and delete what has been for long enough and nobody uses.
        `own` is the ledger of the deployment's own endpoint, `listed` every endpoint that there is,
        by its name.
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
        in_use = self._in_use(listed)
        if in_use is None:
            return
        for config_name in due:
            if not users_of(config_name, in_use):
                self.configs.delete(config_name)
                return

    def _in_use(self, listed: Mapping[str, Observation]) -> Mapping[str, str] | None:
        """Say on which EndpointConfig each endpoint runs, whoever has made it, as far as it runs on
        one; None where that is not known of all of them yet.

        ListEndpoints does not say it. So each one is asked, and again only when the list shows that
        it has changed; a few in one tick, since a fleet of thousands must not take all its time.
        """
        in_use: dict[str, str] = {}
        left = self.looks
        for name, each in sorted(listed.items()):
            if isinstance(each, Absent):
                continue
            if each.status in _ON_TWO:
                return None
            known = self._known.get(name)
            if known is None or known[0] != each:
                if left == 0:
                    return None
                left -= 1
                seen = self.endpoints.observe(name)
                if isinstance(seen, Absent):
                    # It has gone since the list was read.
                    continue
                if seen.status in _ON_TWO:
                    return None
                known = self._known[name] = (each, seen.config_name)
            in_use[name] = known[1]
        return in_use
