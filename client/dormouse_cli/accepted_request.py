"""A request that was accepted before it could be answered, as the front door and the control API
describe it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dormouse_cli.fields import (
    UnreadableAnswer,
    read_list,
    read_moment,
    read_object,
    read_required,
    read_text,
    read_whole,
)

_ID = re.compile(r"(?P<endpoint>[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62})\.[0-9a-f]{32}", re.ASCII)


def endpoint_of(request_id: str) -> str | None:
    """Return the endpoint that an id names, None if it is no id."""
    named = _ID.fullmatch(request_id)
    return None if named is None or len(named["endpoint"]) > 63 else named["endpoint"]


@dataclass(frozen=True, slots=True)
class AcceptedRequest:
    """`document` is the answer as it came, newer fields included, which is what --json prints.

    `position` counts from 1 and is its place among those that wait, None where that was not said.
    """

    id: str
    status: str
    model: str | None
    accepted_at: datetime | None
    expires_at: datetime | None
    expected_at: datetime | None
    position: int | None
    tries: int
    reason: str | None
    document: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Replay:
    """How many failed requests wait once more, how many others were left, and which ones of those
    that were named do not, with the reason.
    """

    replayed: int
    left: int
    skipped: tuple[tuple[str, str], ...]
    complete: bool
    document: Mapping[str, object]


def read_request(answer: object) -> AcceptedRequest:
    """Read one request. Unknown fields are kept in `document`; what is absent counts as null.

    Raises:
        UnreadableAnswer: a field has a type that it can't have, or `id` or `status` is missing.
    """
    fields = read_object(answer, "the answer")
    return AcceptedRequest(
        id=read_required(fields, "id"),
        status=read_required(fields, "status"),
        model=read_text(fields, "model"),
        accepted_at=read_moment(fields, "accepted_at"),
        expires_at=read_moment(fields, "expires_at"),
        expected_at=read_moment(fields, "expected_at"),
        position=read_whole(fields, "position"),
        tries=read_whole(fields, "tries") or 0,
        reason=read_text(fields, "reason"),
        document=fields,
    )


def read_requests(answer: object) -> tuple[AcceptedRequest, ...]:
    """Read `{"requests": [request, …]}`.

    Raises:
        UnreadableAnswer: as `read_request`, or there is no such list.
    """
    fields = read_object(answer, "the answer")
    if "requests" not in fields:
        raise UnreadableAnswer("the answer has no 'requests'")
    return tuple(read_request(entry) for entry in read_list(fields, "requests"))


def read_replay(answer: object) -> Replay:
    """Read what became of a replay.

    Raises:
        UnreadableAnswer: a field has a type that it can't have, or `replayed` is missing.
    """
    fields = read_object(answer, "the answer")
    replayed = read_whole(fields, "replayed")
    if replayed is None:
        raise UnreadableAnswer("the answer has no 'replayed'")
    skipped = [read_object(entry, "'skipped'") for entry in read_list(fields, "skipped")]
    return Replay(
        replayed=replayed,
        left=read_whole(fields, "left") or 0,
        skipped=tuple(
            (read_required(entry, "id"), read_text(entry, "reason") or "") for entry in skipped
        ),
        complete=fields.get("complete") is not False,
        document=fields,
    )
