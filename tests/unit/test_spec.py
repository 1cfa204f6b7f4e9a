"""The tags of an EndpointConfig become a spec, or one sentence that names the tag."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.spec import Spec, SpecError, is_endpoint_name, parse_spec


def test_the_tags_are_read() -> None:
    """And the tags of other owners are left alone."""
    tags = {"dormouse:endpoint": "reviews", "dormouse:idle-timeout": "45m", "team": "search"}

    assert parse_spec("c1", tags) == Spec("reviews", "c1", timedelta(minutes=45))


def test_the_idle_timeout_has_a_default() -> None:
    """To adopt an endpoint, one tag is enough."""
    assert parse_spec("c1", {"dormouse:endpoint": "reviews"}).idle_timeout == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("tags", "names"),
    [
        ({}, ["c1", "dormouse:endpoint"]),
        ({"dormouse:endpoint": ""}, ["c1", "dormouse:endpoint", "''"]),
        ({"dormouse:endpoint": "a_b"}, ["c1", "dormouse:endpoint", "'a_b'"]),
        ({"dormouse:endpoint": "x" * 64}, ["c1", "dormouse:endpoint", "x" * 64]),
        *(
            ({"dormouse:endpoint": "r", "dormouse:idle-timeout": bad}, ["idle-timeout", repr(bad)])
            for bad in ("0s", "soon", "87600h", "59s", "")
        ),
        ({"dormouse:endpoint": "r", "dormouse:idle-timout": "5m"}, ["'dormouse:idle-timout'"]),
    ],
)
def test_a_bad_tag_is_named(tags: dict[str, str], names: list[str]) -> None:
    """One sentence with the config, the tag and the value."""
    with pytest.raises(SpecError) as refusal:
        parse_spec("c1", tags)
    assert all(name in str(refusal.value) for name in names)


TAG_KEYS = st.sampled_from(["dormouse:endpoint", "dormouse:idle-timeout"]) | st.text()


@given(st.dictionaries(TAG_KEYS, st.text() | st.sampled_from(["r", "15m"])))
def test_any_tags_are_read_or_refused(tags: dict[str, str]) -> None:
    """No other exception escapes, and what is read can be obeyed."""
    try:
        spec = parse_spec("c1", tags)
    except SpecError:
        return
    assert is_endpoint_name(spec.endpoint)
    assert timedelta(minutes=1) <= spec.idle_timeout <= timedelta(days=7)
