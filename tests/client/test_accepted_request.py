"""Reading what is said of accepted requests, and their ids."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse_cli.accepted_request import endpoint_of, read_replay, read_request, read_requests
from dormouse_cli.fields import UnreadableAnswer
from tests.client.fake_aws import accepted_request
from tests.client.test_endpoint import JSON

ID = f"dormouse.{1:032x}"


def test_a_request_is_read() -> None:
    """The document stays as it came."""
    document = accepted_request(ID, tries=2, reason="\x1b[2Jit\nfailed", newer_field=1)
    request = read_request(document)

    assert (request.id, request.status, request.tries) == (ID, "parked", 2)
    assert request.reason == "[2Jit failed"
    assert request.document == document


def test_what_is_absent_is_unknown() -> None:
    """Only the id and the status must be there."""
    request = read_request({"id": ID, "status": "released"})
    assert (request.position, request.expires_at, request.tries) == (None, None, 0)


@pytest.mark.parametrize("broken", [None, [], {}, {"requests": 5}, {"requests": [{"id": ID}]}])
def test_a_list_that_is_none_is_refused(broken: object) -> None:
    """Whatever it is."""
    with pytest.raises(UnreadableAnswer):
        read_requests(broken)


@pytest.mark.parametrize(
    "broken", [None, {}, {"replayed": "3"}, {"replayed": 1, "skipped": [5]}, {"replayed": -1}]
)
def test_a_replay_that_is_none_is_refused(broken: object) -> None:
    """Whatever it is."""
    with pytest.raises(UnreadableAnswer):
        read_replay(broken)


@given(st.dictionaries(st.sampled_from(sorted(accepted_request(ID))), JSON))
def test_any_json_is_a_request_or_is_refused(fields: dict[str, Any]) -> None:
    """There is no third way."""
    try:
        request = read_request(accepted_request(ID) | fields)
    except UnreadableAnswer:
        return
    assert request.id
    assert request.status.isprintable()


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        (ID, "dormouse"),
        (f"a-b.{'f' * 32}", "a-b"),
        ("dormouse", None),
        (f"dormouse.{1:031x}", None),
        (f"dormouse.{'F' * 32}", None),
        (f"-a.{1:032x}", None),
        (f"{'a' * 64}.{1:032x}", None),
        (f"{ID}\n", None),
        (f"a/b.{1:032x}", None),
    ],
)
def test_an_id_names_its_endpoint(text: str, endpoint: str | None) -> None:
    """And what is none could be another path."""
    assert endpoint_of(text) == endpoint
