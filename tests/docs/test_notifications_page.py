"""docs/notifications.md shows what is really told."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from cfnlint.jsonschema import StandardValidator

from dormouse.bootstrap.graph import Durations
from dormouse.domain import news
from dormouse.domain.notice import Notice, NoticeKind, document_of, subject_of, text_of
from tests.docs.page import REPOSITORY, Page

PAGE = Page(REPOSITORY / "docs" / "notifications.md")


def blocks(language: str) -> list[str]:
    """The blocks of code of a language."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.text, re.MULTILINE | re.DOTALL)
    return [text for named, text in fenced if named == language]


def test_every_kind_is_in_the_table() -> None:
    """And no other is."""
    rows = PAGE.table("kind", "what has happened", "how often")
    assert {span for row in rows for span in row.spans(0)} == {kind.value for kind in NoticeKind}


def test_the_mail_is_one_that_is_sent() -> None:
    """Word for word."""
    notice = Notice(
        NoticeKind.FALLEN_BACK,
        "reviews",
        datetime(2026, 11, 23, 8, 0, 12, tzinfo=UTC),
        "it is started from EndpointConfig reviews-g5, not from reviews-g4dn",
        config_name="reviews-g5",
        owner="ml-team@example.com",
        detail="Unable to provision requested ML compute capacity due to "
        "InsufficientInstanceCapacity error.",
    )
    [mail] = [block for block in blocks("") if block.startswith("Subject")]
    assert mail == f"Subject: {subject_of(notice)}\n\n{text_of(notice)}"


def test_the_event_is_one_that_is_put() -> None:
    """Its detail keeps to the schema, and is what such a notice becomes."""
    [text] = blocks("json")
    event: dict[str, Any] = json.loads(text)
    schema = json.loads((REPOSITORY / "docs" / "notice.schema.json").read_text("utf-8"))
    assert list(StandardValidator(schema).iter_errors(event["detail"])) == []
    notice = Notice(
        NoticeKind.WAKING,
        "reviews",
        datetime(2026, 11, 23, 7, 50, 9, 120_000, tzinfo=UTC),
        "needed until 2026-11-23 09:50:07 UTC: it is held",
        by="arn:aws:iam::123456789012:role/ops",
        config_name="reviews-g4dn",
        owner="ml-team@example.com",
        until=datetime(2026, 11, 23, 9, 50, 7, tzinfo=UTC),
    )
    assert event["detail"] == document_of(notice)
    assert event["detail-type"] == notice.kind.detail_type


def test_the_patterns_name_kinds() -> None:
    """Else they would match nothing."""
    patterns = re.findall(r"\"kind\": (\[[^]]*\])", PAGE.text)
    assert len(patterns) == 2
    for pattern in patterns:
        assert set(json.loads(pattern)) <= {kind.value for kind in NoticeKind}


def test_the_times_are_those_of_the_code() -> None:
    """How long the same trouble is not told again, and how long telling is tried."""
    assert timedelta(hours=6) == news._SAME_TROUBLE
    assert "within six hours" in PAGE.prose
    durations = Durations(*[timedelta()] * 3)
    assert durations.tell_within == timedelta(hours=1)
    assert "can't be told within an hour" in PAGE.prose
