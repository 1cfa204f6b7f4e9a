"""The CLI on a terminal: what a user sees while it goes on, and how it leaves the terminal."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from tests.client.conftest import OpenScreen
from tests.client.fake_aws import PREFIX, FakeAws
from tests.client.screen import COLUMNS, CTRL_C


def test_a_wake_shows_a_bar_that_advances_until_it_serves(aws: FakeAws, screen: OpenScreen) -> None:
    """Over the expected time, with the endpoint's status and the reason beside it."""
    endpoint = aws.world.add("dormouse", looks_until_serving=None, expected_wake_seconds=20)
    terminal = screen("wake")

    terminal.until("dormouse is waking (Creating)")
    assert "of about 0:20" in terminal.text
    assert "an operator asked for it" in terminal.text
    before = terminal.filled()
    terminal.until(lambda: terminal.filled() > before)
    before = terminal.filled()
    terminal.until(lambda: terminal.filled() > before)
    assert not terminal.has_cursor
    endpoint.state = "serving"

    assert terminal.end() == 0
    assert terminal.text.startswith("dormouse is serving: an operator asked for it.")
    assert "of about" not in terminal.text, "the bar is gone"
    assert terminal.has_cursor


def test_a_wake_that_takes_longer_than_expected_says_so(aws: FakeAws, screen: OpenScreen) -> None:
    """The bar is full then, and stays within the line."""
    endpoint = aws.world.add("dormouse", looks_until_serving=None, expected_wake_seconds=1)
    terminal = screen("wake")
    terminal.until("longer than usual (0:01)")
    endpoint.state = "serving"
    assert terminal.end() == 0


def test_a_wake_that_is_under_way_begins_where_it_is(aws: FakeAws, screen: OpenScreen) -> None:
    """Whoever joins late sees no bar that begins anew."""
    aws.world.add(
        "dormouse",
        state="waking",
        status_since="2026-01-01T00:00:00.000Z",
        looks_until_serving=None,
    )
    screen("wake").until("longer than usual (8:00)")


def test_a_failed_wake_says_why_and_shows_the_cursor_again(
    aws: FakeAws, screen: OpenScreen
) -> None:
    """With FailureReason, whole."""
    endpoint = aws.world.add("dormouse", looks_until_serving=None)
    terminal = screen("wake")
    terminal.until("dormouse is waking")
    reason = "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity"
    endpoint.failure_reason, endpoint.state = reason, "failed"

    assert terminal.end() == 1
    assert reason in " ".join(terminal.text.split())
    assert terminal.has_cursor


def test_ctrl_c_ends_the_wait_and_not_the_wake(aws: FakeAws, screen: OpenScreen) -> None:
    """130, the cursor is back, and the user learns where it goes on."""
    aws.world.add("dormouse", looks_until_serving=None)
    terminal = screen("wake")
    terminal.until("dormouse is waking")
    terminal.press(CTRL_C)

    assert terminal.end() == 130
    assert "Waking dormouse goes on; `dormouse status dormouse` shows how." in terminal.text
    assert "Traceback" not in terminal.written
    assert terminal.has_cursor


def test_no_colour_means_none(aws: FakeAws, screen: OpenScreen) -> None:
    """NO_COLOR, as no-color.org has it: the bar is drawn all the same."""
    endpoint = aws.world.add("dormouse", looks_until_serving=None, expected_wake_seconds=10)
    terminal = screen("wake", NO_COLOR="1")
    terminal.until("━")
    endpoint.state = "serving"
    assert terminal.end() == 0
    assert "\x1b[3" not in terminal.written


def test_a_table_of_endpoints_fits_the_screen(aws: FakeAws, screen: OpenScreen) -> None:
    """Long names and reasons are wrapped, and nothing of them is lost."""
    reason = (
        "the proxy's ledger knows of no request within the idle timeout of 15m, and CloudWatch, "
        "read in full, shows no invocation either"
    )
    name = "a" * 63
    aws.world.add(name, state="serving", reason=reason, next="stops when it is idle for 15m")
    aws.world.add(
        "chatbot",
        state="failed",
        failure_reason="The model container did not answer its ping.",
        status_since="2026-11-22T16:00:00.000Z",
    )
    terminal = screen("status")

    assert terminal.end() == 0
    lines = terminal.text.splitlines()
    assert max(len(line) for line in lines) <= COLUMNS
    assert "…" not in terminal.text
    assert "".join(terminal.text.split()).count("a" * 20) == 3, "20 to a line, and 3 in the last"
    for words in (reason, "ping.", "next: stops when it is idle", "chatbot", "failed", "16:00"):
        for word in words.split():
            assert word in terminal.text
    assert " ".join(lines[0].split()) == "ENDPOINT STATE SINCE WHY, AND WHAT NEXT"


def test_watch_redraws_in_place_until_ctrl_c(aws: FakeAws, screen: OpenScreen) -> None:
    """One table, whose state changes; Ctrl-C is how it ends, so that is success."""
    endpoint = aws.world.add("dormouse", looks_until_serving=None, wanted=True)
    terminal = screen("status", "--watch", "--interval", "0.2")

    terminal.until("waking")
    endpoint.state = "serving"
    terminal.until("serving")
    assert "waking" not in terminal.text, "it is drawn over"
    assert terminal.text.count("ENDPOINT") == 1
    aws.world.canned += [(503, {"Content-Type": "text/plain"}, b"")] * 3
    terminal.until("The control API fails: Service Unavailable")
    terminal.until("Every 0.2 s; Ctrl-C ends it.")
    terminal.press(CTRL_C)

    assert terminal.end() == 0
    assert terminal.has_cursor
    assert "Traceback" not in terminal.written


def test_watching_one_shows_its_details(aws: FakeAws, screen: OpenScreen) -> None:
    """And the decisions."""
    aws.world.add("dormouse", hold_until="2099-01-01T12:00:00.000Z")
    terminal = screen("status", "dormouse", "--watch")
    terminal.until("DECIDED")
    assert "held until" in terminal.text
    assert "2099-01-01 12:00" in terminal.text
    terminal.press(CTRL_C)
    assert terminal.end() == 0


def test_invoke_waits_with_the_wake_s_bar_and_then_answers(
    aws: FakeAws, screen: OpenScreen
) -> None:
    """The request that found it asleep wakes it; the answer is all that stays."""
    endpoint = aws.world.add("dormouse", looks_until_serving=None)
    terminal = screen("invoke", "--model", "m.tar.gz", "--body", '{"inputs": "hi"}', "--wait")
    terminal.until("dormouse is waking (Creating)")
    assert "of about 8:00" in terminal.text
    endpoint.state = "serving"

    assert terminal.end() == 0
    assert terminal.text == '{"inputs": "hi"}'


@pytest.fixture
def big_archive(tmp_path: Path) -> Path:
    """A model of 3 MB."""
    with tarfile.open(tmp_path / "big.tar.gz", "w:gz", compresslevel=1) as archive:
        member = tarfile.TarInfo("0/saved_model.pb")
        member.size = 3_000_000
        archive.addfile(member, io.BytesIO(os.urandom(member.size)))
    return tmp_path / "big.tar.gz"


def test_an_upload_shows_its_bytes(aws: FakeAws, screen: OpenScreen, big_archive: Path) -> None:
    """While they are on their way."""
    aws.world.gate.clear()
    terminal = screen("models", "upload", "big.tar.gz")
    terminal.until("Uploading big.tar.gz")
    terminal.until("/3.0 MB")
    aws.world.gate.set()

    assert terminal.end() == 0
    assert "big.tar.gz is at s3://models-bucket/models/big.tar.gz" in terminal.text
    assert aws.world.objects[f"{PREFIX}big.tar.gz"] == big_archive.read_bytes()


def test_ctrl_c_ends_an_upload(aws: FakeAws, screen: OpenScreen, big_archive: Path) -> None:
    """The cursor is back, and there is no traceback."""
    aws.world.gate.clear()
    terminal = screen("models", "upload", str(big_archive))
    terminal.until("/3.0 MB")
    terminal.press(CTRL_C)
    aws.world.gate.set()
    assert terminal.end() == 130
    assert terminal.has_cursor
    assert "Traceback" not in terminal.written


def test_nothing_moves_on_a_dumb_terminal(aws: FakeAws, screen: OpenScreen) -> None:
    """Lines instead, without a single escape."""
    terminal = screen("wake", TERM="dumb")
    assert terminal.end() == 0
    assert "Waking dormouse, about 8 min expected" in terminal.text
    assert "\x1b" not in terminal.written


@pytest.mark.parametrize("arguments", [["--help"], ["wake", "--help"], ["models", "build", "-h"]])
def test_help_fits_the_screen(screen: OpenScreen, arguments: list[str]) -> None:
    """Of each kind of command."""
    terminal = screen(*arguments, TERM="dumb")
    assert terminal.end() == 0
    assert "Usage: dormouse" in terminal.written
    assert "--profile" in terminal.written
    assert max(len(line) for line in terminal.written.splitlines()) <= COLUMNS
