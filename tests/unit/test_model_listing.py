"""The list of an endpoint's models, put together from what is known of each."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.ledger import Ledger
from dormouse.domain.model_listing import (
    View,
    ViewError,
    begins_at,
    list_models,
    read_view,
    unused_among,
)
from dormouse.domain.stored_model import StoredModel
from dormouse.domain.usage import Tally, Usage
from dormouse.domain.warm_up import WarmUp

NOW = datetime(2026, 2, 16, 9, 0, 30, tzinfo=UTC)
UPLOADED_AT = NOW - timedelta(days=40, hours=1)
A, B = StoredModel("a", 1, UPLOADED_AT), StoredModel("b", 2, UPLOADED_AT)
NOTHING = Usage(NOW, NOW)


def test_what_is_stored_used_or_aliased_is_listed() -> None:
    """Each once, in order of names; what was retired or never was there has no size."""
    usage = Usage(NOW, NOW, models={"a": Tally(requests=3), "gone": Tally(requests=1)})
    ledger = Ledger(aliases={"x@2": "a", "x@1": "a", "y@1": "never"})

    listed = list_models([B, A], usage, {"a": NOW, "old": NOW}, ledger)

    assert [model.name for model in listed] == ["a", "b", "gone", "never", "old"]
    assert [model.stored for model in listed] == [A, B, None, None, None]
    assert [model.aliases for model in listed] == [["x@1", "x@2"], (), (), ["y@1"], ()]
    assert [model.tally.requests for model in listed] == [3, 0, 1, 0, 0]
    assert [model.last_used_at for model in listed] == [NOW, None, None, None, NOW]


def test_loaded_is_what_has_answered_or_was_warmed_up_since_it_serves() -> None:
    """While it does."""
    since = NOW - timedelta(hours=1)
    warm_up = WarmUp(("b", "c"), frozenset({"b"}), since, NOW)
    last_uses = {"a": since, "b": since - timedelta(days=1), "c": since - timedelta(seconds=1)}

    for ledger, loaded in (
        (Ledger(serving_since=since, warm_up=warm_up), ["a", "b"]),
        (Ledger(serving_since=since), ["a"]),
        (Ledger(warm_up=warm_up), []),
    ):
        listed = list_models([], NOTHING, last_uses, ledger)
        assert [model.name for model in listed if model.is_loaded] == loaded


def test_unused_are_whole_days_since_the_last_use_or_else_the_upload() -> None:
    """Not known of what is neither stored nor was used; a clock that is ahead makes it none."""
    uses = {"a": NOW - timedelta(days=7), "later": NOW + timedelta(seconds=5)}
    usage = Usage(NOW, NOW, models={"gone": Tally(requests=1)})
    listed = list_models([A, B], usage, uses, Ledger())
    assert {model.name: model.unused_days(NOW) for model in listed} == {
        "a": 7,
        "b": 40,
        "gone": None,
        "later": 0,
    }
    for days, chosen in ((41, []), (40, ["b"]), (8, ["b"]), (7, ["a", "b"])):
        assert [model.name for model in unused_among(listed, days, NOW)] == chosen
    assert len(unused_among(listed, 0, NOW)) == 3


def test_a_view() -> None:
    """A day, of all, unless something else is said; it begins with a minute."""
    assert read_view({}) == View(24, None)
    assert read_view({"hours": "672", "unused_days": "30"}) == View(672, 30)
    assert begins_at(View(2), NOW) == datetime(2026, 2, 16, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"hour": "1"}, "'hour' is not known here: hours and unused_days are"),
        ({"hours": ""}, "hours must be a whole number from 1 to 672, not ''"),
        ({"hours": "0"}, "hours must be a whole number from 1 to 672, not '0'"),
        ({"hours": "673"}, "hours must be"),
        ({"hours": "1.5"}, "hours must be"),
        ({"hours": "1,2"}, "hours must be"),
        ({"hours": "\u0663"}, "hours must be"),
        ({"unused_days": "-1"}, "unused_days must be a whole number from 0 to 3650, not '-1'"),
        ({"unused_days": "9" * 500}, "unused_days must be"),
    ],
)
def test_a_bad_view_is_named(query: dict[str, str], why: str) -> None:
    """By its member."""
    with pytest.raises(ViewError, match=why):
        read_view(query)


@given(st.dictionaries(st.sampled_from(["hours", "unused_days", "x"]), st.text(max_size=6)))
def test_any_query_is_a_view_or_a_clear_error(query: dict[str, str]) -> None:
    """Nothing else is raised."""
    try:
        view = read_view(query)
    except ViewError as error:
        assert any(name in str(error) for name in query)
    else:
        assert 1 <= view.hours <= 672
        assert view.unused_days is None or 0 <= view.unused_days <= 3650
