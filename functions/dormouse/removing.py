"""Deleting what the deployment has created, once the deployment itself is being deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dormouse.decisions import Decisions, Outcome
from dormouse.domain.claims import Deployment
from dormouse.domain.endpoint import Absent, Ownership, Present
from dormouse.domain.ledger import Ledger
from dormouse.domain.plan import Action
from dormouse.domain.removal import decide_removal, release
from dormouse.domain.spec import Spec
from dormouse.errors import AwsDeniedError, AwsError
from dormouse.ports import Endpoints, EndpointsOfDeployment, ReconcilerState
from dormouse.teardown import Teardown


@dataclass(frozen=True, slots=True)
class Candidate:
    """An endpoint that this deployment may have created; `is_tagged` if its tags say so."""

    endpoint: str
    is_tagged: bool


@dataclass(frozen=True, slots=True)
class Removing:
    """Removes every endpoint that this deployment has created, and no other."""

    created: EndpointsOfDeployment
    endpoints: Endpoints
    state: ReconcilerState
    deployment: Deployment
    teardown: Teardown
    decisions: Decisions

    def candidates(self, ledgers: Mapping[str, Ledger]) -> Sequence[Candidate]:
        """Name what it may have created.

        Nothing is ever started without an entry in the ledger; the tags know of what was started
        before a ledger that was replaced.

        Raises:
            AwsError: the tags can't be read.
        """
        own = self.deployment.endpoint
        tagged = [*self.created.created_endpoints(self.deployment.stack_name), own]
        is_tagged = {name.lower() for name in tagged}
        names = {name.lower(): name for name in (*tagged, *ledgers, own)}
        return [Candidate(name, name.lower() in is_tagged) for name in sorted(names.values())]

    def remove(self, candidate: Candidate) -> Outcome:
        """Go on with removing one.

        Raises:
            AwsError: it can't be judged; nothing was changed.
        """
        endpoint = candidate.endpoint
        ledger = self.state.read(endpoint)
        try:
            seen = self.endpoints.observe(endpoint)
        except AwsDeniedError:
            # What was created here has the tags by which IAM allows a look at it.
            if candidate.is_tagged:
                raise
            plan = release(self.deployment.stack_name)
            return self.decisions.keep(ledger, Absent(), Outcome(endpoint, plan), ())
        ownership = Ownership()
        if isinstance(seen, Present):
            ownership = self.endpoints.ownership(seen.arn)
        if isinstance(seen, Absent) and ledger.closing is not None:
            self.state.record_gone(endpoint, ledger)
            ledger = ledger.without_life()
        plan = decide_removal(seen, ownership, self.deployment.stack_name)
        outcome = Outcome(endpoint, plan)
        if plan.action in (Action.STOP, Action.CLEAR) and isinstance(seen, Present):
            # Nothing is ever woken again.
            spec = Spec(endpoint, seen.config_name, warm_set_size=0)
            try:
                plan = self.teardown.drive(seen, ownership, ledger, plan, spec, keeps=False)
                outcome = Outcome(endpoint, plan)
            except AwsError as error:
                outcome = replace(outcome, problem=str(error))
        return self.decisions.keep(ledger, seen, outcome, ())
