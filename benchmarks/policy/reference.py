"""What an independent simulator has found on the same traces: reference.json beside them."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.policy.runs import DELAY_COSTS, POLICIES, run_of
from benchmarks.policy.scores import Table, best_fixed
from benchmarks.policy.traces import TracesError

FILE = "reference.json"


def differences(table: Table, folder: Path) -> list[str] | None:
    """Say where the figures are others, one sentence each; None where there is no such file.

    Raises:
        TracesError: it is no JSON of figures by group and policy.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return list(_differences(table, json.loads(path.read_text(encoding="utf-8"))))
    except (ValueError, AttributeError, TypeError) as error:
        raise TracesError(
            f'{path}: {error!r}; it has to be as {{"servegen": {{"always-on": {{"starts": 0}}}}}}'
        ) from error


def _differences(table: Table, reference: dict[str, Any]) -> Iterator[str]:
    for group, by_policy in reference.items():
        if group not in table:
            yield f"{group}: the traces have none of it"
            continue
        of_group = table[group]
        for policy, wanted in by_policy.items():
            if policy in POLICIES:
                found = asdict(of_group[run_of(policy, DELAY_COSTS[0])])
                for name in found.keys() & wanted.keys():
                    if found[name] != wanted[name]:
                        yield f"{group}, {policy}: {name} is {found[name]}, not {wanted[name]:g}"
        for delay_cost, cost in by_policy.get("best_fixed_cost", {}).items():
            found_cost = best_fixed(of_group, int(delay_cost))
            if found_cost != cost:
                yield f"{group}, {delay_cost}: the best fixed costs {found_cost}, not {cost:g}"
