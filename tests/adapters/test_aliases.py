"""The aliases in the endpoint's item: each write changes one, under its condition and no other."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dormouse.adapters.aliases import AliasesTable
from dormouse.adapters.state import EndpointsTable
from dormouse.domain.alias import LONGEST_ALIAS, MOST_ALIASES
from dormouse.domain.ledger import Decision, Ledger
from dormouse.errors import AliasRefusedError, AwsError

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=60)
LIVE, NEXT = "sentiment@live", "sentiment@next"
ONE, TWO = "sentiment-1.tar.gz", "sentiment-2.tar.gz"


@pytest.fixture
def aliases(table: EndpointsTable) -> AliasesTable:
    """The table as an operator writes it."""
    return AliasesTable(table.client, table.table_name)


def point(aliases: AliasesTable, alias: str, model: str, at_most: int = 3) -> str | None:
    """Let an alias stand for a model."""
    return aliases.set_alias("reviews", alias, model, NOW, at_most)


def test_an_alias_is_set_switched_and_removed(aliases: AliasesTable) -> None:
    """Each says what it stood for."""
    assert aliases.read("reviews").aliases == {}
    assert point(aliases, LIVE, ONE) is None
    assert point(aliases, LIVE, TWO) == ONE
    assert aliases.read("reviews").aliases == {LIVE: TWO}
    assert aliases.remove_alias("reviews", LIVE) == TWO
    assert aliases.remove_alias("reviews", LIVE) is None
    assert aliases.read("reviews").aliases == {}


def test_one_that_was_never_there_is_not_removed(aliases: AliasesTable) -> None:
    """Nor is an item made for it."""
    assert aliases.remove_alias("reviews", LIVE) is None
    assert aliases.read_all() == {}


def test_nothing_else_is_touched(aliases: AliasesTable) -> None:
    """Neither other endpoints, nor what is remembered of this one; and the other way round."""
    decision = Decision("stop", "otherwise down", "no request for 15m")
    aliases.record_decision("reviews", decision, NOW, Ledger())
    point(aliases, LIVE, ONE)
    aliases.record_decision("reviews", decision, LATER, aliases.read("reviews"))
    assert aliases.read("reviews") == Ledger(
        decision=decision, decided_at=LATER, aliases={LIVE: ONE}
    )
    assert aliases.read("others") == Ledger()


def test_a_lease_tells_them(aliases: AliasesTable) -> None:
    """For nothing."""
    aliases.record_decision("reviews", Decision("stay up", "hold", "held"), NOW, Ledger())
    point(aliases, LIVE, ONE)
    lease = aliases.take_lease("reviews", NOW, LATER, is_request=True)
    assert lease.ledger.aliases == {LIVE: ONE}


def test_two_operators_at_once_lose_nothing(
    aliases: AliasesTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the first two of an endpoint are set, and the map is made by both."""
    update, calls = aliases.client.update_item, []

    def meanwhile(**request: Any) -> Any:
        calls.append(request)
        if len(calls) == 2:
            monkeypatch.setattr(aliases.client, "update_item", update)
            point(aliases, NEXT, TWO)
        return update(**request)

    monkeypatch.setattr(aliases.client, "update_item", meanwhile)
    point(aliases, LIVE, ONE)
    assert aliases.read("reviews").aliases == {LIVE: ONE, NEXT: TWO}


def test_there_are_not_more_than_so_many(aliases: AliasesTable) -> None:
    """Those that are there can be switched still."""
    for number in range(3):
        point(aliases, f"a@{number}", ONE)
    with pytest.raises(AliasRefusedError, match="reviews has 3 aliases already, and may have 3"):
        point(aliases, LIVE, ONE)
    assert point(aliases, "a@1", TWO) == ONE
    aliases.remove_alias("reviews", "a@0")
    assert point(aliases, LIVE, ONE) is None


def test_the_most_and_longest_fit_into_an_item(aliases: AliasesTable) -> None:
    """DynamoDB has at most 400 KB."""
    longest = {f"{number:03}@".ljust(LONGEST_ALIAS, "a"): "m" * 1024 for number in range(2)}
    for alias, model in longest.items():
        point(aliases, alias, model)
    assert aliases.read("reviews").aliases == longest
    assert MOST_ALIASES * (LONGEST_ALIAS + 1024 + 16) < 350_000


def test_none_comes_to_stand_for_what_is_being_retired(aliases: AliasesTable) -> None:
    """Until the claim has ended; one that stands for it already is told to whoever claims."""
    point(aliases, LIVE, ONE)
    ledger = aliases.begin_retiring("reviews", ONE, NOW, LATER)
    assert ledger.aliases == {LIVE: ONE}
    with pytest.raises(AliasRefusedError, match=f"{ONE} is being retired"):
        point(aliases, NEXT, ONE)
    assert point(aliases, NEXT, TWO) is None
    after = LATER + timedelta(milliseconds=1)
    assert aliases.set_alias("reviews", NEXT, ONE, after, 3) == TWO


def test_a_claim_is_given_up(aliases: AliasesTable) -> None:
    """Then it is as if there had been none."""
    point(aliases, LIVE, TWO)
    before = aliases._read("reviews")
    aliases.begin_retiring("reviews", ONE, NOW, LATER)
    aliases.end_retiring("reviews", ONE)
    assert aliases._read("reviews") == before
    assert point(aliases, LIVE, ONE) == TWO


def test_claims_of_the_past_are_removed(aliases: AliasesTable) -> None:
    """With the next; those that stand are left."""
    for number in range(3):
        moment = NOW + timedelta(seconds=30 * number)
        aliases.begin_retiring("reviews", f"{number}", moment, moment + timedelta(seconds=45))
    assert set(aliases._read("reviews")) == {"endpoint", "retiring 1", "retiring 2"}


@pytest.mark.parametrize(
    "act",
    [
        lambda table: point(table, LIVE, ONE),
        lambda table: table.remove_alias("reviews", LIVE),
        lambda table: table.begin_retiring("reviews", ONE, NOW, LATER),
        lambda table: table.end_retiring("reviews", ONE),
    ],
)
def test_what_dynamodb_refuses_is_told(aliases: AliasesTable, act: Any) -> None:
    """Nothing is taken for done."""
    with pytest.raises(AwsError, match="UpdateItem"):
        act(AliasesTable(aliases.client, "missing"))
