"""Traces of the project's own, of the form of the real ones: small, and the same for each seed.

Somebody comes a few times a day, mostly by day, and asks for a while; each workload has its own
hours and habits. No score of these says anything about real demand.
"""

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

from benchmarks.policy.traces import DAY, FILES

_WORKLOADS: Mapping[str, tuple[str, ...]] = {
    "gentd26.csv.gz": ("all", "mme-1", "model-1", "model-2", "tenant-1"),
    "servegen.csv.gz": ("client-1", "client-2"),
    "azure2019_1day.csv.gz": ("function-1", "function-2", "function-3"),
}


def write_traces(folder: Path, seed: int) -> None:
    """Write the three files into a folder that exists."""
    random = Random(seed)
    for file, days in ((name, end // DAY) for name, end in FILES.items()):
        lines = ["workload,minute,count\n"]
        for workload in _WORKLOADS[file]:
            per_day = 12 if days == 1 else 2
            for minute, count in sorted(dict(_requests(random, days, per_day)).items()):
                lines.append(f"{workload},{minute},{count}\n")
        # Without the time of day, which gzip would write beside them.
        (folder / file).write_bytes(gzip.compress("".join(lines).encode(), mtime=0))


def _requests(random: Random, days: int, per_day: int) -> Iterator[tuple[int, int]]:
    """Give minutes and their counts, in no order; some may come twice."""
    opens, hours = _below(random, 10), 8 + _below(random, 6)
    likely = 0.2 + 0.6 * random.random()
    for day in range(days):
        for _ in range(1 + _below(random, 2 * per_day)):
            is_by_day = random.random() < 0.9
            begin = opens * 60 + _below(random, hours * 60) if is_by_day else _below(random, DAY)
            for minute in range(begin, min(begin + 1 + _below(random, 30), DAY)):
                if random.random() < likely:
                    yield day * DAY + minute, 1 + _below(random, 5)


def _below(random: Random, end: int) -> int:
    """Draw a whole number by the one method that gives the same in every version of Python."""
    return int(random.random() * end)
