"""The sample of docs/simulate.md: two weeks of three models that a team has, made up and seeded.

`python -m tests.client.sample_traffic` writes it, and what the page shows of it, anew.
"""

from __future__ import annotations

import io
import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from rich.console import Console

from dormouse_cli.simulation.counts_csv import read_counts
from dormouse_cli.simulation.picture import svg
from dormouse_cli.simulation.replay import Terms
from dormouse_cli.simulation.report import HourPrice, Report, report_of
from dormouse_cli.simulation.traffic import DAY_MINUTES
from dormouse_cli.simulation.view import simulated

DOCS = Path(__file__).parents[2] / "docs"
COUNTS = DOCS / "examples" / "counts.csv"
PICTURE = DOCS / "examples" / "simulated.svg"
PAGE = DOCS / "simulate.md"
COMMAND = "dormouse simulate docs/examples/counts.csv --price 0.23"
# What the command prints, on a terminal of so many columns.
SHOWN = re.compile(rf"(?<=^\$ {re.escape(COMMAND)}\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_COLUMNS = 100

_BEGIN = datetime(2026, 11, 2, tzinfo=UTC)  # a Monday
_DAYS = 14


def sample() -> str:
    """Make the file: on workdays two models are used in bouts, one of them each night."""
    random_ = random.Random(8)
    counts: Counter[tuple[datetime, str]] = Counter()
    for name, chance, hours in (("summaries", 0.9, range(8, 18)), ("translate", 0.5, range(9, 17))):
        for day in range(_DAYS):
            is_workday = day % 7 < 5
            for hour in hours:
                if random_.random() < (chance if is_workday else 0.05):
                    _bout(counts, random_, name, day, hour)
    for day in range(_DAYS):
        _bout(counts, random_, "nightly", day, 2)
    first, last = _BEGIN, _BEGIN + timedelta(days=_DAYS, minutes=-1)
    rows = {(first, "nightly.tar.gz"): 0, (last, "nightly.tar.gz"): 0, **counts}
    lines = [f"{at:%Y-%m-%dT%H:%MZ},{name},{count}\n" for (at, name), count in sorted(rows.items())]
    return "".join(["timestamp,model,count\n", *lines])


def shown(report: Report) -> str:
    """Return what a terminal shows of it."""
    console = Console(width=_COLUMNS, file=io.StringIO(), record=True, highlight=False)
    console.print(simulated(report, UTC))
    return "".join(f"{line.rstrip()}\n" for line in console.export_text().splitlines())


def reported() -> Report:
    """Simulate it as the page's command does."""
    traffic = read_counts(sample().encode().splitlines(keepends=True)).traffic
    price = HourPrice(Decimal("0.23"), "--price")
    terms = Terms(wake=5, delay_cost=15, history=7 * DAY_MINUTES)
    return report_of(
        COUNTS.name, traffic, terms, price=price, zone=UTC, notes=(), advanced=lambda _: None
    )


def _bout(
    counts: Counter[tuple[datetime, str]],
    random_: random.Random,
    name: str,
    day: int,
    hour: int,
) -> None:
    minute = random_.randrange(45)
    for _ in range(random_.randint(1, 6)):
        at = _BEGIN + timedelta(days=day, hours=hour, minutes=minute)
        counts[at, f"{name}.tar.gz"] += random_.randint(1, 9)
        minute += random_.randint(1, 6)


def _write() -> None:
    COUNTS.parent.mkdir(exist_ok=True)
    COUNTS.write_text(sample(), encoding="utf-8")
    report = reported()
    PICTURE.write_text(svg(report, UTC), encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(SHOWN.sub(lambda _: shown(report), page), encoding="utf-8")


if __name__ == "__main__":
    _write()
