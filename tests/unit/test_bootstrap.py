"""How the object graphs are built: what safety rests on, and that each has what it needs."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dormouse.adapters.catalog import TaggedConfigs, TaggedEndpoints
from dormouse.adapters.history import DecisionsTable
from dormouse.adapters.invocations import ReconcileNudge, ReconcileTick
from dormouse.adapters.locations import S3Locations
from dormouse.adapters.model_store import S3ModelStore
from dormouse.adapters.runtime import SageMakerRuntime
from dormouse.adapters.sagemaker import SageMakerEndpoints, SageMakerObserver
from dormouse.adapters.schedules import SsmSchedules
from dormouse.adapters.state import EndpointsTable
from dormouse.bootstrap import cleanup, control, drain, invoke, reconcile
from dormouse.domain.claims import Deployment
from dormouse.domain.timing import Timing
from dormouse.settings import SettingError

BUILDERS = {
    "reconciler": reconcile.reconciler,
    "intents": reconcile.intents,
    "control": control.control,
    "models": control.models,
    "aliases": control.aliases,
    "ground_truths": control.ground_truths,
    "proxy": invoke.proxy,
    "async_invocations": invoke.async_invocations,
    "inquiry": invoke.inquiry,
    "drain": drain.drain,
    "publishing": drain.publishing,
    "warming": drain.warming,
    "removal": cleanup.removal,
    "answer_cloudformation": cleanup.answer_cloudformation,
    "invoke_again": cleanup.invoke_again,
}
NOTICE_BUS = "arn:aws:events:us-east-1:123456789012:event-bus/dormouse"
NEEDS_TABLES = set(BUILDERS) - {"answer_cloudformation", "invoke_again"}
DEPLOYMENT = Deployment("STACK_NAME", "OWN_ENDPOINT", "OWN_ENDPOINT_CONFIG")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All functions' settings, each named after itself; and nothing kept between the tests."""
    for name in (
        "ENDPOINTS_TABLE",
        "DECISIONS_TABLE",
        "REQUESTS_TABLE",
        "USAGE_TABLE",
        "REQUESTS_BUCKET",
        "MODEL_BUCKET",
        "CAPTURE_BUCKET",
        "CAPTURE_STREAM",
        "WORK_QUEUE_URL",
        "DEAD_LETTERS_URL",
        "STACK_NAME",
        "OWN_ENDPOINT",
        "OWN_ENDPOINT_CONFIG",
        "RECONCILE_FUNCTION",
        "ACCOUNT_ID",
        "SCHEDULES_PARAMETER",
        "NOTICE_BUS",
        "STACK_ID",
    ):
        monkeypatch.setenv(f"DORMOUSE_{name}", name)
    # Lambda's own, and what has the form of an ARN.
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("DORMOUSE_NOTICE_BUS", NOTICE_BUS)
    monkeypatch.setenv("DORMOUSE_S3_BUCKETS", "mine REQUESTS_BUCKET")
    forget()
    yield
    forget()


def forget() -> None:
    """Let everything be built anew, what the graphs share too."""
    for module in (cleanup, control, drain, invoke, reconcile):
        for each in vars(module).values():
            if hasattr(each, "cache_clear"):
                each.cache_clear()


def options(client: Any) -> Any:
    """A client's options, of which its stubs know nothing."""
    return client.meta.config


@pytest.mark.parametrize("name", BUILDERS)
def test_each_is_built_once_for_a_container(name: str) -> None:
    """Clients take a while to make."""
    build: Callable[[], object] = BUILDERS[name]

    assert build() is build()


@pytest.mark.parametrize("name", sorted(NEEDS_TABLES))
def test_what_is_not_told_its_tables_is_not_built(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the variable's name."""
    monkeypatch.delenv("DORMOUSE_ENDPOINTS_TABLE")
    with pytest.raises(SettingError, match="DORMOUSE_ENDPOINTS_TABLE"):
        BUILDERS[name]()


def test_what_creates_updates_and_deletes_never_tries_twice() -> None:
    """A late repetition of DeleteEndpoint could delete the endpoint that was created after it."""
    endpoints = reconcile.reconciler().endpoints

    assert isinstance(endpoints, SageMakerEndpoints)
    assert options(endpoints.writer).retries["total_max_attempts"] == 1
    assert options(endpoints.reader).retries["total_max_attempts"] == 2


def test_only_the_reconciler_can_change_endpoints() -> None:
    """One writer."""
    observer = control.control().endpoints

    assert type(observer) is SageMakerObserver
    assert not any(hasattr(observer, verb) for verb in ("create", "update", "delete"))


def test_the_reconciler_has_what_it_is_told() -> None:
    """Tables that must not change places, and the deployment."""
    reconciler = reconcile.reconciler()

    assert isinstance(reconciler.state, EndpointsTable)
    assert reconciler.state.table_name == "ENDPOINTS_TABLE"
    settling, decisions = reconciler.settling, reconciler.settling.decisions
    assert isinstance(decisions.history, DecisionsTable)
    assert decisions.history.table_name == "DECISIONS_TABLE"
    assert reconciler.deployment == settling.deployment == DEPLOYMENT
    assert isinstance(reconciler.removing.created, TaggedEndpoints)
    assert reconciler.superseding.stack_id == "STACK_ID"
    assert isinstance(reconciler.schedules, SsmSchedules)
    assert reconciler.schedules.parameter_name == "SCHEDULES_PARAMETER"
    assert settling.timing == Timing(
        metric_lag=timedelta(minutes=5),
        ledger_interval=timedelta(seconds=30),
        demand_patience=timedelta(hours=1),
    )


def test_a_claim_outlives_whoever_has_made_it() -> None:
    """Longer than `reconcile` can live: what it asked for late must not be asked for again before
    it is surely gone.
    """
    reconciler = reconcile.reconciler()

    assert reconciler.settling.acting.patience > removal_timeout()
    assert reconciler.settling.decisions.resend_after > removal_timeout()


def removal_timeout() -> timedelta:
    """How long `reconcile` lives at most, as cleanup is told."""
    return cleanup.removal().reconcile_timeout


def test_the_intents_of_reconcile_go_to_the_same_table() -> None:
    """For the same deployment."""
    intents = reconcile.intents()

    assert isinstance(intents.state, EndpointsTable)
    assert intents.state.table_name == "ENDPOINTS_TABLE"
    assert intents.deployment == DEPLOYMENT


def test_control_has_what_it_is_told() -> None:
    """It reads both tables, and nudges."""
    desk = control.control()

    assert isinstance(desk.state, EndpointsTable)
    assert desk.state.table_name == "ENDPOINTS_TABLE"
    assert isinstance(desk.history, DecisionsTable)
    assert desk.history.table_name == "DECISIONS_TABLE"
    assert isinstance(desk.nudge, ReconcileNudge)
    assert desk.nudge.function_name == "RECONCILE_FUNCTION"
    assert desk.intents.deployment == DEPLOYMENT
    assert (desk.account_id, desk.timing.expected_wake) == ("ACCOUNT_ID", timedelta(minutes=8))


def test_the_proxy_asks_for_permission_in_its_own_account() -> None:
    """And as seldom as it writes the ledger."""
    proxy = invoke.proxy()

    assert proxy.permissions.account_id == "ACCOUNT_ID"
    assert proxy.permissions.deployment == DEPLOYMENT
    assert proxy.permissions.interval == timedelta(seconds=30)
    assert isinstance(proxy.permissions.catalog, TaggedConfigs)


def test_a_whole_tick_is_waited_for_and_not_repeated() -> None:
    """A tick may take as long as reconcile's timeout; a second one at once would help nobody."""
    removal = cleanup.removal()

    assert isinstance(removal.tick, ReconcileTick)
    assert removal.tick.function_name == "RECONCILE_FUNCTION"
    assert options(removal.tick.client).retries["total_max_attempts"] == 1
    assert options(removal.tick.client).read_timeout > removal.reconcile_timeout.total_seconds()


def test_the_doors_share_what_they_remember() -> None:
    """Who may call is asked once for both, and parked requests are one backlog."""
    assert invoke.proxy().permissions is invoke.async_invocations().permissions
    assert invoke.proxy().parking is invoke.async_invocations().parking is invoke.inquiry().parking


def test_what_drain_sends_goes_under_the_same_leases() -> None:
    """Requests and warm-ups."""
    assert drain.drain().sender is drain.warming().sender


def test_a_lease_covers_the_longest_call() -> None:
    """The runtime is waited for no longer than the lease's terms say."""
    for sender in (invoke.proxy().sender, drain.drain().sender):
        assert isinstance(sender.runtime, SageMakerRuntime)
        connections = sender.runtime.http.connections
        assert connections.read_timeout == sender.terms.read_timeout.total_seconds()


def test_a_claim_outlives_a_call() -> None:
    """Or the model would be asked a second time while it answers the first."""
    built = drain.drain()

    assert built.claim_time > built.call_time + built.sender.terms.margin


def test_callers_read_in_their_buckets_and_drain_in_none() -> None:
    """What is written lies in the stack's own, where other callers' requests lie, too."""
    doors, telling = invoke.async_invocations().locations, drain.publishing().locations

    assert isinstance(doors, S3Locations)
    assert isinstance(telling, S3Locations)
    assert (doors.readable_buckets, doors.own_bucket) == (frozenset({"mine"}), "REQUESTS_BUCKET")
    assert (telling.readable_buckets, telling.own_bucket) == (frozenset(), "REQUESTS_BUCKET")


def test_an_upload_is_signed_with_its_condition() -> None:
    """By version 4; version 2 would leave the header to whoever has the URL."""
    store = control.models().store

    upload = store.upload("a.tar.gz", datetime.now(UTC), timedelta(hours=1))

    assert "X-Amz-SignedHeaders=host%3Bif-none-match" in upload.url
    assert "MODEL_BUCKET" in upload.url
    assert "models/a.tar.gz" in upload.url


def test_an_upload_goes_to_the_region_of_its_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is young, other addresses send on to that one, where the signature is wrong."""
    monkeypatch.setenv("DORMOUSE_MODEL_BUCKET", "a-bucket")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    store = control.models().store

    upload = store.upload("a.tar.gz", datetime.now(UTC), timedelta(hours=1))

    assert upload.url.startswith("https://a-bucket.s3.eu-central-1.amazonaws.com/models/a.tar.gz?")


def test_an_archive_is_copied_before_the_function_is_cut_off() -> None:
    """And by one try, which S3 may need all that time for."""
    store = control.models().store

    assert isinstance(store, S3ModelStore)
    assert options(store.client).read_timeout == 24
    assert options(store.client).retries["total_max_attempts"] == 1
