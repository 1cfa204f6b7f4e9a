"""The models of an endpoint, as an operator sees them; uploading one, and retiring one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dormouse.domain.model_listing import (
    ListedModel,
    View,
    begins_at,
    list_models,
    unused_among,
)
from dormouse.domain.model_name import check_archive_name
from dormouse.domain.stored_model import Stock, Upload
from dormouse.errors import ElsewhereError, MissingModelError, ModelTakenError
from dormouse.intents import Intents
from dormouse.ports import AliasState, Clock, ModelStore, UsageLedger

LISTED_AT_MOST = 5000
UPLOAD_VALIDITY = timedelta(hours=1)

# No alias may come to stand for what is being retired: longer than the function may take that
# looks for a model and then lets an alias stand for it, and twice that for clocks that differ.
_CLAIM = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Listing:
    """The models of an endpoint, and who has asked for them, since then.

    `is_complete` is False where more than `LISTED_AT_MOST` lie in the bucket.
    """

    at: datetime
    endpoint: str
    since: datetime
    models: Sequence[ListedModel]
    callers: Mapping[str, int]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Models:
    """Answers for the models of managed endpoints.

    In the deployment's bucket lie those of its own endpoint; of others, what is used is known.
    """

    intents: Intents
    store: ModelStore
    state: AliasState
    usage: UsageLedger
    clock: Clock

    def list_all(self, endpoint: str, view: View) -> Listing:
        """List them.

        Raises:
            UnmanagedEndpointError: no EndpointConfig claims it.
            AwsError: the tags, the bucket or what was counted can't be read.
        """
        endpoint = self.intents.claim(endpoint).endpoint
        now, is_own = self.clock(), self.is_own(endpoint)
        stock = self.store.stock(LISTED_AT_MOST) if is_own else Stock((), is_complete=True)
        usage = self.usage.usage(endpoint, begins_at(view, now), now)
        last_uses = self.usage.last_uses(endpoint)
        models = list_models(stock.models, usage, last_uses, self.state.read(endpoint))
        if view.unused_days is not None:
            there = [model for model in models if model.stored is not None or not is_own]
            models = unused_among(there, view.unused_days, now)
        return Listing(now, endpoint, usage.since, models, usage.callers, stock.is_complete)

    def upload(self, endpoint: str, model: str) -> Upload:
        """Give leave to upload a model, for an hour, under a name that none has or had: SageMaker
        may still have loaded what was called so.

        Raises:
            ModelNameError: it can't have this name.
            ModelTakenError: one has it, or had it.
            ElsewhereError, UnmanagedEndpointError, RefusedEndpointError: see `require_own`.
            AwsError: the tags or the bucket can't be read.
        """
        model = check_archive_name(model)
        self.require_own(endpoint)
        for is_taken, said in (
            (self.store.has(model), "there is a model"),
            (self.store.has_retired(model), "there was a model"),
        ):
            if is_taken:
                raise ModelTakenError(
                    f"{said} {model}, and SageMaker may go on with what it has loaded under this "
                    "name: give the new version a new one"
                )
        return self.store.upload(model, self.clock(), UPLOAD_VALIDITY)

    def retire(self, endpoint: str, model: str) -> str:
        """Move a model to where no endpoint looks, and say where it lies. What has loaded it
        already may go on answering.

        Raises:
            ModelNameError: no model can have this name.
            MissingModelError: there is none of it.
            ModelTakenError: an alias stands for it.
            ElsewhereError, UnmanagedEndpointError, RefusedEndpointError: see `require_own`.
            AwsError: it can't be said what has become of it; the same again does the rest.
        """
        model = check_archive_name(model)
        endpoint = self.require_own(endpoint)
        if not self.store.has(model):
            raise MissingModelError(f"there is no model {model}")
        now = self.clock()
        ledger = self.state.begin_retiring(endpoint, model, now, now + _CLAIM)
        aliases = sorted(alias for alias, target in ledger.aliases.items() if target == model)
        if aliases:
            self.state.end_retiring(endpoint, model)
            raise ModelTakenError(
                f"{model} is what {', '.join(aliases)} stands for: let that stand for another "
                "model first, or remove it"
            )
        # The claim is left to end by itself: whoever has seen the model just now may be about to
        # let an alias stand for it.
        return self.store.retire(model)

    def is_own(self, endpoint: str) -> bool:
        """Whether its models lie in the deployment's bucket."""
        return endpoint == self.intents.deployment.endpoint

    def require_own(self, endpoint: str) -> str:
        """Return the endpoint's name, if its models lie in the deployment's bucket.

        Raises:
            UnmanagedEndpointError: no EndpointConfig claims it.
            RefusedEndpointError: what is asked for it can't be obeyed.
            ElsewhereError: they lie in another.
            AwsError: the tags can't be read.
        """
        endpoint = self.intents.obeyed_claim(endpoint).endpoint
        if not self.is_own(endpoint):
            raise ElsewhereError(
                f"the models of {endpoint} don't lie in the bucket of this deployment, which is "
                f"that of {self.intents.deployment.endpoint}: upload and remove them where the "
                "ModelDataUrl of its Model points"
            )
        return endpoint
