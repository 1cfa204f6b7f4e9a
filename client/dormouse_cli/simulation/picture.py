"""A simulation as a picture: an SVG that stands alone, or a page with it and the whole table.

Nothing is loaded from anywhere, and no script runs. Both are legible on light and dark ground, say
what they show to whoever hears them read, and have the figure of each hour where it is pointed at.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from html import escape

from dormouse_cli.simulation.figures import (
    BUNDLING,
    bundling_columns,
    bundling_rows,
    dollars,
    eased,
    heading,
    hours,
    policy_cells,
    policy_columns,
    rate,
    share,
    shown_policies,
)
from dormouse_cli.simulation.recommend import caveats, words
from dormouse_cli.simulation.replay import Bundling, Replayed
from dormouse_cli.simulation.report import Report
from dormouse_cli.simulation.week import HOURS, Hour, Week

_WIDTH, _MARGIN = 1000, 24
_CELL_WIDTH, _CELL_HEIGHT = 12, 20
_DAY_NAMES, _GAP = 40, 24
_PANEL_WIDTH = HOURS * _CELL_WIDTH
_LINE, _ROW = 20, 24
# Of characters of the widest font, in what is quiet and small, and in the rest.
_QUIET_WRAP, _WRAP = 145, 124
_OPACITIES = (0.2, 0.36, 0.52, 0.68, 0.84, 1.0)
_BAR_WIDTH = 240

_STYLE = """
svg.dormouse { --ground: #ffffff; --ink: #1b1f24; --quiet: #57606a; --empty: #eceff2;
  --asked: #1f63d6; --up: #0b7d62; --cold: #c9400a;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) { svg.dormouse { --ground: #14181d; --ink: #e8ecf0;
  --quiet: #a3adb8; --empty: #262c34; --asked: #6ba6ff; --up: #3fc79a; --cold: #ff8a50; } }
.dormouse .ground { fill: var(--ground); }
.dormouse text { fill: var(--ink); font-size: 13px; }
.dormouse .title { font-size: 20px; font-weight: 600; }
.dormouse .head { font-size: 14px; font-weight: 600; }
.dormouse .quiet { fill: var(--quiet); font-size: 12px; }
.dormouse .end { text-anchor: end; }
.dormouse .middle { text-anchor: middle; }
.dormouse .strong { font-weight: 600; }
.dormouse .empty { fill: var(--empty); }
.dormouse .unseen { fill: none; stroke: var(--quiet); stroke-opacity: 0.4; stroke-dasharray: 2 2; }
.dormouse .asked { fill: var(--asked); }
.dormouse .up { fill: var(--up); }
.dormouse .cold { fill: var(--cold); }
""".strip()

_PAGE_STYLE = """
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1b1f24; --rule: #d3d9df; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181d; --ink: #e8ecf0;
  --rule: #3a424c; } }
body { background: var(--ground); color: var(--ink); max-width: 1080px; margin: 2rem auto;
  padding: 0 1rem; font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans",
  sans-serif; }
figure { margin: 0; overflow-x: auto; }
svg { min-width: 760px; width: 100%; height: auto; }
.scrolls { overflow-x: auto; }
table { border-collapse: collapse; margin-top: 1rem; font-size: 14px;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .5rem 0; }
th, td { padding: .3rem .55rem; border-bottom: 1px solid var(--rule); text-align: right;
  white-space: nowrap; }
th:first-child { text-align: left; }
thead th::first-letter { text-transform: uppercase; }
.quiet { font-size: 14px; margin: .2rem 0; opacity: .8; }
tbody th { font-weight: 400; }
tr.recommended th, tr.recommended td { font-weight: 700; }
""".strip()

_TABLE_END = "</tbody></table></div>"

# What XML can't have, not even escaped.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg(report: Report, zone: tzinfo) -> str:
    """Draw it as a file of its own."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + _svg(report, _headed(report, zone))


def html(report: Report, zone: tzinfo) -> str:
    """Draw it on a page, above a table of every policy."""
    title = _text(f"{report.source}: idle policies compared")
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>",
        f"<style>\n{_PAGE_STYLE}\n</style>",
        "</head>",
        "<body>",
        "<main>",
        f"<h1>{title}</h1>",
        f"<p><strong>Recommended:</strong> {_text(words(report))}</p>",
        *(f"<p>{_text(sentence)}</p>" for sentence in (*caveats(report), *report.notes)),
        *(f'<p class="quiet">{_text(line)}</p>' for line in heading(report, zone)),
        "<figure>",
        _svg(report, ()),
        "</figure>",
        *_policy_table(report),
        *(_bundling_table(report, report.bundling) if report.bundling else ()),
        "</main>",
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class _Panel:
    """One of the three maps: its colour, how full an hour is, and what the fullest one means."""

    css: str
    title: str
    fullest: str
    of: Callable[[Hour], float]


def _headed(report: Report, zone: tzinfo) -> list[str]:
    """Write what a page has around the picture: a line after the other."""
    quiet = [line for text in heading(report, zone) for line in textwrap.wrap(text, _QUIET_WRAP)]
    advice = textwrap.wrap(f"Recommended: {words(report)}", _WRAP)
    lines = [
        (f"{report.source}: idle policies compared", "title"),
        *((line, "quiet") for line in quiet),
        ("", ""),
        *((line, "") for line in advice),
    ]
    return [
        _label(_MARGIN, _MARGIN + 12 + number * _LINE, line, css)
        for number, (line, css) in enumerate(lines)
    ]


def _svg(report: Report, head: Sequence[str]) -> str:
    drawn = list(head)
    y = _MARGIN + len(head) * _LINE
    y += 44
    drawn += _maps(report, y)
    y += 7 * _CELL_HEIGHT + 96
    shown = shown_policies(report)
    drawn += _bars(report, shown, y)
    height = y + len(shown) * _ROW + _MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="dormouse" role="img" '
            f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
            'aria-labelledby="dormouse-title dormouse-desc">',
            f'<title id="dormouse-title">{_text(report.source)}: idle policies compared</title>',
            f'<desc id="dormouse-desc">{_text(_described(report))}</desc>',
            f"<style>\n{_STYLE}\n</style>",
            f'<rect class="ground" width="{_WIDTH}" height="{height}"/>',
            *drawn,
            "</svg>",
        ]
    )


def _described(report: Report) -> str:
    """Say in sentences what the picture shows."""
    week = report.week
    said = [
        "Three maps of a week by hour: requests, when the endpoint would have been up with "
        f"{report.recommended.label}, and cold requests. Below them bars: for each policy the "
        "hours up and the requests that would have waited."
    ]
    places = [
        (week.days[day], hour, cell)
        for day, row in enumerate(week.hours)
        for hour, cell in enumerate(row)
        if cell.requests
    ]
    if places:
        day, hour, cell = max(places, key=lambda place: place[2].hourly_requests)
        said.append(
            f"Most is asked on {day} from {hour}:00, {rate(cell.hourly_requests)} requests an hour."
        )
    return " ".join([*said, words(report), *caveats(report)])


def _maps(report: Report, y: int) -> Iterator[str]:
    week = report.week
    most = max(hour.hourly_requests for hour in week.all_hours)
    coldest = max(hour.cold_requests for hour in week.all_hours)
    panels = (
        _Panel(
            "asked", "Requests", f"{rate(most)} an hour", lambda h: eased(h.hourly_requests, most)
        ),
        _Panel("up", f"Up, with {report.recommended.label}", "all the time", lambda h: h.up_share),
        _Panel("cold", "Cold requests", f"{coldest:,}", lambda h: eased(h.cold_requests, coldest)),
    )
    for row, name in enumerate(week.days):
        yield _label(_MARGIN, y + row * _CELL_HEIGHT + 14, name, "quiet")
    for number, panel in enumerate(panels):
        x = _MARGIN + _DAY_NAMES + number * (_PANEL_WIDTH + _GAP)
        yield _label(x, y - 12, panel.title, "head")
        yield from _cells(week, panel, x, y)
        below = y + 7 * _CELL_HEIGHT + 16
        for hour in (0, 6, 12, 18):
            yield _label(x + hour * _CELL_WIDTH, below, f"{hour}:00", "quiet")
        yield from _scale(panel, x, below + 12)
    if week.zone_name is not None:
        x = _WIDTH - _MARGIN
        yield _label(x, y + 7 * _CELL_HEIGHT + 38, week.zone_name, "quiet end")


def _cells(week: Week, panel: _Panel, x: int, y: int) -> Iterator[str]:
    for row, day in enumerate(week.hours):
        for column, hour in enumerate(day):
            place = (
                f'x="{x + column * _CELL_WIDTH}" y="{y + row * _CELL_HEIGHT}" '
                f'width="{_CELL_WIDTH - 1}" height="{_CELL_HEIGHT - 1}"'
            )
            if not hour.is_seen:
                yield f'<rect class="unseen" {place}/>'
                continue
            said = (
                f"{week.days[row]} {column}:00: {rate(hour.hourly_requests)} requests an hour, up "
                f"{share(hour.up_share)}, {hour.cold_requests:,} cold"
            )
            yield f"<rect {_filled(panel, panel.of(hour))} {place}><title>{said}</title></rect>"


def _scale(panel: _Panel, x: int, y: int) -> Iterator[str]:
    yield _label(x, y + 10, "0", "quiet")
    yield f'<rect class="empty" x="{x + 12}" y="{y}" width="14" height="12"/>'
    for number, opacity in enumerate(_OPACITIES):
        left = x + 27 + number * 15
        yield (
            f'<rect class="{panel.css}" fill-opacity="{opacity}" x="{left}" y="{y}" width="14" '
            'height="12"/>'
        )
    yield _label(x + 33 + len(_OPACITIES) * 15, y + 10, panel.fullest, "quiet")


def _filled(panel: _Panel, part: float) -> str:
    if part <= 0:
        return 'class="empty"'
    level = min(len(_OPACITIES) - 1, int(part * len(_OPACITIES)))
    return f'class="{panel.css}" fill-opacity="{_OPACITIES[level]}"'


def _bars(report: Report, shown: Sequence[Replayed], y: int) -> Iterator[str]:
    first, second = _MARGIN + 200, _MARGIN + 200 + _BAR_WIDTH + 160
    most_up = max(1, *(each.up_minutes for each in shown))
    most_cold = max(1, *(each.cold_requests for each in shown))
    paid = "Up, and what that costs (estimated)" if report.price else "Up"
    yield _label(first, y - 12, paid, "head")
    yield _label(second, y - 12, "Requests that would have waited", "head")
    for number, each in enumerate(shown):
        top = y + number * _ROW
        css = "strong" if each.name == report.recommended.name else ""
        mark = "▶ " if css else ""
        yield _label(first - 12, top + 14, mark + each.label, f"end {css}".strip())
        money = dollars(report, each.up_minutes)
        up = hours(each.up_minutes) + (f" · {money}" if money else "")
        yield from _bar("up", first, top, each.up_minutes / most_up, up)
        waited = f"{each.cold_requests:,} · {share(each.cold_share)}"
        yield from _bar("cold", second, top, each.cold_requests / most_cold, waited)


def _bar(css: str, x: int, y: int, part: float, text: str) -> Iterator[str]:
    width = round(part * _BAR_WIDTH, 1)
    yield f'<rect class="{css}" x="{x}" y="{y + 2}" width="{max(width, 1)}" height="16" rx="2"/>'
    yield _label(x + width + 8, y + 14, text, "")


def _policy_table(report: Report) -> Iterator[str]:
    yield from _table_begin("Every policy, over what is scored", policy_columns(report))
    for each in report.replays:
        css = ' class="recommended"' if each.name == report.recommended.name else ""
        yield _table_row(each.label, policy_cells(report, each), css)
    yield _TABLE_END


def _bundling_table(report: Report, bundling: Bundling) -> Iterator[str]:
    yield from _table_begin(BUNDLING, bundling_columns(report))
    for label, cells in bundling_rows(report, bundling):
        yield _table_row(label, cells, "")
    yield _TABLE_END


def _table_begin(caption: str, columns: Sequence[str]) -> Iterator[str]:
    head = "".join(f'<th scope="col">{name}</th>' for name in columns)
    yield f'<div class="scrolls"><table><caption>{caption}</caption>'
    yield f"<thead><tr>{head}</tr></thead><tbody>"


def _table_row(label: str, cells: Sequence[str], css: str) -> str:
    row = "".join(f"<td>{_text(cell)}</td>" for cell in cells)
    return f'<tr{css}><th scope="row">{_text(label)}</th>{row}</tr>'


def _label(x: float, y: float, text: str, css: str) -> str:
    classes = f' class="{css}"' if css else ""
    return f'<text{classes} x="{x:g}" y="{y:g}">{_text(text)}</text>'


def _text(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text))
