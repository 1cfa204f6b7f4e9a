"""`dormouse logs`: what it asks CloudWatch, what it prints, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from tests.client.conftest import OpenScreen, Run
from tests.client.fake_aws import DRAIN_LOGS, INVOKE_LOGS, FakeAws
from tests.client.screen import CTRL_C
from tests.client.test_logged_request import BOT, line

MINUTE = timedelta(minutes=1)


@pytest.fixture
def logged(aws: FakeAws) -> FakeAws:
    """Four requests, other lines, and one of another endpoint."""
    now = datetime.now(UTC)
    world = aws.world
    world.log(INVOKE_LOGS, now - 90 * MINUTE, line(event_id="long-ago"))
    world.log(INVOKE_LOGS, now - 30 * MINUTE, "START RequestId: 1")
    world.log(INVOKE_LOGS, now - 30 * MINUTE, line(event_id="first"))
    world.log(INVOKE_LOGS, now - 20 * MINUTE, line(event_id="third", status=503, cold=True))
    world.log(INVOKE_LOGS, now - 20 * MINUTE, line(event_id="problem", level="ERROR"))
    world.log(INVOKE_LOGS, now - 19 * MINUTE, line(event_id="not mine", endpoint="other"))
    kept = line(
        event_id="second", way="parked", waited_seconds=61, target_model="m.tar.gz", alias=None
    )
    world.log(DRAIN_LOGS, now - 25 * MINUTE, {**kept, "principal": BOT})
    return aws


def event_ids(out: str) -> list[str]:
    return [json.loads(text)["event_id"] for text in out.splitlines()]


def test_the_requests_of_the_last_hour(logged: FakeAws, run: Run) -> None:
    """Of both functions, a line for each, the oldest first."""
    ran = run("logs")
    assert (ran.code, ran.err) == (0, "")
    first, second, third = ran.out.splitlines()
    assert first.split()[2:6] == ["200", "sentiment@live", "→", "sentiment-v2.tar.gz"]
    assert second.split()[2:] == ["200", "m.tar.gz", "12", "ms", "kept", "1", "min", "bot/nightly"]
    assert third.split()[2] == "503"
    assert third.split()[-2:] == ["cold", "jo"]
    assert {asked["logGroupName"] for asked in logged.world.log_reads} == {INVOKE_LOGS, DRAIN_LOGS}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], ["first", "second", "third"]),
        (["--since", "2h"], ["long-ago", "first", "second", "third"]),
        (["--since", "2h", "--until", "1h"], ["long-ago"]),
        (["--status", "5xx"], ["third"]),
        (["--status", "200-299"], ["first", "second"]),
        (["--model", "m.tar.gz"], ["second"]),
        (["--model", "sentiment@live"], ["first", "third"]),
        (["--principal", "bot"], ["second"]),
        (["--principal", "jo", "--status", "200"], ["first"]),
    ],
)
def test_some_of_them_in_json(
    logged: FakeAws, run: Run, options: list[str], found: list[str]
) -> None:
    """A document a line; the server is asked for no more than these."""
    ran = run("logs", "dormouse", "--json", *options)
    assert (event_ids(ran.out), ran.err) == (found, "")
    pattern = logged.world.log_reads[-1]["filterPattern"]
    for option, value in zip(options[::2], options[1::2], strict=True):
        if option in ("--model", "--principal"):
            assert value in pattern


def test_nothing_found_is_said_beside(logged: FakeAws, run: Run) -> None:
    """And is no failure."""
    ran = run("logs", "--status", "418")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "No such request of dormouse was logged.\n"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--status", "6xx"], "'6xx' is no status"),
        (["--since", "yesterday"], "'yesterday' is neither a duration nor a time"),
        (["--until", "2099-01-01T00:00Z"], "is yet to come"),
        (["--since", "1h", "--until", "2h"], "it lies before --since"),
        (["--follow", "--until", "1s"], "it does not go with --follow"),
    ],
)
def test_what_is_wrong_is_said_before_aws_is_asked(
    aws: FakeAws, run: Run, options: list[str], why: str
) -> None:
    """With the option."""
    ran = run("logs", *options, "--json")
    assert (ran.code, ran.out) == (2, "")
    assert why in ran.error["message"]
    assert aws.world.requests == []


def test_an_older_stack_is_named(aws: FakeAws, run: Run) -> None:
    """It has no such outputs."""
    del aws.world.outputs["DrainLogGroupName"]
    ran = run("logs")
    assert ran.code == 4
    assert "has no output DrainLogGroupName" in ran.err


def test_following_until_an_interrupt(logged: FakeAws, environment: Mapping[str, str]) -> None:
    """Each line as soon as it is there; an interrupt is its regular end."""
    command = [sys.executable, "-m", "dormouse_cli", "logs", "--follow", "--json"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as following:
        assert following.stdout is not None
        assert following.stderr is not None
        assert event_ids("".join(following.stdout.readline() for _ in range(3))) == [
            "first",
            "second",
            "third",
        ]
        logged.world.log(DRAIN_LOGS, datetime.now(UTC), line(event_id="new"))
        assert event_ids(following.stdout.readline()) == ["new"]
        following.send_signal(signal.SIGINT)
        assert (following.stdout.read(), following.stderr.read()) == ("", "")
    assert following.returncode == 0


def test_on_a_terminal_lines_and_progress_do_not_mix(logged: FakeAws, screen: OpenScreen) -> None:
    """Progress stands below the lines, and is gone with the end."""
    logged.world.events_in_a_page = 1
    terminal = screen("logs", "--follow")
    terminal.until("503")
    terminal.until("Reading the log of dormouse, as far as ")
    logged.world.log(INVOKE_LOGS, datetime.now(UTC), line(status=424, error="the body is bad"))
    terminal.until("the body is bad")
    terminal.press(CTRL_C)
    assert terminal.end() == 0
    assert "Reading the log" not in terminal.text
    assert "\x1b[33m424" in terminal.written
    assert terminal.has_cursor
