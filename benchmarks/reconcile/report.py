"""What was measured of each size of fleet, as figures; which limits they keep; and a table."""

from collections.abc import Mapping, Sequence
from statistics import quantiles
from typing import Any

from benchmarks.reconcile.prices import MEMORY_MB, Tick, usd_per_month

LONGEST_SECONDS = 15
# How far the seconds of two runs lie apart on a machine that does nothing else.
_NOISE = 1.1

# As AWS names what only looks.
_READS = ("BatchGet", "Describe", "Get", "List", "Query", "Scan")

Figures = dict[str, Any]


class WrongTickError(Exception):
    """A tick did something else than it had to; the message says what."""


def most_read_calls(size: int) -> float:
    """Say how many calls a tick may make to look at so many endpoints."""
    return size / 25 + 20


def calls(by_api: Mapping[str, int]) -> tuple[int, int]:
    """Count the calls that read, and those that write."""
    reads = sum(
        count for name, count in by_api.items() if name.partition(":")[2].startswith(_READS)
    )
    return reads, sum(by_api.values()) - reads


def check(
    tick: Mapping[str, Any], name: str, *, changes: bool, may_be_cut_short: bool = False
) -> None:
    """See that a tick has looked at all endpoints, unless it `may_be_cut_short`, and changed those
    for which there is a reason.

    Raises:
        WrongTickError: it has not, or has asked what is not simulated.
    """
    if tick["unknown"]:
        raise WrongTickError(
            f"the {name} tick made calls that are not simulated: {tick['unknown']}"
        )
    if not tick["is_complete"] and not may_be_cut_short:
        raise WrongTickError(f"the {name} tick did not look at all endpoints")
    if tick["problems"]:
        raise WrongTickError(f"the {name} tick reports problems: {tick['problems'][:3]}")
    wanted = {
        "created": tick["to_start"] if changes else [],
        "deleted": tick["to_stop"] if changes else [],
        "updated": [],
    }
    for what, names in wanted.items():
        if sorted(tick[what]) != sorted(names):
            missing, more = set(names) - set(tick[what]), set(tick[what]) - set(names)
            raise WrongTickError(
                f"the {name} tick has {what} {len(tick[what])} endpoints where {len(names)} were "
                f"to be; {sorted(missing)[:3]} are missing, {sorted(more)[:3]} too many"
            )


def figures(size: int, measured: Mapping[str, Any]) -> Figures:
    """Make the figures of one size.

    Raises:
        WrongTickError: a tick did something else than it had to.
    """
    ticks = measured["ticks"]
    for name, tick in ticks.items():
        check(tick, name, changes=name == "measured")
    tick = ticks["measured"]
    read_calls, write_calls = calls(tick["calls"])
    costs = usd_per_month(Tick.of(tick))
    first_reads, first_writes = calls(ticks["first"]["calls"])
    return {
        "read_calls": read_calls,
        "write_calls": write_calls,
        "calls_by_api": dict(sorted(tick["calls"].items())),
        "seconds": round(tick["seconds"], 3),
        "peak_mb": round(measured["peak_mb"], 1),
        "usd_per_month": round(sum(costs.values()), 4),
        "usd_per_month_parts": {part: round(usd, 4) for part, usd in costs.items()},
        "started": len(tick["created"]),
        "stopped": len(tick["deleted"]),
        "cpu_seconds": round(tick["cpu_seconds"], 3),
        "seconds_in_lambda": round(Tick.of(tick).seconds_in_lambda, 3),
        "start_mb": round(measured["start_mb"], 1),
        "log_bytes": tick["log_bytes"],
        "read_units": tick["read_units"],
        "write_units": tick["write_units"],
        "metrics": tick["metrics"],
        "first_tick_calls": first_reads + first_writes,
        "first_tick_seconds": round(ticks["first"]["seconds"], 3),
        "quiet_tick": _quiet(size, ticks["quiet"]),
    }


def forecast_figures(size: int, percent: int, measured: Mapping[str, Any]) -> Figures:
    """Make the figures of a container that takes over a fleet in which some go by the forecast.

    Raises:
        WrongTickError: a tick did something else than it had to.
    """
    ticks = measured["ticks"]
    for name, tick in ticks.items():
        check(tick, name, changes=False, may_be_cut_short=True)
    return {
        "forecast_percent": percent,
        "new_container_ticks": [_quiet(size, tick) for tick in ticks.values()],
        "forecast_read_us": _spread_us([read for read, _ in measured["decisions"]]),
        "advise_us": _spread_us([advised for _, advised in measured["decisions"]]),
    }


def judge(by_size: Mapping[int, Figures]) -> None:
    """Add to each size's figures its limits, and which of them are missed."""
    cheapest: float | None = None
    for size in sorted(by_size):
        found = by_size[size]
        limits = {
            "read_calls": most_read_calls(size),
            "seconds": LONGEST_SECONDS,
            "peak_mb": MEMORY_MB,
        }
        found["usd_per_endpoint"] = found["usd_per_month"] / size
        # A smaller fleet, whose fixed costs are divided among fewer, is the measure.
        if cheapest is not None:
            limits["usd_per_endpoint"] = cheapest * _NOISE
        cheapest = min(found["usd_per_endpoint"], cheapest or found["usd_per_endpoint"])
        found["limits"] = limits
        found["missed"] = [name for name, limit in limits.items() if found[name] > limit]


def table(by_size: Mapping[int, Figures]) -> str:
    """Write the figures for people."""
    rows = [
        (
            "endpoints",
            *("reads", "at most", "writes", "seconds", "in Lambda", "CPU s", "peak MB"),
            *("start MB", "$/month", "quiet", "1st tick", "missed"),
        )
    ]
    rows += [
        (
            f"{size:,}",
            f"{found['read_calls']:,}",
            f"{found['limits']['read_calls']:g}",
            f"{found['write_calls']:,}",
            f"{found['seconds']:.2f}",
            f"{found['seconds_in_lambda']:.2f}",
            f"{found['cpu_seconds']:.2f}",
            f"{found['peak_mb']:.0f}",
            f"{found['start_mb']:.0f}",
            f"{found['usd_per_month']:.2f}",
            f"{found['quiet_tick']['usd_per_month']:.2f}",
            f"{found['first_tick_calls']:,}",
            ", ".join(found["missed"]) or "none",
        )
        for size, found in sorted(by_size.items())
    ]
    return _aligned(rows)


def forecast_table(by_size: Mapping[int, Figures]) -> str:
    """Write for people what those take that go by the forecast."""
    rows = [
        (
            *("endpoints", "tick", "reads", "writes", "seconds", "in Lambda", "CPU s", "peak MB"),
            "left over",
        )
    ]
    for size, found in sorted(by_size.items()):
        ticks = {"quiet": found["quiet_tick"]}
        ticks |= {
            f"{number}. of a new container": tick
            for number, tick in enumerate(found["new_container_ticks"], 1)
        }
        rows += [
            (
                f"{size:,}",
                name,
                f"{tick['read_calls']:,}",
                f"{tick['write_calls']:,}",
                f"{tick['seconds']:.2f}",
                f"{tick['seconds_in_lambda']:.2f}",
                f"{tick['cpu_seconds']:.2f}",
                f"{tick['peak_mb']:.0f}",
                f"{tick['left_over']:,}",
            )
            for name, tick in ticks.items()
        ]
    return _aligned(rows)


def _quiet(size: int, tick: Mapping[str, Any]) -> Figures:
    reads, writes = calls(tick["calls"])
    return {
        "read_calls": reads,
        "write_calls": writes,
        "seconds": round(tick["seconds"], 3),
        "cpu_seconds": round(tick["cpu_seconds"], 3),
        "seconds_in_lambda": round(Tick.of(tick).seconds_in_lambda, 3),
        "peak_mb": round(tick["peak_mb"], 1),
        "left_over": size - tick["looked_at"],
        "usd_per_month": round(sum(usd_per_month(Tick.of(tick)).values()), 4),
    }


def _spread_us(seconds: Sequence[float]) -> Figures:
    """Say in microseconds what half of them take at most, and what 95 in a hundred do."""
    hundredths = quantiles(seconds, n=100, method="inclusive")
    return {"p50": round(1e6 * hundredths[49]), "p95": round(1e6 * hundredths[94])}


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [cell.rjust(width) for cell, width in zip(row[:-1], widths, strict=False)]
    return "  ".join([*cells, row[-1]])
