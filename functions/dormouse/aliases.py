"""The aliases of an endpoint, as an operator switches them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dormouse.domain.alias import ALIAS_INTERVAL, MOST_ALIASES, check_alias
from dormouse.errors import MissingAliasError, MissingModelError
from dormouse.intents import Intents
from dormouse.ports import AliasState, Clock, ModelStore


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch that is recorded. `model` is what the alias stands for, `previous` what it stood for
    until now, each None where that is nothing. From `followed_at` on every request follows it.
    """

    alias: str
    model: str | None
    previous: str | None
    followed_at: datetime


@dataclass(frozen=True, slots=True)
class Aliases:
    """Answers for the aliases of managed endpoints."""

    intents: Intents
    store: ModelStore
    state: AliasState
    clock: Clock

    def list_all(self, endpoint: str) -> Mapping[str, str]:
        """Say which model each stands for, in order of names.

        Raises:
            UnmanagedEndpointError: no EndpointConfig claims the endpoint.
            AwsError: the tags or the ledger can't be read.
        """
        ledger = self.state.read(self.intents.claim(endpoint).endpoint)
        return dict(sorted(ledger.aliases.items()))

    def switch(self, endpoint: str, alias: str, model: str) -> Switch:
        """Let an alias stand for a model from now on. It must be there, as far as can be seen:
        where the models of an endpoint lie in another bucket than the deployment's, it can't.

        Raises:
            AliasError: it can't be one.
            MissingModelError: there is no such model.
            AliasRefusedError: it would be one too many, or the model is being retired.
            UnmanagedEndpointError, RefusedEndpointError: see `Intents.obeyed_claim`.
            AwsError: it can't be said whether it is switched; the same again may be asked.
        """
        alias = check_alias(alias)
        endpoint = self.intents.obeyed_claim(endpoint).endpoint
        is_own = endpoint == self.intents.deployment.endpoint
        if is_own and not self.store.has(model):
            raise MissingModelError(f"there is no model {model} that {alias} could stand for")
        previous = self.state.set_alias(endpoint, alias, model, self.clock(), MOST_ALIASES)
        return Switch(alias, model, previous, self.clock() + ALIAS_INTERVAL)

    def remove(self, endpoint: str, alias: str) -> Switch:
        """Let an alias stand for nothing from now on: its name is a model's like any other.

        Raises:
            AliasError: it can't be one.
            MissingAliasError: there is no such alias.
            UnmanagedEndpointError: no EndpointConfig claims the endpoint.
            AwsError: it can't be said whether it is removed; the same again may be asked.
        """
        alias = check_alias(alias)
        endpoint = self.intents.claim(endpoint).endpoint
        previous = self.state.remove_alias(endpoint, alias)
        if previous is None:
            raise MissingAliasError(f"{endpoint} has no alias {alias}")
        return Switch(alias, None, previous, self.clock() + ALIAS_INTERVAL)
