"""From what was measured to the object that is printed, and to a table for people. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.container.density import Density
from benchmarks.container.fill import Fill

Result = dict[str, Any]

# The figures in the order of the table, with the least that is aimed at.
AIMS = {
    "load_seconds": 5.0,
    "memory_mb_per_model": 4.0,
    "memory_pss_mb_per_model": None,
    "latency_p50_ms_c1": 1.0,
    "throughput_rps_c16": 4.0,
    "models_in_4gb": None,
}


def lower_is_better(stock: float, ours: float) -> Result:
    """A figure and its ratio, above 1 where ours is the lower one; none of what is not positive."""
    return _result(stock, ours, stock / ours if stock > 0 and ours > 0 else None)


def higher_is_better(stock: float, ours: float) -> Result:
    """A figure and its ratio, above 1 where ours is the higher one."""
    return _result(stock, ours, ours / stock if stock > 0 else None)


def of_samples(samples: Mapping[str, Sequence[float]], lower: bool) -> Result:
    """The median of each side's samples, with the least and the greatest of them beside."""
    stock, ours = (statistics.median(samples[side]) for side in ("stock", "ours"))
    result = lower_is_better(stock, ours) if lower else higher_is_better(stock, ours)
    for side, values in samples.items():
        result[f"{side}_range"] = [_rounded(min(values)), _rounded(max(values))]
    return result


def of_densities(densities: Mapping[str, Density]) -> dict[str, Result]:
    """The memory of a model, by the ways of reckoning that density.py has."""
    stock, ours = densities["stock"], densities["ours"]
    private = lower_is_better(stock.private_mb, ours.private_mb)
    for side, density in densities.items():
        private[f"{side}_from_none"] = _rounded(density.private_mb_from_none)
    return {
        "memory_mb_per_model": private,
        "memory_pss_mb_per_model": lower_is_better(stock.pss_mb, ours.pss_mb),
    }


def of_fills(fills: Mapping[str, Fill]) -> Result:
    """The number of models, and beside it what became of each server."""
    result = higher_is_better(fills["stock"].models, fills["ours"].models)
    for side, fill in fills.items():
        result |= {
            f"{side}_status": fill.refusal,
            f"{side}_still_answering": fill.answering,
            f"{side}_eviction_status": fill.eviction,
            f"{side}_reload_status": fill.reload,
            f"{side}_invocation_status": fill.invocation,
            f"{side}_killed_by_kernel": fill.killed,
        }
    return result


def table(title: str, results: Mapping[str, Result]) -> str:
    """Lines to read, one for each figure."""
    lines = [f"{title:30}{'stock':>12}{'ours':>12}{'ratio':>10}   aim"]
    for name, aim in AIMS.items():
        result = results.get(name)
        if result is None:
            continue
        if "skipped" in result:
            lines.append(f"{name:30}{'skipped: ' + result['skipped']}")
            continue
        ratio = result["ratio"]
        aimed = "" if aim is None else f"≥ {aim:g}{_mark(ratio, aim)}"
        shown = "-" if ratio is None else f"{ratio:.2f} x"
        lines.append(f"{name:30}{result['stock']:>12g}{result['ours']:>12g}{shown:>10}   {aimed}")
        if "stock_status" in result:
            lines += [f"  {side}: {_fate(side, result)}" for side in ("stock", "ours")]
    return "\n".join(lines)


def _fate(side: str, result: Result) -> str:
    return (
        f"the next load: {result[f'{side}_status']}; still answering: "
        f"{result[f'{side}_still_answering']} of {result[side]:g}; one unloaded: "
        f"{result[f'{side}_eviction_status']}, load again: {result[f'{side}_reload_status']}, "
        f"invoke another: {result[f'{side}_invocation_status']}"
    )


def _mark(ratio: float | None, aim: float) -> str:
    return " reached" if ratio is not None and ratio >= aim else " missed"


def _result(stock: float, ours: float, ratio: float | None) -> Result:
    return {
        "stock": _rounded(stock),
        "ours": _rounded(ours),
        "ratio": None if ratio is None else _rounded(ratio),
    }


def _rounded(value: float) -> float:
    """Four figures are more than any of the measurements is good for."""
    return float(f"{value:.4g}")
