"""From measurements to the printed object and the table."""

import pytest

from benchmarks.container import report
from benchmarks.container.density import Density
from benchmarks.container.fill import BY_KILLING, Fill
from benchmarks.memory import Memory, parse

MB = 10**6


def test_the_ratio_is_above_one_where_ours_is_better() -> None:
    """Whichever way the figure goes."""
    assert report.lower_is_better(6, 2) == {"stock": 6, "ours": 2, "ratio": 3}
    assert report.higher_is_better(100, 450) == {"stock": 100, "ours": 450, "ratio": 4.5}


def test_no_ratio_of_what_is_not_positive() -> None:
    """A memory that shrank is no gain by a factor."""
    assert report.lower_is_better(100, -20)["ratio"] is None


def test_samples_become_their_median_and_range() -> None:
    """One slow load of ten is seen, and does not count."""
    found = report.of_samples({"stock": [5, 6, 40], "ours": [1, 2, 3]}, lower=True)
    assert (found["stock"], found["ours"], found["ratio"]) == (6, 2, 3)
    assert found["stock_range"] == [5, 40]


def test_memory_is_reckoned_from_the_first_model_on() -> None:
    """What the first one shares of its parent's is not counted as a gain of the ten after it."""
    density = Density(
        10, Memory(300 * MB, 300 * MB, 0), Memory(180 * MB, 360 * MB, 0), Memory(0, 0, 0)
    )
    density = Density(10, density.none, density.first, Memory(780 * MB, 1060 * MB, 0))
    assert density.private_mb == 60
    assert density.pss_mb == 70
    assert density.private_mb_from_none == pytest.approx(480 / 11)


def test_a_fill_says_what_became_of_each_server() -> None:
    """And the table says it in words."""
    stock = Fill(14, BY_KILLING, 12, 200, "timeout", 503, 3)
    ours = Fill(56, 507, 56, 200, 200, 200, 0)
    found = report.of_fills({"stock": stock, "ours": ours})
    assert (found["stock"], found["ours"], found["ratio"]) == (14, 56, 4)
    assert found["ours_status"] == 507
    assert found["stock_reload_status"] == "timeout"
    table = report.table("tiny", {"models_in_4gb": found})
    assert "ours: the next load: 507; still answering: 56 of 56; one unloaded: 200" in table


def test_the_table_says_which_aims_were_reached() -> None:
    """And has a line for what was skipped."""
    table = report.table(
        "tiny",
        {
            "load_seconds": report.lower_is_better(6, 1),
            "throughput_rps_c16": report.higher_is_better(100, 300),
            "models_in_4gb": {"skipped": "--quick"},
        },
    )
    lines = table.splitlines()[1:]
    assert [line.split()[0] for line in lines] == [
        "load_seconds",
        "throughput_rps_c16",
        "models_in_4gb",
    ]
    assert lines[0].endswith("6.00 x   ≥ 5 reached")
    assert lines[1].endswith("3.00 x   ≥ 4 missed")
    assert lines[2].endswith("skipped: --quick")


def test_the_kernels_sums() -> None:
    """Private is clean and dirty together; what a zombie has is nothing."""
    rollup = (
        "5581-7ffd ---p 00000000 00:00 0    [rollup]\n"
        "Rss:              9000 kB\nPss:              3000 kB\nPss_Anon:  1 kB\n"
        "Shared_Clean:      500 kB\nPrivate_Clean:     200 kB\nPrivate_Dirty:    1800 kB\n"
    )
    assert parse(rollup) == Memory(2000 * 1024, 3000 * 1024, 1800 * 1024)
    assert parse("") == Memory(0, 0, 0)
