"""What the figures of all runs come to: scores, frontiers, and the trace of one day."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

from benchmarks.policy.frontier import Frontier, frontier_of
from benchmarks.policy.runs import DELAY_COSTS, FIXED, POLICIES, Figures, Run, run_of
from benchmarks.policy.traces import GROUPS, ONE_DAY

Table: TypeAlias = Mapping[str, Mapping[Run, Figures]]
"""What came of each run, by group."""

DELAY_COST = 15
"""Of a policy with a knob, these figures stand beside those that have none: the tag's default."""
_UNDER_FRONTIER = ("hybrid-histogram", "forecast")
_DECIMALS = 6


def totals(played: Iterable[tuple[str, Mapping[Run, Figures]]]) -> Table:
    """Add up what was played, each with its group."""
    table: dict[str, dict[Run, Figures]] = {}
    for group, found in played:
        of_group = table.setdefault(group, {})
        for run, figures in found.items():
            of_group[run] = of_group.get(run, Figures()) + figures
    return {group: table[group] for group in (*GROUPS, ONE_DAY) if group in table}


def report(table: Table) -> dict[str, Any]:
    """The object that is printed, but for the time that it took; docs/benchmarks.md explains it."""
    groups = [group for group in table if group != ONE_DAY]
    document: dict[str, Any] = {
        "policies": {policy: _scored(policy, table, groups) for policy in POLICIES},
        "delay_cost": DELAY_COST,
        "frontier": {group: _against_frontier(table[group]) for group in groups},
    }
    if ONE_DAY in table:
        document["one_day"] = _of_one_day(table[ONE_DAY])
    return document


def best_fixed(of_group: Mapping[Run, Figures], delay_cost: int) -> int:
    """What the best timeout costs that could have been chosen in hindsight."""
    return min(of_group[Run(policy)].cost(delay_cost) for policy in FIXED)


def geometric_mean(ratios: Sequence[float]) -> float:
    """Of numbers above 0, at least one."""
    return math.exp(math.fsum(map(math.log, ratios)) / len(ratios))


def _scored(policy: str, table: Table, groups: Sequence[str]) -> dict[str, Any]:
    cells = {
        f"{group}/{delay_cost}": table[group][run_of(policy, delay_cost)].cost(delay_cost)
        / best_fixed(table[group], delay_cost)
        for group in groups
        for delay_cost in DELAY_COSTS
    }
    scored: dict[str, Any] = {
        "gm": _rounded(geometric_mean(list(cells.values()))) if cells else None,
        "worst": _rounded(max(cells.values())) if cells else None,
        "cells": {cell: _rounded(score) for cell, score in cells.items()},
        "groups": {group: asdict(table[group][run_of(policy, DELAY_COST)]) for group in groups},
    }
    if run_of(policy, DELAY_COST).delay_cost is not None:
        scored["by_delay_cost"] = {
            str(delay_cost): {
                group: asdict(table[group][run_of(policy, delay_cost)]) for group in groups
            }
            for delay_cost in DELAY_COSTS
        }
    return scored


def _against_frontier(of_group: Mapping[Run, Figures]) -> dict[str, Any]:
    fixed = frontier_of(
        (figures.cold_minutes, figures.endpoint_minutes)
        for figures in (of_group[Run(policy)] for policy in ("always-on", *FIXED))
    )
    compared: dict[str, Any] = {
        "fixed": [{"cold_minutes": cold, "endpoint_minutes": up} for cold, up in fixed.points]
    }
    for policy in _UNDER_FRONTIER:
        wanted = list(dict.fromkeys(run_of(policy, delay_cost) for delay_cost in DELAY_COSTS))
        compared[policy] = {
            "any" if run.delay_cost is None else str(run.delay_cost): _below(of_group[run], fixed)
            for run in wanted
        }
    hybrid = of_group[Run("hybrid-histogram")]
    forecast = frontier_of(
        (figures.cold_minutes, figures.endpoint_minutes)
        for figures in (
            of_group[Run("always-on")],
            *(of_group[Run("forecast", delay_cost)] for delay_cost in DELAY_COSTS),
        )
    )
    compared["forecast_where_hybrid_is"] = _at(hybrid, forecast) | {
        "is_under": forecast.at(hybrid.cold_minutes) < hybrid.endpoint_minutes
    }
    return compared


def _below(figures: Figures, frontier: Frontier) -> dict[str, Any]:
    at_equal_cold = frontier.at(figures.cold_minutes)
    return _at(figures, frontier) | {
        "over_frontier": _rounded(figures.endpoint_minutes / at_equal_cold),
        "is_under": figures.endpoint_minutes < at_equal_cold,
    }


def _at(figures: Figures, frontier: Frontier) -> dict[str, Any]:
    return {
        "cold_minutes": figures.cold_minutes,
        "endpoint_minutes": figures.endpoint_minutes,
        "frontier_endpoint_minutes": _rounded(frontier.at(figures.cold_minutes)),
    }


def _of_one_day(of_day: Mapping[Run, Figures]) -> dict[str, Any]:
    """How each compares with break-even, and with the best timeout in hindsight."""
    return {
        policy: {
            str(delay_cost): asdict(of_day[run_of(policy, delay_cost)])
            | {
                "over_break_even": _rounded(
                    of_day[run_of(policy, delay_cost)].cost(delay_cost)
                    / of_day[Run("break-even", delay_cost)].cost(delay_cost)
                ),
                "over_best_fixed": _rounded(
                    of_day[run_of(policy, delay_cost)].cost(delay_cost)
                    / best_fixed(of_day, delay_cost)
                ),
            }
            for delay_cost in DELAY_COSTS
        }
        for policy in POLICIES
    }


def _rounded(number: float) -> float:
    return round(number, _DECIMALS)
