"""The figures of a simulation as they are written, in the terminal and in a picture."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from decimal import Decimal

from dormouse_cli.moments import spoken
from dormouse_cli.simulation.replay import Bundling, Replayed
from dormouse_cli.simulation.report import Report
from dormouse_cli.simulation.traffic import DAY_MINUTES, Traffic, moment_of

BUNDLING = "One multi-model endpoint, or one for each"

_CENT = Decimal("0.01")

# Of the grid, these are shown, and the best; --json and the table of a page have all.
_SHOWN_FIXED = frozenset({5, 15, 30, 60, 120, 240, 480, 1440})


def shown_policies(report: Report) -> list[Replayed]:
    """Return those that a short table has."""
    best = report.best_fixed
    return [
        each
        for each in report.replays
        if not each.is_fixed or each is best or each.timeout in _SHOWN_FIXED
    ]


def policy_columns(report: Report) -> list[str]:
    """Name what `policy_cells` has, with the policy before it."""
    money = _money(report, "cost")
    return [
        "policy",
        "hours up",
        *money,
        "cold requests",
        "of all",
        "cold minutes",
        "median wait",
        "longest wait",
        "mean delay",
        "starts",
    ]


def policy_cells(report: Report, each: Replayed) -> list[str]:
    """Write what a policy would have made of it."""
    waits = (each.median_wait, each.longest_wait)
    return [
        *_up(report, each),
        f"{each.cold_minutes:,}",
        *("-" if wait is None else f"{wait} min" for wait in waits),
        spoken(float(each.mean_delay) * 60),
        f"{each.starts:,}",
    ]


def bundling_columns(report: Report) -> list[str]:
    """Name what `bundling_rows` has."""
    money = _money(report, "cost")
    return ["policy", "endpoints", "hours up", *money, "cold requests", "of all", "starts"]


def bundling_rows(report: Report, bundling: Bundling) -> Iterator[tuple[str, list[str]]]:
    """Write each policy for one endpoint, and for one for each."""
    for pair in bundling.pairs:
        for number, each in ((1, pair.one), (bundling.number, pair.many)):
            yield each.label, [f"{number:,}", *_up(report, each), f"{each.starts:,}"]


def heading(report: Report, zone: tzinfo) -> list[str]:
    """Say what was read, and on what terms it was replayed."""
    traffic, terms = report.traffic, report.terms
    asked = "1 request" if traffic.requests == 1 else f"{traffic.requests:,} requests"
    several = len(traffic.workloads)
    of_what = f" of {several} {traffic.kind}s as of one endpoint" if several > 1 else ""
    lines = [
        f"{report.source}: {asked}{of_what} in {lasting(traffic.minutes)}{_when(traffic, zone)}. "
        f"The first {lasting(terms.history)} are history, {lasting(report.scored_minutes)} are "
        "scored.",
        f"A start takes {terms.wake} min (--wake); a delayed minute is worth {terms.delay_cost} "
        "min of the endpoint (--delay-cost).",
    ]
    if report.price is not None:
        lines.append(
            f"Money is an estimate, at ${hourly(report.price.usd)} an hour ({report.price.source})."
        )
    return lines


def _when(traffic: Traffic, zone: tzinfo) -> str:
    if not traffic.has_clock:
        return ""
    begin, end = (moment_of(each).astimezone(zone) for each in (traffic.begin, traffic.end))
    return f", {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} {zone}"


def eased(value: float, most: float) -> float:
    """Return a part of the most, from 0 to 1; what is small is seen beside what is large."""
    return float((value / most) ** 0.5) if most else 0.0


def lasting(minutes: int) -> str:
    """Say how long, in days where it is days: `7 days`, `3.5 days`, `12 h`, `20 min`."""
    if minutes >= 2 * DAY_MINUTES:
        return f"{minutes / DAY_MINUTES:.1f}".removesuffix(".0") + " days"
    return spoken(minutes * 60)


def hours(minutes: int) -> str:
    """Write it in hours: `7.3 h`, `1,796 h`."""
    return f"{_hours(minutes)} h"


def hourly(usd: Decimal) -> str:
    """Write a price: `0.23`, `1.00`, `0.7364`."""
    return f"{max(usd.normalize(), usd.quantize(_CENT), key=_decimals):f}"


def rate(an_hour: float) -> str:
    """Write how many an hour: `1,240`, `69`, `2.5`, `0.07`."""
    return f"{an_hour:,.0f}" if an_hour >= 100 else f"{an_hour:.2g}"


def share(part: float) -> str:
    """Write a part of all: `12 %`, `0.4 %`, `0 %`."""
    percent = 100 * part
    if percent >= 10 or percent == 0:
        return f"{percent:.0f} %"
    return f"{percent:.1f} %" if percent >= 0.1 else "< 0.1 %"


def dollars(report: Report, minutes: int) -> str | None:
    """Write what so many minutes cost: `$9.43`; None where no price is known."""
    usd = report.usd(minutes)
    if usd is None:
        return None
    return f"${usd:,.0f}" if usd >= 1000 else f"${usd:,.2f}"


def _up(report: Report, each: Replayed) -> list[str]:
    return [
        _hours(each.up_minutes),
        *_money(report, str(dollars(report, each.up_minutes))),
        f"{each.cold_requests:,}",
        share(each.cold_share),
    ]


def _money(report: Report, text: str) -> list[str]:
    return [text] if report.price else []


def _decimals(usd: Decimal) -> int:
    return -int(usd.as_tuple().exponent)


def _hours(minutes: int) -> str:
    amount = minutes / 60
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.1f}"
