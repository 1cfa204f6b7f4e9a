"""A simulation on a terminal: tables, a week by hour in characters, and the recommendation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dormouse_cli.simulation.figures import (
    BUNDLING,
    bundling_columns,
    bundling_rows,
    eased,
    heading,
    policy_cells,
    policy_columns,
    rate,
    shown_policies,
)
from dormouse_cli.simulation.recommend import caveats, words
from dormouse_cli.simulation.replay import CLAIRVOYANT, Bundling
from dormouse_cli.simulation.report import Report
from dormouse_cli.simulation.week import Hour, Week

_NOTHING, _UNKNOWN, _LEVELS = "·", " ", "▁▂▃▄▅▆▇█"
_PANEL = 24
_HOURS = "0     6     12    18"
# Ten columns have to fit into 80 characters.
_SHORT = {"cold requests": "cold reqs", "cold minutes": "cold min", "longest wait": "max wait"}
_LEGEND = (
    "▶ recommended. * the best fixed timeout, as one knows now. clairvoyant: the bound, by whoever "
    "knows each request beforehand."
)


def simulated(report: Report, zone: tzinfo) -> RenderableType:
    """Everything, from what was read to what is to be done."""
    parts: list[RenderableType] = [
        *(Text(line) for line in heading(report, zone)),
        Text(),
        _policies(report),
        Text(_LEGEND, style="dim"),
    ]
    if report.bundling is not None:
        parts += [Text(), _bundling(report, report.bundling)]
    parts += [Text(), _week(report)]
    parts += [Text(), Text("Recommended: ", style="bold") + Text(words(report))]
    parts += [Text(sentence, style="yellow") for sentence in caveats(report)]
    return Group(*parts)


def _policies(report: Report) -> Table:
    shown = _table([_SHORT.get(name, name).upper() for name in policy_columns(report)])
    for each in shown_policies(report):
        mark, style = " ", ""
        if each.name == report.recommended.name:
            mark, style = "▶", "bold"
        elif each is report.best_fixed:
            mark = "*"
        elif each.name == CLAIRVOYANT:
            style = "dim"
        shown.add_row(f"{mark} {each.label}", *policy_cells(report, each), style=style)
    return shown


def _bundling(report: Report, bundling: Bundling) -> RenderableType:
    shown = _table([_SHORT.get(name, name).upper() for name in bundling_columns(report)])
    for label, cells in bundling_rows(report, bundling):
        shown.add_row(label, *cells)
    return Group(Text(BUNDLING, style="bold"), shown)


def _table(columns: Sequence[str]) -> Table:
    """A column is as wide as its longest word, so that ten of them fit into 80 characters."""
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column(columns[0], no_wrap=True)
    for name in columns[1:]:
        shown.add_column(name.replace(" ", "\n"), justify="right", overflow="fold")
    return shown


def _week(report: Report) -> RenderableType:
    """Three maps side by side: a height for each hour, so that no colour is needed."""
    week = report.week
    most = max((hour.hourly_requests for hour in week.all_hours), default=0.0)
    coldest = max((hour.cold_requests for hour in week.all_hours), default=0)
    panels: list[tuple[str, str, Callable[[Hour], float]]] = [
        (f"requests (█ {rate(most)}/h)", "blue", lambda hour: eased(hour.hourly_requests, most)),
        ("up (█ always)", "green", lambda hour: hour.up_share),
        (f"cold requests (█ {coldest:,})", "red", lambda hour: eased(hour.cold_requests, coldest)),
    ]
    shown = Table.grid(padding=(0, 1, 0, 0))
    shown.add_column(no_wrap=True)
    for _ in panels:
        shown.add_column(no_wrap=True, width=_PANEL)
    shown.add_row("", *(Text(title, style="bold") for title, _, _ in panels))
    shown.add_row("", *([Text(_HOURS, style="dim")] * 3))
    for name, day in zip(week.days, week.hours, strict=True):
        shown.add_row(Text(name), *(Text(_line(day, of), style) for _, style, of in panels))
    return Group(Text(_under(report, week), style="bold"), shown)


def _under(report: Report, week: Week) -> str:
    zone = "" if week.zone_name is None else f", {week.zone_name}"
    return f"Week by hour with {report.recommended.label}{zone}:"


def _line(day: Sequence[Hour], of: Callable[[Hour], float]) -> str:
    return "".join(_UNKNOWN if not hour.is_seen else _height(of(hour)) for hour in day)


def _height(part: float) -> str:
    if part <= 0:
        return _NOTHING
    return _LEVELS[min(len(_LEVELS) - 1, int(part * len(_LEVELS)))]
