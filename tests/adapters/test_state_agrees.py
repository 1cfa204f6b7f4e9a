"""The ledgers in memory, over which the state machine runs, do what the real table does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dormouse.adapters.aliases import AliasesTable
from dormouse.adapters.state import EndpointsTable
from dormouse.domain.demand_history import DemandHistory
from dormouse.domain.endpoint import EndpointStatus, Present
from dormouse.domain.failures import Failure, FailureKind
from dormouse.domain.keepsake import Keepsake
from dormouse.domain.ledger import Decision, Ledger
from dormouse.domain.notice import Notice, NoticeKind
from dormouse.domain.spending import Rate, Spent
from dormouse.domain.terms import Terms
from dormouse.domain.warm_up import WarmUp
from dormouse.errors import AliasRefusedError
from tests.fakes.ledger import FakeLedgers

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
DECISION = Decision("stay up", "hold", "needed")

FAILURE = Failure(2, NOW, FailureKind.CAPACITY, "InsufficientInstanceCapacity")
PRESENT = Present("arn", EndpointStatus.IN_SERVICE, "reviews-config", ("AllTraffic",), NOW)
KEEPSAKE = Keepsake({"team": "reviews"}, '{"a": 1}', '{"targets": []}')
SPENT = Spent("2026-02", timedelta(hours=3), Decimal("1.5"), warned=True)
RATE = Rate("reviews-config", Decimal("0.23"), "1 x ml.m5.xlarge")
NOTICE = Notice(NoticeKind.WAKING, "reviews", NOW, "needed", by="somebody")
OTHER_NOTICE = Notice(NoticeKind.ASLEEP, "reviews", NOW, "idle", topic="arn:aws:sns:…")

failures: st.SearchStrategy[dict[str, Failure]] = st.just({}) | st.just({"reviews-config": FAILURE})
spendings = st.none() | st.just(SPENT)
supersessions: st.SearchStrategy[dict[str, datetime]] = st.just({}) | st.just({"old-config": NOW})

some_notices = st.sampled_from([(NOTICE,), (OTHER_NOTICE,), (NOTICE, OTHER_NOTICE)])
notices = st.just(()) | some_notices
moments = st.integers(0, 6).map(lambda minutes: NOW + timedelta(minutes=minutes))
histories = st.builds(DemandHistory, moments, st.sampled_from(["", "learned"]))
endpoints = st.just("reviews") | st.just("reviews") | st.just("others")
versions = st.integers(0, 4)
models = st.sampled_from(["a", "b"])
aliases = st.sampled_from(["a@1", "b@1", "c@1"])
model_lists = st.lists(models, unique=True).map(tuple)
flags = st.booleans()
# Of the ledgers that were read so far, which one somebody acts on: 0 is the newest.
seen = st.integers(0, 3)

operations = st.one_of(
    st.tuples(st.just("record_decision"), st.just(DECISION), moments, seen.map(Ledger), notices),
    st.tuples(st.just("record_untold"), some_notices),
    st.tuples(st.just("clear_untold"), some_notices),
    st.tuples(st.just("begin_act"), seen.map(Ledger), moments, moments),
    st.tuples(st.just("end_act"), seen.map(Ledger), st.none() | moments),
    st.tuples(
        st.just("record_failures"),
        seen.map(Ledger),
        st.fixed_dictionaries({"failures": failures}),
    ),
    st.tuples(st.just("record_described"), st.just(PRESENT)),
    st.tuples(st.just("record_keepsake"), seen.map(Ledger), st.just(KEEPSAKE)),
    st.tuples(st.just("record_restored"), moments),
    st.tuples(st.just("record_vanished"), seen.map(Ledger), spendings),
    st.tuples(st.just("record_budget_warning"), st.just(SPENT)),
    st.tuples(st.just("record_superseded"), st.fixed_dictionaries({"superseded": supersessions})),
    st.tuples(st.just("record_demand_history"), seen.map(Ledger), st.none() | histories),
    st.tuples(st.just("forget_decision")),
    st.tuples(
        st.just("record_demand"), moments, moments, st.fixed_dictionaries({"known_only": flags})
    ),
    st.tuples(
        st.just("raise_demand"), moments, moments, st.fixed_dictionaries({"has_requests": flags})
    ),
    st.tuples(st.just("record_hold"), moments, moments),
    st.tuples(st.just("release_hold")),
    st.tuples(st.just("record_sleep"), moments),
    st.tuples(st.just("mark_met"), versions),
    st.tuples(st.just("clear_requests"), versions),
    st.tuples(
        st.just("take_lease"), moments, moments, st.fixed_dictionaries({"is_request": flags})
    ),
    st.tuples(
        st.just("begin_closing"),
        seen.map(Ledger),
        st.just("idle"),
        moments,
        st.fixed_dictionaries(
            {
                "is_forced": flags,
                "warm_set": model_lists,
                "sleeps": flags,
                "failures": st.none() | failures,
            }
        ),
    ),
    st.tuples(st.just("reopen"), seen.map(Ledger)),
    st.tuples(st.just("begin_deleting"), seen.map(Ledger), moments, spendings),
    st.tuples(st.just("record_gone"), seen.map(Ledger)),
    st.tuples(st.just("record_start"), moments, st.none() | st.just(RATE)),
    st.tuples(
        st.just("record_serving"),
        seen.map(Ledger),
        moments,
        st.none() | st.just(timedelta(seconds=90)),
        st.none() | st.builds(WarmUp, model_lists, st.just(frozenset()), moments, moments),
    ),
    st.tuples(
        st.just("end_warm_up"),
        st.builds(WarmUp, model_lists, st.just(frozenset()), moments, moments),
        moments,
    ),
    st.tuples(st.just("record_invoked"), models, moments),
    st.tuples(st.just("record_metrics_activity"), moments),
    st.tuples(st.just("record_update"), st.just("reviews-config-2"), moments),
    st.tuples(st.just("record_terms"), st.none() | st.just(Terms(("123456789012",)))),
    st.tuples(st.just("set_alias"), aliases, models, moments, st.just(2)),
    st.tuples(st.just("remove_alias"), aliases),
    st.tuples(st.just("begin_retiring"), models, moments, moments),
    st.tuples(st.just("end_retiring"), models),
)


@settings(
    max_examples=100,
    deadline=None,
    # The fixture is emptied in each run; and moto is too slow to shrink what fails.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.lists(st.tuples(endpoints, operations), min_size=5, max_size=40))
def test_whatever_is_done_to_both_they_answer_and_remember_the_same(
    table: EndpointsTable, steps: list[tuple[str, tuple[Any, ...]]]
) -> None:
    """Also where somebody acts on a ledger that has been overtaken."""
    fake, state = FakeLedgers(), AliasesTable(table.client, table.table_name)
    for endpoint in ("reviews", "others"):
        table.client.delete_item(TableName="endpoints", Key={"endpoint": {"S": endpoint}})
    read: list[Ledger] = [Ledger()]
    for endpoint, (name, *arguments) in steps:
        named: dict[str, Any] = {}
        if arguments and isinstance(arguments[-1], dict):
            named = arguments.pop()
        # A ledger here stands for one that was read before, by its number.
        given_ = [
            read[-1 - min(one.demand_version, len(read) - 1)] if isinstance(one, Ledger) else one
            for one in arguments
        ]
        of_table = _outcome(getattr(state, name), endpoint, *given_, **named)
        of_fake = _outcome(getattr(fake, name), endpoint, *given_, **named)
        assert of_table == of_fake, name
        assert _remembered(table) == _remembered(fake), name
        read.append(fake.read("reviews"))


def _outcome(act: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Do it; a refusal is an outcome as well."""
    try:
        return act(*arguments, **named)
    except AliasRefusedError:
        return AliasRefusedError


def _remembered(state: EndpointsTable | FakeLedgers) -> dict[str, Ledger]:
    """What is remembered of each endpoint; an item that says nothing is as good as none."""
    return {name: one for name, one in state.read_all().items() if one != Ledger()}
