"""Which EndpointConfigs of the stack's own template may go, and since when."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.claims import Claim, Refusal, TaggedConfig
from dormouse.domain.spec import Spec
from dormouse.domain.superseded import Superseded, find_superseded, users_of
from tests.fakes.world import config

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
GRACE = timedelta(days=1)
STACK_ID = "arn:aws:cloudformation:eu-central-1:123456789012:stack/dormouse/1"
OTHER_STACK_ID = "arn:aws:cloudformation:eu-central-1:123456789012:stack/dormouse/2"
CURRENT = config("own", "Config-3", template=STACK_ID)


def made(name: str, endpoint: str = "own") -> TaggedConfig:
    """One that the template has made."""
    return config(endpoint, name, template=STACK_ID)


def find(
    configs: list[TaggedConfig],
    claims: tuple[Claim, ...] = (Spec("own", "Config-3"),),
    known: dict[str, datetime] | None = None,
) -> Superseded:
    """Look for them now."""
    known = {} if known is None else known
    return find_superseded(configs, claims, "Config-3", STACK_ID, known, now=NOW, grace=GRACE)


def test_what_a_deployment_has_replaced_is_noted_at_first() -> None:
    """The tagging API may be behind, and CloudFormation may roll back."""
    assert find([CURRENT, made("Config-2")]) == Superseded({"config-2": NOW}, [])


def test_it_may_go_when_the_grace_has_passed() -> None:
    """Since it was first seen so, not since it was made."""
    known = {"config-1": NOW - GRACE, "config-2": NOW - GRACE + timedelta(seconds=1)}

    found = find([CURRENT, made("Config-1"), made("Config-2")], known=known)

    assert found == Superseded(known, ["config-1"])


def test_the_current_one_never_goes() -> None:
    """Also not where its own spec can't be obeyed."""
    refused = (Refusal("own", "a tag"),)
    known = {"config-3": NOW - GRACE, "config-2": NOW - GRACE}

    assert find([CURRENT], known=known) == Superseded({}, [])
    assert find([CURRENT, made("Config-2")], refused, known).due == ["config-2"]


def test_one_that_a_spec_asks_for_never_goes() -> None:
    """First or to fall back on, of whatever endpoint; names from ARNs are in lower case."""
    claims = (
        Spec("own", "Config-3", fall_backs=("config-1",)),
        Spec("search", "Config-2"),
    )
    configs = [CURRENT, made("Config-1"), made("Config-2", "search")]

    assert find(configs, claims) == Superseded({}, [])


def test_one_that_claims_another_endpoint_stays_while_that_is_refused() -> None:
    """What it asks for, somebody may be mending."""
    configs = [CURRENT, made("Config-2", "search"), made("Config-1")]
    claims = (Spec("own", "Config-3"), Refusal("search", "a tag"))

    assert find(configs, claims) == Superseded({"config-1": NOW}, [])


@pytest.mark.parametrize(
    "tags", [{}, {"template": OTHER_STACK_ID}, {"stack": "dormouse"}, {"template": "dormouse"}]
)
def test_what_this_very_stack_has_not_made_never_goes(tags: dict[str, str]) -> None:
    """Nor what a stack of the same name has, which was deleted before."""
    theirs = config("own", "Config-2", **tags)

    assert find([CURRENT, theirs], known={"config-2": NOW - GRACE}) == Superseded({}, [])


def test_nothing_is_known_while_the_current_one_is_not_visible() -> None:
    """The tagging API is eventually consistent: what it shows may be older still."""
    known = {"config-1": NOW - GRACE}

    assert find([made("Config-1"), made("Config-2")], known=known) == Superseded(known, ())


def test_one_that_is_asked_for_again_begins_anew() -> None:
    """A rollback; then it is replaced once more."""
    known = {"config-2": NOW - GRACE}
    again = (Spec("own", "Config-3"), Spec("search", "Config-2"))

    found = find([CURRENT, made("Config-2", "search")], again, known)
    assert found.since == {}

    assert find([CURRENT, made("Config-2")], known=dict(found.since)).due == []


def test_what_is_gone_is_forgotten() -> None:
    """The ledger does not grow with each deployment."""
    assert find([CURRENT], known={"config-1": NOW}) == Superseded({}, [])


NAMES = st.sampled_from([f"Config-{number}" for number in range(6)])


@given(
    st.lists(NAMES, unique=True),
    st.lists(NAMES, unique=True),
    st.lists(NAMES, min_size=1, unique=True),
    st.dictionaries(NAMES.map(str.lower), st.just(NOW - GRACE)),
)
def test_nothing_goes_that_anybody_asks_for(
    ours: list[str], theirs: list[str], asked_for: list[str], known: dict[str, datetime]
) -> None:
    """Whatever there is."""
    configs = [CURRENT, *(made(name) for name in ours), *(config("own", name) for name in theirs)]
    claims = (Spec("own", "Config-3"), Spec("x", asked_for[0], fall_backs=tuple(asked_for[1:])))

    due = set(find(configs, claims, known).due)

    assert due <= {name.lower() for name in ours} & set(known)
    assert due.isdisjoint({"config-3", *(name.lower() for name in asked_for)})


def test_whoever_runs_on_one_is_named() -> None:
    """Names from ARNs are in lower case."""
    in_use = {"b": "Config-1", "a": "config-1", "c": "Config-10"}

    assert users_of("CONFIG-1", in_use) == ["a", "b"]
    assert users_of("config-2", in_use) == []
