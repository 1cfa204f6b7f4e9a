"""The picture: one that any browser shows, with nothing but what is in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, tzinfo
from decimal import Decimal
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse_cli.simulation.picture import html, svg
from dormouse_cli.simulation.recommend import words
from dormouse_cli.simulation.replay import Terms
from dormouse_cli.simulation.report import HourPrice, Report, report_of
from dormouse_cli.simulation.traffic import DAY_MINUTES, Traffic, Workload

SVG = "{http://www.w3.org/2000/svg}"
BOUTS = tuple(
    (day * DAY_MINUTES + hour * 60 + minute, 2)
    for day in range(14)
    for hour in (9, 15)
    for minute in (0, 7, 9)
)


def reported(counts: tuple[tuple[int, int], ...] = BOUTS, end: int = 14 * DAY_MINUTES) -> Report:
    traffic = Traffic((Workload("a", counts), Workload("b", counts[:3])), 0, end, True, "model")
    terms = Terms(5, 15, end // 2)
    price = HourPrice(Decimal("0.23"), "--price")
    return report_of(
        "counts.csv", traffic, terms, price=price, zone=UTC, notes=(), advanced=lambda _: None
    )


REPORT = reported()


def drawn(report: Report = REPORT) -> ElementTree.Element:
    return ElementTree.fromstring(svg(report, UTC))


def texts(root: ElementTree.Element) -> str:
    return "\n".join(element.text or "" for element in root.iter(f"{SVG}text"))


def test_it_has_words_for_those_who_hear_it() -> None:
    """A title and a description, which it names."""
    root = drawn()
    named = {element.get("id"): element.text for element in root if element.get("id")}
    assert root.get("role") == "img"
    assert (root.get("aria-labelledby") or "").split() == list(named)
    assert named["dormouse-title"] == "counts.csv: idle policies compared"
    described = str(named["dormouse-desc"])
    assert "Three maps of a week by hour: requests, when the endpoint would have" in described
    assert "Most is asked on Mon from 9:00, 6 requests an hour." in described
    assert words(REPORT) in described


def test_each_hour_of_the_week_is_on_each_map() -> None:
    """With its figures where it is pointed at."""
    cells = [rect[0].text for rect in drawn().iter(f"{SVG}rect") if len(rect)]
    assert len(cells) == 3 * 7 * 24
    assert len(set(cells)) == 7 * 24
    assert [cell for cell in cells if cell and cell.startswith("Fri 9:00: 6 requests an hour, up ")]


def test_hours_that_were_never_seen_are_not_taken_for_idle() -> None:
    """They are outlined."""
    half_a_day = reported(((1, 1), (720 + 5, 1)), DAY_MINUTES)
    unseen = drawn(half_a_day).findall(f"{SVG}rect[@class='unseen']")
    assert len(unseen) == 3 * (7 * 24 - 12)


def test_each_policy_that_is_shown_has_its_bars() -> None:
    """And its figures."""
    said = texts(drawn())
    for each in REPORT.replays:
        if not each.is_fixed:
            assert each.label in said
    assert f"▶ {REPORT.recommended.label}" in said
    assert "168 h · $38.64" in said
    assert "estimate" in said


@pytest.mark.parametrize("draw", [svg, html])
def test_it_stands_alone(draw: Callable[[Report, tzinfo], str]) -> None:
    """Nothing is loaded, nothing runs, and it is legible on dark ground."""
    text = draw(REPORT, UTC)
    assert not re.search(r"<script|<link|<image|<img|@import|url\(|href=|src=|\bon\w+=", text)
    assert set(re.findall(r"https?://[^\"]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "@media (prefers-color-scheme: dark)" in text


def test_what_lies_within_it_is_within_its_edges() -> None:
    """No text, as wide as letters may be, leaves it."""
    root = drawn()
    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    for element in root.iter(f"{SVG}text"):
        x, y = float(element.get("x") or 0), float(element.get("y") or 0)
        css = element.get("class") or ""
        size = 20 if "title" in css else 12 if "quiet" in css else 14 if "head" in css else 13
        # DejaVu Sans, which is among the widest, has 0.6 of its size on average; bold has 0.7.
        long = len(element.text or "") * size * (0.7 if "strong" in css else 0.56)
        assert 0 < y < height
        assert (x - long > 0) if "end" in css else (x + long < width), element.text


class Tags(HTMLParser):
    """Whether each tag that is opened is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.cells.append(data)


def test_a_page_has_every_policy_in_a_table() -> None:
    """Those of the grid that the picture leaves out, too, and one endpoint against many."""
    tags = Tags()
    tags.feed(html(REPORT, UTC))
    assert not tags.open
    assert {each.label for each in REPORT.replays} <= set(tags.cells)
    assert "endpoints" in tags.cells
    single = replace(REPORT, bundling=None)
    assert "One multi-model endpoint" not in html(single, UTC)


@given(st.text())
def test_any_name_is_drawn(name: str) -> None:
    """Whatever is in it, markup and what XML can't have included."""
    report = replace(REPORT, source=f"<b>&\x00\ud800{name}")
    root = drawn(report)
    assert texts(root).startswith("<b>&\ufffd\ufffd")
    tags = Tags()
    tags.feed(html(report, UTC))
    assert not tags.open
