"""What is kept of an endpoint, and with which tags it is created again."""

import json

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
    with_absent_variants,
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


VARIANTS = st.lists(st.sampled_from(["a", "b", "c", "a-b"]), unique=True)


def scaling_of(variants: list[str], policies: list[str], capacity: int) -> str:
    """Autoscaling of these variants, and policies of those."""

    def each(names: list[str]) -> list[dict[str, object]]:
        return [{"ResourceId": f"endpoint/x/variant/{n}", "MaxCapacity": capacity} for n in names]

    return json.dumps({"targets": each(variants), "policies": each(policies)}, sort_keys=True)


def found(scaling: str | None) -> set[tuple[str, str, int]]:
    """What is in it: of which kind, for which variant, and how much."""
    return {
        (kind, each["ResourceId"].removeprefix("endpoint/x/variant/"), each["MaxCapacity"])
        for kind, entries in json.loads(scaling or "{}").items()
        for each in entries
    }


@given(st.none() | VARIANTS, st.none() | VARIANTS, VARIANTS)
def test_of_present_variants_the_present_counts_and_of_others_the_former(
    scaled: list[str] | None, formerly: list[str] | None, present: list[str]
) -> None:
    """Nothing is lost by a fall-back, and nothing comes back that its owner has taken away."""
    mine = [] if scaled is None else [name for name in scaled if name in present]
    now = scaling_of(mine, mine, 1) if mine else None
    former = None if formerly is None else scaling_of(formerly, formerly[:1], 2)

    merged = with_absent_variants(now, former, present)

    absent = {each for each in found(former) if each[1] not in present}
    assert found(merged) == found(now) | absent
    assert (merged is None) == (not mine and not absent)
    assert with_absent_variants(now, merged, present) == merged
