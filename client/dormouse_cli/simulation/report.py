"""All that `dormouse simulate` has found out, before it is put into words, a table or a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal

from dormouse_cli.simulation.replay import (
    ALWAYS_ON,
    CLAIRVOYANT,
    COMPARED_FIXED,
    Bundling,
    Replayed,
    Terms,
    choose,
    compare,
    replay,
)
from dormouse_cli.simulation.traffic import Traffic
from dormouse_cli.simulation.week import Week, week_of


@dataclass(frozen=True, slots=True)
class HourPrice:
    """Dollars for an hour of the endpoint, and where they come from, in words."""

    usd: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Report:
    """`replays` are in the order in which they are shown; `week` is of the recommended one.

    `notes` are sentences on what was read.
    """

    source: str
    traffic: Traffic
    terms: Terms
    scored_from: int
    price: HourPrice | None
    replays: tuple[Replayed, ...]
    recommended: Replayed
    bundling: Bundling | None
    week: Week
    notes: tuple[str, ...] = ()

    @property
    def scored_minutes(self) -> int:
        """How many minutes are scored."""
        return self.traffic.end - self.scored_from

    @property
    def best_fixed(self) -> Replayed:
        """The fixed timeout that would have cost least, as one knows now."""
        fixed = [each for each in self.replays if each.is_fixed]
        return min(fixed, key=lambda each: each.cost(self.terms.delay_cost))

    def of(self, name: str) -> Replayed:
        """Return what a policy would have made of it."""
        return next(each for each in self.replays if each.name == name)

    @property
    def always_on(self) -> Replayed:
        """What is compared with."""
        return self.of(ALWAYS_ON)

    @property
    def clairvoyant(self) -> Replayed:
        """What nobody can do better."""
        return self.of(CLAIRVOYANT)

    def usd(self, minutes: int) -> Decimal | None:
        """Say what so many minutes of an endpoint cost; an estimate, None without a price."""
        return None if self.price is None else self.price.usd * minutes / 60


def report_of(
    source: str,
    traffic: Traffic,
    terms: Terms,
    *,
    price: HourPrice | None,
    zone: tzinfo,
    notes: tuple[str, ...],
    advanced: Callable[[int], None],
) -> Report:
    """Replay traffic through every policy, choose one, and lay its hours over a week.

    `advanced` hears of each replay.
    """
    scored_from = traffic.begin + terms.history
    replays = replay(traffic, terms, advanced)
    chosen = choose(replays, terms)
    names = dict.fromkeys((chosen.name, COMPARED_FIXED))
    return Report(
        source,
        traffic,
        terms,
        scored_from,
        price,
        replays,
        chosen,
        compare(traffic, terms, replays, tuple(names), advanced),
        week_of(
            traffic.bundled().counts,
            up=chosen.spells,
            cold=chosen.cold,
            begin=scored_from,
            end=traffic.end,
            zone=zone if traffic.has_clock else None,
        ),
        notes,
    )
