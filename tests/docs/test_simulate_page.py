"""docs/simulate.md says what `dormouse simulate` does; its example is what it prints."""

import re
from datetime import UTC
from typing import Any

import pytest
import typer

from dormouse_cli.app import app
from dormouse_cli.commands import simulate
from dormouse_cli.simulation import counts_csv, invocations, recommend, replay
from dormouse_cli.simulation.counts_csv import BadCounts, read_counts
from dormouse_cli.simulation.document import document
from dormouse_cli.simulation.figures import policy_columns
from dormouse_cli.simulation.picture import svg
from tests.client.sample_traffic import COMMAND, COUNTS, PAGE, PICTURE, SHOWN, reported, shown
from tests.docs.page import Page

TOLD = Page(PAGE)
ANEW = "python -m tests.client.sample_traffic writes it anew"
REPORT = reported()


def test_the_example_is_what_is_printed() -> None:
    """And the picture what is drawn."""
    assert COMMAND in TOLD.text
    [block] = SHOWN.findall(TOLD.text)
    assert block == shown(REPORT), ANEW
    assert PICTURE.read_text(encoding="utf-8") == svg(REPORT, UTC), ANEW


def test_the_csv_that_is_shown_is_read() -> None:
    """With all that it has."""
    [text] = [text for language, text in TOLD.blocks() if language == "csv"]
    traffic = read_counts(text.encode().splitlines(keepends=True)).traffic
    assert (traffic.kind, traffic.requests, traffic.minutes) == ("model", 16, 5)
    rows = TOLD.table("column", "what it is")
    columns = {span for row in rows for span in row.spans(0)}
    assert columns == {"timestamp", "minute", "count", *counts_csv.KINDS}
    assert f"from 0 to {counts_csv.MOST_REQUESTS}" in TOLD.text
    assert f"are {counts_csv.LONGEST_DAYS} days at most" in TOLD.text


@pytest.mark.parametrize("row", TOLD.table("the row", "what is said of it"))
def test_what_is_refused_is_told_so(row: Any) -> None:
    """Word for word."""
    [text] = row.spans(0)
    with pytest.raises(BadCounts) as caught:
        read_counts([b"timestamp,count\n", text.encode() + b"\n"])
    assert str(caught.value) == f"line 2: {row.cells[1]}"


def test_every_option_has_its_row() -> None:
    """With its default."""
    command: Any = typer.main.get_command(app)
    options = {
        option
        for parameter in command.commands["simulate"].params
        for option in parameter.opts
        if option.startswith("--")
    }
    common = {
        option
        for parameter in command.commands["status"].params
        for option in parameter.opts
        if parameter.name not in ("watch", "interval")
    }
    rows = TOLD.table("option", "meaning", "default")
    told = {span for row in rows for span in row.spans(0)}
    assert told | {"--endpoint"} == options - common
    defaults = {row.spans(0)[0]: row.spans(2) for row in rows}
    assert defaults["--wake"] == [simulate.WAKE]
    assert defaults["--delay-cost"] == [simulate.DELAY_COST]
    assert defaults["--days"] == [str(simulate.DAYS)]


def test_every_key_of_the_json_is_told() -> None:
    """Of the object, of a policy, and of what else it holds."""
    found: Any = document(REPORT)
    rows = {row.spans(0)[0]: row.spans(1) for row in TOLD.table("key", "what it has")}
    keys = {span for row in TOLD.table("key", "what it has") for span in row.spans(0)}
    assert keys == set(found)
    assert set(rows["policies"]) == set(found["policies"][0])
    assert set(rows["recommendation"]) == set(found["recommendation"])
    assert set(rows["price"]) == set(found["price"])
    hour = found["week"]["days"][0]["hours"][0]
    assert set(rows["week"]) == {"zone", "days", "hours", *hour}


def test_every_column_is_explained() -> None:
    """In the order of the table, but for the policy itself."""
    rows = TOLD.table("column", "what it says")
    told = [name for row in rows for name in row.cells[0].split(", ")]
    assert told == policy_columns(REPORT)[1:]


def test_figures_in_the_text_are_those_of_the_code() -> None:
    """Days, parts, and how many."""
    text = re.sub(r"\s+", " ", TOLD.prose)
    assert f"sums for {invocations.FINE_DAYS} days" in text
    assert f"(`--days`, up to {invocations.LONGEST_DAYS})" in text
    assert f"a few of the {len(replay.FIXED_MINUTES)} that are tried" in text
    assert f"requests come in fewer than {recommend.FEW_ACTIVE} minutes" in text
    assert f"much better ({recommend.MUCH * 100} %)" in text
    assert f"not cheaper by {replay.HARDLY * 100} %" in text
    assert COUNTS.is_file()
