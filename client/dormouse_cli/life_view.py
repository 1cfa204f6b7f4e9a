"""How the rules of an endpoint's life look on a terminal: where it stands, what was decided by
them, and what would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dormouse_cli.decision import Decision
from dormouse_cli.dry_run import DryRun
from dormouse_cli.life import Failure, Life, Schedule
from dormouse_cli.moments import local_clock, spoken, told
from dormouse_cli.problem import sentence

# From then on its owner has been warned.
_MUCH_SPENT = 0.8


def news_of(life: Life, why: str, now: datetime) -> list[str]:
    """Say what is out of the ordinary, and not said by `why` already: a line for each."""
    news = []
    is_told = life.suspended_at is not None and "suspended" in why
    if life.kept_down is not None and life.kept_down.reason not in why and not is_told:
        news.append(life.kept_down.told(now))
    if life.is_fallen_back:
        news.append(f"on the fall-back {life.running_config}")
    spent = life.spent
    if spent is not None and spent.share is not None and spent.share >= _MUCH_SPENT:
        news.append(f"{spent.share:.0%} of the budget of {spent.budget} spent")
    # The reason for a start that is kept back quotes its failure.
    news += [_failed(one, now) for one in life.failures if one.endpoint_config not in why]
    return news


def facts_of(life: Life, now: datetime) -> list[tuple[str, str]]:
    """Name each rule that there is, and how it stands with it."""
    facts: list[tuple[str, str | None]] = [
        ("suspended", _suspended(life, now)),
        ("kept down", _kept_down(life, now)),
        ("asked for by", life.demand_by),
        ("schedule", _schedule(life.schedule, now)),
        ("blackout", _schedule(life.blackout, now)),
        ("min-up", spoken(life.min_up_seconds) if life.min_up_seconds else None),
        ("max-up", spoken(life.max_up_seconds) if life.max_up_seconds else None),
        ("spent", _spent(life)),
        ("runs on", _running(life)),
        ("fall-backs", "\n".join(life.fall_backs)),
        ("failures", "\n".join(f"{_failed(one, now)}: {one.reason}" for one in life.failures)),
        ("owner", life.owner),
    ]
    return [(name, value) for name, value in facts if value]


def history(decisions: Sequence[Decision], now: datetime) -> Table:
    """All decisions, one below the other, the newest first."""
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    shown.add_column("DECIDED", no_wrap=True)
    shown.add_column("ACTION")
    shown.add_column("RULE")
    shown.add_column("WHY", overflow="fold")
    for decision in decisions:
        shown.add_row(
            local_clock(decision.at, now) if decision.at else "-",
            Text(decision.action),
            Text(decision.rule),
            Text(decision.reason),
        )
    return shown


def tried(run: DryRun, name: str, now: datetime) -> RenderableType:
    """What would be done, and below it every rule, the strongest first."""
    when = "now" if abs((run.at - now).total_seconds()) < 1 else told(run.at, now)
    parts: list[RenderableType] = [
        Text(sentence(f"{name}, {when}: {run.action} ({run.rule}): {run.reason}"))
    ]
    if run.next_look_at is not None:
        parts.append(Text(f"that could change {told(run.next_look_at, now)}", style="dim"))
    parts += [Text(note, style="dim") for note in run.notes]
    if run.rules:
        parts += [Text(), _rules(run, now)]
    return Group(*parts)


def _rules(run: DryRun, now: datetime) -> Table:
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    shown.add_column("RULE", no_wrap=True)
    shown.add_column("APPLIES", no_wrap=True)
    shown.add_column("CHANGES", no_wrap=True)
    shown.add_column("WHY", overflow="fold")
    for finding in run.rules:
        shown.add_row(
            Text(finding.rule),
            Text("yes", style="green") if finding.applies else Text("no", style="dim"),
            local_clock(finding.changes_at, now) if finding.changes_at else "-",
            Text(finding.reason or "-"),
        )
    return shown


def _suspended(life: Life, now: datetime) -> str | None:
    if life.suspended_at is None:
        return None
    by = f", by {life.suspended_by}" if life.suspended_by else ""
    return f"since {told(life.suspended_at, now)}{by}"


def _kept_down(life: Life, now: datetime) -> str | None:
    if life.kept_down is None or life.suspended_at is not None:
        return None
    return life.kept_down.told(now)


def _schedule(schedule: Schedule | None, now: datetime) -> str | None:
    if schedule is None:
        return None
    if schedule.window is not None and schedule.window.ends_at is not None:
        return f"{schedule.text}\nin a window until {told(schedule.window.ends_at, now)}"
    if schedule.next is not None and schedule.next.begins_at is not None:
        return f"{schedule.text}\nnext window {told(schedule.next.begins_at, now)}"
    return f"{schedule.text}\nno window in the next two weeks"


def _spent(life: Life) -> str | None:
    spent = life.spent
    if spent is None:
        return None
    if spent.estimate is None:
        return f"{spent.hours:g} h in {spent.month}" if spent.hours else None
    part = "" if spent.share is None else f" ({spent.share:.0%})"
    return f"{spent.estimate}{part}"


def _running(life: Life) -> str | None:
    if life.running_config is None:
        return None
    return f"{life.running_config}, a fall-back" if life.is_fallen_back else life.running_config


def _failed(failure: Failure, now: datetime) -> str:
    times = "once" if failure.count == 1 else f"{failure.count} times"
    again = (
        "given up until it is resumed"
        if failure.retry_at is None
        else f"tried again {told(failure.retry_at, now)}"
    )
    return f"{failure.endpoint_config} has failed {times}, {again}"
