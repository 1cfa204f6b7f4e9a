"""Which policy to take, in whole sentences, and what speaks against relying on it."""

from __future__ import annotations

from fractions import Fraction

from dormouse_cli.simulation.figures import dollars, hours, lasting, share
from dormouse_cli.simulation.replay import ALWAYS_ON, BREAK_EVEN, FORECAST, Replayed, Terms
from dormouse_cli.simulation.report import Report
from dormouse_cli.simulation.traffic import DAY_MINUTES

_WEEK = 7 * DAY_MINUTES
# A fixed timeout chosen in hindsight is worth a word where it is better by so much.
MUCH = Fraction(5, 100)
# With fewer such minutes in what is scored, chance decides.
FEW_ACTIVE = 20


def words(report: Report) -> str:
    """Say what to do, what it would cost beside always-on, and how many would have waited."""
    chosen = report.recommended
    if not chosen.requests:
        return (
            f"Nobody asked in the {lasting(report.scored_minutes)} that are scored: whatever "
            f"sleeps costs nothing here, and always on costs {_bill(report, report.always_on)}."
        )
    first = _always_on(report) if chosen.name == ALWAYS_ON else _sleeping(report)
    return " ".join([first, *_hindsight(report), *_many(report)])


def caveats(report: Report) -> tuple[str, ...]:
    """Say why the figures may not be relied on, if there is a reason."""
    found = []
    active = len(
        [minute for minute, _ in report.traffic.bundled().counts if minute >= report.scored_from]
    )
    if report.scored_minutes < _WEEK:
        found.append(
            f"Only {lasting(report.scored_minutes)} are scored, less than a week: days that are "
            "not among them may be otherwise."
        )
    if 0 < active < FEW_ACTIVE:
        minutes = "one minute" if active == 1 else f"{active} minutes"
        found.append(
            f"Requests came in {minutes} of what is scored: with so few, chance decides; the "
            "order of the policies says little."
        )
    if report.terms.history < _WEEK and any(each.name == FORECAST for each in report.replays):
        found.append(
            f"The forecast had {lasting(report.terms.history)} to learn from; with less than a "
            "week it does not know the days of the week yet."
        )
    return tuple(found)


def _sleeping(report: Report) -> str:
    chosen, always = report.recommended, report.always_on
    saved = 1 - Fraction(chosen.up_minutes, always.up_minutes)
    return (
        f"Take {chosen.label}, by the {_tags(chosen, report.terms)}: in the "
        f"{lasting(report.scored_minutes)} that are scored it would have been up for "
        f"{_bill(report, chosen)}, {share(float(saved))} less than always on "
        f"({_bill(report, always)}). {_waited(chosen)}"
    )


def _tags(chosen: Replayed, terms: Terms) -> str:
    return f"tags dormouse:policy={chosen.name} and dormouse:delay-cost={terms.delay_cost}m"


def _always_on(report: Report) -> str:
    others = [each for each in report.replays if each.name in (BREAK_EVEN, FORECAST)]
    next_best = min(others, key=lambda each: _cost(each, report.terms))
    return (
        f"Leave it on: with a delayed minute worth {report.terms.delay_cost} min of the endpoint, "
        f"no policy that sleeps is worth it. {next_best.label.capitalize()} would have been up "
        f"for {_bill(report, next_best)} instead of {_bill(report, report.always_on)}. "
        f"{_waited(next_best)}"
    )


def _waited(chosen: Replayed) -> str:
    if not chosen.cold_requests:
        return f"None of {_requests(chosen.requests)} would have waited."
    median, longest = chosen.median_wait, chosen.longest_wait
    how_long = (
        f"{longest} min"
        if median == longest
        else (f"{median} min at the median and {longest} min at the longest")
    )
    return (
        f"{chosen.cold_requests:,} of {_requests(chosen.requests)} ({share(chosen.cold_share)}) "
        f"would have waited, for {how_long}."
    )


def _hindsight(report: Report) -> list[str]:
    best, cost = report.best_fixed, _cost(report.recommended, report.terms)
    if _cost(best, report.terms) >= cost * (1 - MUCH):
        return []
    less = share(float(1 - Fraction(_cost(best, report.terms), cost)))
    return [
        f"In hindsight {best.label} would have been better by {less}, delays counted in; nobody "
        "knows that beforehand, and it need not be so the next time."
    ]


def _many(report: Report) -> list[str]:
    if report.bundling is None:
        return []
    many = report.bundling.of(report.recommended.name).many
    each = f"each of the {report.bundling.number} {report.traffic.kind}s"
    return [
        f"With an endpoint for {each} it would have been {_bill(report, many)}, and "
        f"{many.cold_requests:,} requests ({share(many.cold_share)}) would have waited."
    ]


def _bill(report: Report, one: Replayed) -> str:
    money = dollars(report, one.up_minutes)
    return hours(one.up_minutes) + (f", an estimated {money}" if money else "")


def _requests(number: int) -> str:
    return "1 request" if number == 1 else f"{number:,} requests"


def _cost(one: Replayed, terms: Terms) -> int:
    return one.cost(terms.delay_cost)
