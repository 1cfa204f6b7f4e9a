"""Notices: what programs and people read, by the schema that is documented."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cfnlint.jsonschema import StandardValidator
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.notice import (
    Notice,
    NoticeKind,
    document_of,
    read_notice,
    subject_of,
    text_of,
    write_notice,
)

AT = datetime(2026, 11, 23, 8, 0, 0, 250_000, tzinfo=UTC)
NOTICE = Notice(
    NoticeKind.WAKING,
    "reviews",
    AT,
    "needed until 2026-11-23 10:00:00 UTC: it is held",
    by="arn:aws:iam::123456789012:role/ops",
    config_name="reviews-2",
    owner="ml-team@example.com",
    until=AT + timedelta(hours=2),
    detail="as before",
    topic="arn:aws:sns:eu-central-1:123456789012:reviews",
)
BARE = Notice(NoticeKind.ASLEEP, "reviews", AT, "no request for 15m")
SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "docs" / "notice.schema.json").read_text("utf-8")
)

# What a ledger keeps of a moment.
MOMENTS = st.datetimes(
    datetime(2024, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2031, 1, 1),  # noqa: DTZ001 - likewise
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
).map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))
TEXTS = st.text(min_size=1, max_size=80)
NOTICES = st.builds(
    Notice,
    kind=st.sampled_from(NoticeKind),
    endpoint=TEXTS,
    at=MOMENTS,
    reason=TEXTS,
    by=st.none() | TEXTS,
    config_name=st.none() | TEXTS,
    owner=st.none() | TEXTS,
    until=st.none() | MOMENTS,
    detail=st.none() | TEXTS,
    topic=st.none() | TEXTS,
)


def faults(document: object) -> list[str]:
    """What the schema has against a document, by the one validator that is installed."""
    return [fault.message for fault in StandardValidator(SCHEMA).iter_errors(document)]


def test_a_document_says_everything_but_the_topic() -> None:
    """In UTC, with milliseconds."""
    assert document_of(NOTICE) == {
        "version": "1",
        "id": "reviews/2026-11-23T08:00:00.250Z/waking",
        "kind": "waking",
        "endpoint": "reviews",
        "at": "2026-11-23T08:00:00.250Z",
        "reason": "needed until 2026-11-23 10:00:00 UTC: it is held",
        "by": "arn:aws:iam::123456789012:role/ops",
        "endpoint_config": "reviews-2",
        "owner": "ml-team@example.com",
        "until": "2026-11-23T10:00:00.250Z",
        "detail": "as before",
    }


@given(NOTICES)
def test_every_document_keeps_to_the_schema(notice: Notice) -> None:
    """As JSON, whatever stands in it."""
    assert faults(json.loads(json.dumps(document_of(notice)))) == []


@pytest.mark.parametrize(
    "spoiled",
    [
        {"version": "2"},
        {"kind": "dreaming"},
        {"at": "2026-11-23T08:00:00+00:00"},
        {"until": "tomorrow"},
        {"reason": ""},
        {"by": 7},
        {"detail": ["a"]},
    ],
)
def test_the_schema_refuses_what_is_no_notice(spoiled: dict[str, object]) -> None:
    """Else it would say nothing."""
    assert len(faults({**document_of(NOTICE), **spoiled})) == 1


@pytest.mark.parametrize("member", sorted(document_of(BARE)))
def test_the_schema_misses_what_is_always_there(member: str) -> None:
    """So that nobody has to ask whether it is."""
    document = document_of(NOTICE)
    del document[member]

    assert faults(document) == [f"'{member}' is a required property"]


def test_the_schema_has_every_kind_and_no_other_member() -> None:
    """So that a kind that is added is documented."""
    assert SCHEMA["properties"]["kind"]["enum"] == [kind.value for kind in NoticeKind]
    assert set(SCHEMA["properties"]) == set(document_of(NOTICE))
    assert set(SCHEMA["required"]) == set(document_of(BARE))
    assert all(member["description"] for member in SCHEMA["properties"].values())


@given(NOTICES)
def test_what_is_kept_is_read_again(notice: Notice) -> None:
    """With its topic, and the same as it is told."""
    read = read_notice(json.loads(json.dumps(write_notice(notice))))

    assert read == notice
    assert document_of(read) == document_of(notice)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"version": "2"},
        {"kind": "dreaming"},
        {"endpoint": ""},
        {"at": ""},
        {"at": "today"},
        {"until": "tomorrow"},
        {"reason": ""},
    ],
)
def test_what_another_version_has_kept_is_refused(spoiled: dict[str, str]) -> None:
    """By ValueError, and by nothing else."""
    with pytest.raises(ValueError):
        read_notice({**write_notice(NOTICE), **spoiled})


def test_event_bridge_matches_a_kind_by_its_detail_type() -> None:
    """In the style of SageMaker's own."""
    assert NoticeKind.WAKING.detail_type == "Dormouse Endpoint Waking"
    assert NoticeKind.FALLEN_BACK.detail_type == "Dormouse Endpoint Fallen Back"


@pytest.mark.parametrize("kind", NoticeKind)
def test_a_subject_is_one_that_sns_takes(kind: NoticeKind) -> None:
    """With the longest name, and nothing of it cut off."""
    name = "a" * 63

    subject = subject_of(Notice(kind, name, AT, "because"))

    assert subject.startswith(f"Dormouse: {name} ")
    assert len(subject) <= 100
    # The longer one is the same: nothing was cut off above.
    assert subject_of(Notice(kind, "a", AT, "because")) == subject.replace(name, "a")


@given(NOTICES)
def test_a_subject_is_short_ascii_on_one_line(notice: Notice) -> None:
    """Also of what is refused since it is no name of an endpoint."""
    subject = subject_of(notice)

    assert 0 < len(subject) <= 100
    assert subject.isascii()
    assert subject.isprintable()


def test_a_mail_says_what_is_known() -> None:
    """A line for each, in words and full times."""
    assert text_of(NOTICE).splitlines() == [
        "reviews is waking (2026-11-23 08:00:00 UTC).",
        "",
        "Why: needed until 2026-11-23 10:00:00 UTC: it is held",
        "Detail: as before",
        "Asked for by: arn:aws:iam::123456789012:role/ops",
        "EndpointConfig: reviews-2",
        "Until: 2026-11-23 10:00:00 UTC",
        "Owner: ml-team@example.com",
        "",
        "How it stands now: dormouse status reviews",
    ]


def test_a_mail_leaves_out_what_is_not_known() -> None:
    """Instead of saying None."""
    assert text_of(BARE).splitlines() == [
        "reviews is asleep (2026-11-23 08:00:00 UTC).",
        "",
        "Why: no request for 15m",
        "",
        "How it stands now: dormouse status reviews",
    ]
