"""A simulation for programs: one object, whose keys stay as they are."""

from __future__ import annotations

from dormouse_cli.moments import format_moment
from dormouse_cli.simulation.recommend import caveats, words
from dormouse_cli.simulation.replay import Replayed
from dormouse_cli.simulation.report import Report
from dormouse_cli.simulation.traffic import moment_of
from dormouse_cli.simulation.week import Week


def document(report: Report) -> dict[str, object]:
    """Return what --json prints. Money is an estimate; minutes are whole, shares from 0 to 1."""
    traffic, price = report.traffic, report.price
    return {
        "source": report.source,
        "begin": _time(report, traffic.begin),
        "end": _time(report, traffic.end),
        "minutes": traffic.minutes,
        "requests": traffic.requests,
        "workloads": [each.name for each in traffic.workloads] if traffic.kind else [],
        "history_minutes": report.terms.history,
        "scored_from": _time(report, report.scored_from),
        "scored_minutes": report.scored_minutes,
        "wake_minutes": report.terms.wake,
        "delay_cost_minutes": report.terms.delay_cost,
        "price": price
        and {"usd_an_hour": float(price.usd), "source": price.source, "is_estimate": True},
        "policies": [_replayed(report, each) for each in report.replays],
        "recommendation": {
            "policy": report.recommended.name,
            "words": words(report),
            "caveats": list(caveats(report)),
        },
        "bundling": report.bundling
        and {
            "endpoints": report.bundling.number,
            "policies": [
                {"one": _replayed(report, pair.one), "many": _replayed(report, pair.many)}
                for pair in report.bundling.pairs
            ],
        },
        "week": _week(report.week),
        "notes": list(report.notes),
    }


def _replayed(report: Report, each: Replayed) -> dict[str, object]:
    usd = report.usd(each.up_minutes)
    return {
        "policy": each.name,
        "label": each.label,
        "up_minutes": each.up_minutes,
        "up_hours": round(each.up_minutes / 60, 3),
        "usd": None if usd is None else round(float(usd), 4),
        "requests": each.requests,
        "cold_requests": each.cold_requests,
        "cold_share": round(each.cold_share, 6),
        "cold_minutes": each.cold_minutes,
        "median_wait_minutes": each.median_wait,
        "longest_wait_minutes": each.longest_wait,
        "mean_delay_seconds": round(float(each.mean_delay) * 60, 3),
        "starts": each.starts,
        "cost_minutes": each.cost(report.terms.delay_cost),
    }


def _week(week: Week) -> dict[str, object]:
    return {
        "zone": week.zone_name,
        "days": [
            {
                "day": name,
                "hours": [
                    {
                        "minutes": hour.minutes,
                        "requests": hour.requests,
                        "up_minutes": hour.up_minutes,
                        "cold_requests": hour.cold_requests,
                    }
                    for hour in day
                ],
            }
            for name, day in zip(week.days, week.hours, strict=True)
        ],
    }


def _time(report: Report, minute: int) -> str | int:
    return format_moment(moment_of(minute)) if report.traffic.has_clock else minute
