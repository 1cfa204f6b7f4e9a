"""How the object graphs are built: what safety rests on, and that each has what it needs."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from dormouse import bootstrap
from dormouse.adapters.catalog import TaggedConfigs, TaggedEndpoints
from dormouse.adapters.history import DecisionsTable
from dormouse.adapters.invocations import ReconcileNudge, ReconcileTick
from dormouse.adapters.sagemaker import SageMakerEndpoints, SageMakerObserver
from dormouse.adapters.state import EndpointsTable
from dormouse.domain.claims import Deployment
from dormouse.domain.plan import Timing
from dormouse.settings import SettingError

BUILDERS = {
    "reconciler": bootstrap.reconciler,
    "intents": bootstrap.intents,
    "control": bootstrap.control,
    "proxy": bootstrap.proxy,
    "removal": bootstrap.removal,
    "answer_cloudformation": bootstrap.answer_cloudformation,
    "invoke_again": bootstrap.invoke_again,
}
DEPLOYMENT = Deployment("STACK_NAME", "OWN_ENDPOINT", "OWN_ENDPOINT_CONFIG")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All functions' settings, each named after itself; and nothing kept between the tests."""
    for name in (
        "ENDPOINTS_TABLE",
        "DECISIONS_TABLE",
        "STACK_NAME",
        "OWN_ENDPOINT",
        "OWN_ENDPOINT_CONFIG",
        "RECONCILE_FUNCTION",
        "ACCOUNT_ID",
    ):
        monkeypatch.setenv(f"DORMOUSE_{name}", name)
    for build in BUILDERS.values():
        build.cache_clear()
    yield
    for build in BUILDERS.values():
        build.cache_clear()


def options(client: Any) -> Any:
    """A client's options, of which its stubs know nothing."""
    return client.meta.config


@pytest.mark.parametrize("name", BUILDERS)
def test_each_is_built_once_for_a_container(name: str) -> None:
    """Clients take a while to make."""
    build: Callable[[], object] = BUILDERS[name]

    assert build() is build()


@pytest.mark.parametrize("name", ["reconciler", "intents", "control", "proxy", "removal"])
def test_what_is_not_told_its_tables_is_not_built(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the variable's name."""
    monkeypatch.delenv("DORMOUSE_ENDPOINTS_TABLE")
    with pytest.raises(SettingError, match="DORMOUSE_ENDPOINTS_TABLE"):
        BUILDERS[name]()


def test_what_creates_updates_and_deletes_never_tries_twice() -> None:
    """A late repetition of DeleteEndpoint could delete the endpoint that was created after it."""
    endpoints = bootstrap.reconciler().endpoints

    assert isinstance(endpoints, SageMakerEndpoints)
    assert options(endpoints.writer).retries["total_max_attempts"] == 1
    assert options(endpoints.reader).retries["total_max_attempts"] == 2


def test_only_the_reconciler_can_change_endpoints() -> None:
    """One writer."""
    observer = bootstrap.control().endpoints

    assert type(observer) is SageMakerObserver
    assert not any(hasattr(observer, verb) for verb in ("create", "update", "delete"))


def test_the_reconciler_has_what_it_is_told() -> None:
    """Tables that must not change places, and the deployment."""
    reconciler = bootstrap.reconciler()

    assert isinstance(reconciler.state, EndpointsTable)
    assert reconciler.state.table_name == "ENDPOINTS_TABLE"
    assert isinstance(reconciler.history, DecisionsTable)
    assert reconciler.history.table_name == "DECISIONS_TABLE"
    assert reconciler.deployment == DEPLOYMENT
    assert isinstance(reconciler.created, TaggedEndpoints)
    assert reconciler.timing == Timing(
        metric_lag=timedelta(minutes=5),
        ledger_interval=timedelta(seconds=30),
        demand_patience=timedelta(hours=1),
    )


def test_the_intents_of_reconcile_go_to_the_same_table() -> None:
    """For the same deployment."""
    intents = bootstrap.intents()

    assert isinstance(intents.state, EndpointsTable)
    assert intents.state.table_name == "ENDPOINTS_TABLE"
    assert intents.deployment == DEPLOYMENT


def test_control_has_what_it_is_told() -> None:
    """It reads both tables, and nudges."""
    control = bootstrap.control()

    assert isinstance(control.state, EndpointsTable)
    assert control.state.table_name == "ENDPOINTS_TABLE"
    assert isinstance(control.history, DecisionsTable)
    assert control.history.table_name == "DECISIONS_TABLE"
    assert isinstance(control.nudge, ReconcileNudge)
    assert control.nudge.function_name == "RECONCILE_FUNCTION"
    assert control.intents.deployment == DEPLOYMENT
    assert (control.account_id, control.expected_wake) == ("ACCOUNT_ID", timedelta(minutes=8))


def test_the_proxy_asks_for_permission_in_its_own_account() -> None:
    """And as seldom as it writes the ledger."""
    proxy = bootstrap.proxy()

    assert proxy.permissions.account_id == "ACCOUNT_ID"
    assert proxy.permissions.deployment == DEPLOYMENT
    assert proxy.permissions.interval == proxy.ledger_interval == timedelta(seconds=30)
    assert isinstance(proxy.permissions.catalog, TaggedConfigs)
    assert proxy.own_endpoint == "OWN_ENDPOINT"


def test_a_whole_tick_is_waited_for_and_not_repeated() -> None:
    """A tick may take as long as reconcile's timeout; a second one at once would help nobody."""
    removal = bootstrap.removal()

    assert isinstance(removal.tick, ReconcileTick)
    assert removal.tick.function_name == "RECONCILE_FUNCTION"
    assert options(removal.tick.client).retries["total_max_attempts"] == 1
    assert options(removal.tick.client).read_timeout > removal.reconcile_timeout.total_seconds()
