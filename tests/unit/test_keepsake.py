"""What is kept of an endpoint, and with which tags it is created again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.keepsake import (
    LONGEST_SCALING,
    MOST_TAGS,
    Keepsake,
    KeepsakeError,
    keepsake_of,
    tags_to_create,
)

OWN = {"dormouse:endpoint": "reviews", "dormouse:stack": "dormouse"}
KEYS = st.sampled_from(["", "aws:", "AWS:", "dormouse:"]).flatmap(
    lambda prefix: st.text("abcXYZ-", min_size=1, max_size=6).map(lambda key: prefix + key)
)


def test_the_owners_tags_are_kept() -> None:
    """Not AWS's, which nobody can write, nor ours, which are written anew."""
    tags = {
        "team": "search",
        "aws:cloudformation:stack-name": "search",
        "dormouse:adopted-by": "dormouse",
        "dormouse:endpoint": "reviews",
        "Dormouse": "sleeps",
    }

    kept = keepsake_of(tags, '{"AutoRollbackConfiguration": {}}', '{"targets": []}')

    assert kept == Keepsake(
        {"team": "search", "Dormouse": "sleeps"},
        '{"AutoRollbackConfiguration": {}}',
        '{"targets": []}',
    )


def test_what_is_too_large_is_said_before_anything_is_lost() -> None:
    """The item in the table has to hold it."""
    assert keepsake_of({}, None, "x" * LONGEST_SCALING).scaling == "x" * LONGEST_SCALING
    with pytest.raises(KeepsakeError, match=r"100001 characters .* take away policies"):
        keepsake_of({}, None, "x" * (LONGEST_SCALING + 1))


def test_what_nothing_is_known_of_is_created_with_our_tags() -> None:
    """By those it is found and may be deleted."""
    assert tags_to_create(None, OWN) == OWN
    assert tags_to_create(Keepsake(), OWN) == OWN


@given(st.dictionaries(KEYS, st.text(max_size=5), max_size=80))
def test_what_is_created_has_our_tags_and_theirs(tags: dict[str, str]) -> None:
    """Ours first, and no more than SageMaker takes."""
    created = tags_to_create(keepsake_of(tags, None, None), OWN)

    assert len(created) <= MOST_TAGS
    assert {key: created[key] for key in OWN} == OWN
    theirs = {key: value for key, value in created.items() if key not in OWN}
    assert not [key for key in theirs if key.lower().startswith("aws:")]
    assert not [key for key in theirs if key.startswith("dormouse:")]
    assert theirs.items() <= tags.items()
    free = {key for key in tags if not key.lower().startswith(("aws:", "dormouse:"))}
    assert len(theirs) == min(len(free), MOST_TAGS - len(OWN))
