"""`status --watch` where nothing can be redrawn: a line for what is new, and only for that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from dormouse_cli.endpoint import Endpoint, read_endpoint
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.output import Output
from dormouse_cli.watch import watch
from tests.client.clock import StillClock
from tests.client.fake_aws import FakeEndpoint

Looks = Sequence[Sequence[Endpoint] | CliError]


def endpoint(name: str = "dormouse", **fields: Any) -> Endpoint:
    return read_endpoint(FakeEndpoint(name).document() | fields)


def watched(looks: Looks, *, as_json: bool = False) -> StillClock:
    """Watch all looks, then press Ctrl-C."""
    clock, left = StillClock(), list(looks)

    def look() -> Sequence[Endpoint]:
        if not left:
            raise KeyboardInterrupt
        seen = left.pop(0)
        if isinstance(seen, CliError):
            raise seen
        return seen

    output = Output(as_json=as_json)
    watch(look, lambda _: "", output, interval_seconds=5, clock=clock.clock)
    return clock


def test_a_line_for_each_change(capsys: pytest.CaptureFixture[str]) -> None:
    """When, who, how, why and what next; Ctrl-C is its regular end."""
    asleep, serving = endpoint(), endpoint(state="serving", next="stops at 17:00")
    clock = watched([[asleep], [asleep], [serving], [serving]])

    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" ", 2)[2] for line in lines] == [
        "dormouse asleep: nobody asked for it; next: starts with the next request",
        "dormouse serving: nobody asked for it; next: stops at 17:00",
    ]
    assert clock.seconds == 20, "every five seconds"


def test_times_that_move_with_every_request_are_no_news(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Or a busy endpoint would fill the log."""
    busy = [endpoint(last_request_at=f"2026-11-22T16:0{minute}:00Z") for minute in range(5)]
    watched([[entry] for entry in busy])
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "waking"},
        {"status": "Updating"},
        {"failure_reason": "why"},
        {"hold_until": "2026-11-22T18:00:00Z"},
        {"next": "something else"},
        {"decision": None},
    ],
)
def test_what_is_news(capsys: pytest.CaptureFixture[str], fields: dict[str, Any]) -> None:
    """Each by itself."""
    watched([[endpoint()], [endpoint(**fields)]])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_json_is_one_document_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """As the API sent it, and a word for those that are gone."""
    first, second = endpoint(), endpoint("other")
    watched([[first, second], [first]], as_json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [first.document, second.document, {"name": "other", "managed": False}]


def test_an_endpoint_that_comes_back_is_news(capsys: pytest.CaptureFixture[str]) -> None:
    """Though it looks as before."""
    watched([[endpoint()], [], [endpoint()]])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1] == "dormouse is no longer managed"


def test_a_trouble_is_told_once_and_passes(capsys: pytest.CaptureFixture[str]) -> None:
    """To standard error, where it spoils no result."""
    away = CliError("The control API can't be reached", ExitCode.UNAVAILABLE)
    watched([[endpoint()], away, away, [endpoint()], away])
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [away.message] * 2
    assert len(printed.out.splitlines()) == 1


def test_a_first_look_that_fails_ends_it() -> None:
    """Most likely nothing will ever come."""
    with pytest.raises(CliError, match="away"):
        watched([CliError("away", ExitCode.UNAVAILABLE)])


def test_what_waiting_does_not_mend_ends_it() -> None:
    """At any time."""
    with pytest.raises(CliError, match="expired"):
        watched([[endpoint()], CliError("expired", ExitCode.NOT_PERMITTED)])
