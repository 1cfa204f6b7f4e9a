"""How endpoints and models look on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dormouse_cli.accepted_request import AcceptedRequest, Replay
from dormouse_cli.endpoint import Endpoint
from dormouse_cli.life_view import facts_of, history, news_of
from dormouse_cli.logged_request import LoggedRequest
from dormouse_cli.moments import local_clock, relative, spoken, told
from dormouse_cli.problem import sentence
from dormouse_cli.served_model import Alias, ModelList, Switch

_STYLES = {
    "serving": "green",
    "waking": "yellow",
    "stopping": "yellow",
    "asleep": "cyan",
    "failed": "red",
}
NONE_MANAGED = (
    "No endpoint is managed: tag its EndpointConfig with dormouse:endpoint, as the README says."
)


def table(endpoints: Sequence[Endpoint], now: datetime) -> RenderableType:
    """All endpoints, one below the other, as wide as the terminal is."""
    if not endpoints:
        return Text(NONE_MANAGED)
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, expand=True, leading=1)
    shown.add_column("ENDPOINT", overflow="fold", max_width=20)
    shown.add_column("STATE", no_wrap=True)
    shown.add_column("SINCE", max_width=13)
    shown.add_column("WHY, AND WHAT NEXT", ratio=1, overflow="fold")
    for endpoint in endpoints:
        since = endpoint.status_since
        why = [endpoint.why or "-", *_meanwhile(endpoint, now)]
        following = Text(f"next: {_next(endpoint, now)}", style="dim")
        shown.add_row(
            Text(endpoint.name),
            _state(endpoint),
            f"{local_clock(since, now)}\n{relative(since, now)}" if since else "-",
            Text("\n").join([*(Text(line) for line in why), following]),
        )
    return shown


def lines(endpoints: Sequence[Endpoint], now: datetime) -> RenderableType:
    """The same where no terminal wraps it: one line for each."""
    if not endpoints:
        return Text(NONE_MANAGED)
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("ENDPOINT", "STATE", "SINCE", "WHY", "NEXT"):
        shown.add_column(name)
    for endpoint in endpoints:
        since = endpoint.status_since
        shown.add_row(
            Text(endpoint.name),
            Text(endpoint.state),
            told(since, now) if since else "-",
            Text("; ".join([endpoint.why or "-", *_meanwhile(endpoint, now)])),
            Text(_next(endpoint, now)),
        )
    return shown


def details(endpoint: Endpoint, now: datetime) -> RenderableType:
    """Everything that is known of one, and its recent decisions."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")

    def fact(name: str, value: Text | str | None) -> None:
        if value:
            facts.add_row(name, Text(value) if isinstance(value, str) else value)

    def moment(name: str, value: datetime | None) -> None:
        fact(name, told(value, now) if value else None)

    fact("endpoint", endpoint.name)
    fact("state", _state(endpoint))
    fact("status", endpoint.standing)
    moment("since", endpoint.status_since)
    fact("failure", endpoint.failure_reason)
    fact("problem", endpoint.problem)
    if endpoint.decision is not None:
        fact("why", endpoint.decision.reason)
        fact("rule", endpoint.decision.rule)
    fact("next", _next(endpoint, now))
    moment("held until", endpoint.hold_until)
    moment("last request", endpoint.last_request_at)
    fact("requests", _requests_waiting(endpoint, now))
    fact("idle timeout", _idle_timeout(endpoint))
    if endpoint.expected_wake_seconds is not None:
        fact("a wake takes", f"about {spoken(endpoint.expected_wake_seconds)}")
    for name, value in facts_of(endpoint.life, now):
        fact(name, value)
    fact("config", endpoint.endpoint_config)
    fact("principals", "\n".join(endpoint.principals))
    if not endpoint.decisions:
        return facts
    return Group(facts, Text(), history(endpoint.decisions, now))


def _idle_timeout(endpoint: Endpoint) -> str | None:
    """For how long use keeps it up, by which policy; a forecast says so anew each time."""
    words = []
    if endpoint.idle_timeout_seconds is not None:
        words.append(spoken(endpoint.idle_timeout_seconds))
    if endpoint.delay_cost_seconds is not None:
        cost = spoken(endpoint.delay_cost_seconds)
        words.append(f"by {endpoint.policy}, a delayed minute is worth {cost}")
    return ", ".join(words) or None


def requests(waiting: Sequence[AcceptedRequest], now: datetime) -> RenderableType:
    """All requests that wait, one below the other, the oldest first."""
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    shown.add_column("REQUEST", overflow="fold")
    shown.add_column("STATUS", no_wrap=True)
    shown.add_column("MODEL", overflow="fold")
    shown.add_column("ACCEPTED")
    shown.add_column("EXPIRES")
    shown.add_column("TRIES", justify="right")
    shown.add_column("WHY", overflow="fold")
    for request in waiting:
        shown.add_row(
            Text(request.id),
            Text(request.status),
            Text(request.model or "-"),
            relative(request.accepted_at, now) if request.accepted_at else "-",
            relative(request.expires_at, now) if request.expires_at else "-",
            str(request.tries),
            Text(request.reason or "-"),
        )
    return shown


def accepted(request: AcceptedRequest, now: datetime) -> str:
    """Say how an accepted request stands, in a sentence."""
    parts = [f"it is {request.status}"]
    if request.position is not None:
        parts.append(f"number {request.position} of those that wait")
    if request.expected_at is not None:
        parts.append(f"its answer is expected {told(request.expected_at, now)}")
    if request.expires_at is not None:
        parts.append(f"it expires {told(request.expires_at, now)}")
    return sentence(f"{request.id}: {', '.join(parts)}")


def replayed(replay: Replay, endpoint: str) -> str:
    """Say what became of a replay, in a sentence or two."""
    waits = f"{_count(replay.replayed, 'request')} of {endpoint} once more waiting"
    left = f"; {replay.left} that failed left as they are" if replay.left else ""
    more = "" if replay.complete else " There may be more of them: replay once more."
    return f"{sentence(f'{waits}{left}')}{more}"


def line(endpoint: Endpoint, now: datetime) -> str:
    """One line for a log: when, who, how it is, why, what next."""
    clock = now.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    why = f": {endpoint.why}" if endpoint.why else ""
    following = f"; next: {_next(endpoint, now)}" if endpoint.next else ""
    return f"{clock} {endpoint.name} {endpoint.state}{why}{following}"


def models(listed: ModelList, now: datetime) -> RenderableType:
    """All models, one below the other, and who has used them."""
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    shown.add_column("MODEL", overflow="fold")
    shown.add_column("SIZE", justify="right", no_wrap=True)
    shown.add_column("UPLOADED")
    shown.add_column("LAST USED")
    shown.add_column("REQUESTS", justify="right")
    shown.add_column("ERRORS", justify="right")
    shown.add_column("P50, P99", justify="right")
    for model in listed.models:
        name = Text(model.name or "(none known)", style="" if model.name else "dim")
        for alias in model.aliases:
            name.append(f"\n  {alias}", style="cyan")
        if model.is_loaded:
            name.append("\n  loaded", style="green")
        used = "-" if model.last_used_at is None else relative(model.last_used_at, now)
        quantiles = [model.latency_ms[name] for name in ("p50", "p99") if name in model.latency_ms]
        shown.add_row(
            name,
            "-" if model.size_bytes is None else size(model.size_bytes),
            "-" if model.uploaded_at is None else relative(model.uploaded_at, now),
            used if model.name else "-",
            str(model.requests),
            Text(str(model.errors), style="red" if model.errors else ""),
            ", ".join(_took(quantile) for quantile in quantiles) or "-",
        )
    parts: list[RenderableType] = [shown] if listed.models else []
    if listed.callers:
        parts += [*([Text()] if parts else []), _callers(listed.callers)]
    if listed.since is not None:
        parts.append(Text(f"counted since {told(listed.since, now)}", style="dim"))
    return Group(*parts)


def aliases(defined: Sequence[Alias]) -> RenderableType:
    """All aliases, one below the other."""
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    shown.add_column("ALIAS", overflow="fold")
    shown.add_column("MODEL", overflow="fold")
    for alias in defined:
        shown.add_row(Text(alias.name), Text(alias.model))
    return shown


def switched(switch: Switch, now: datetime) -> str:
    """Say what an alias stands for now, in a sentence."""
    alias = switch.alias
    before = f"; until now {switch.previous}" if switch.previous else ""
    follows = (
        f"; all requests follow {relative(switch.followed_at, now)}"
        if switch.followed_at is not None and switch.followed_at > now
        else ""
    )
    return sentence(f"{alias.name} is {alias.model}{before}{follows}")


def logged(request: LoggedRequest) -> Text:
    """One request on one line: when, status, model, how long, what it waited for, who, error."""
    style = "green" if request.status < 400 else "yellow" if request.status < 500 else "red"
    model = request.model or "-"
    asked = f"{request.alias} → {model}" if request.alias else model
    took = "-" if request.latency_ms is None else _took(request.latency_ms)
    line = Text(f"{request.at.astimezone():%Y-%m-%d %H:%M:%S}  ")
    line.append(str(request.status), style=style)
    line.append(f"  {asked:<30}  {took:>8}  {_way(request):<12}  {request.caller or '-'}")
    if request.error:
        line.append(f"  {request.error}", style=style)
    return line


def size(count: float) -> str:
    """Write a number of bytes as people read it: `512 B`, `1.5 MB`."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def intended(endpoint: Endpoint, now: datetime) -> str:
    """Say how it stands after an intent, in a sentence or two."""
    until = f", held until {told(endpoint.hold_until, now)}" if endpoint.hold_until else ""
    why = f": {endpoint.why}" if endpoint.why else ""
    following = f" Next: {_next(endpoint, now)}." if endpoint.next else ""
    return f"{sentence(f'{endpoint.name} is {endpoint.state}{until}{why}')}{following}"


def _callers(callers: Sequence[tuple[str, int]]) -> Table:
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    shown.add_column("CALLER", overflow="fold")
    shown.add_column("REQUESTS", justify="right")
    for principal, requests in callers:
        shown.add_row(Text(principal), str(requests))
    return shown


def _took(milliseconds: float) -> str:
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s"


def _way(request: LoggedRequest) -> str:
    """Say what became of it while the endpoint did not serve; nothing where it was warm."""
    if request.waited_seconds is not None:
        way = "kept" if request.way in ("parked", "async") else request.way or "waited"
        return f"{way} {spoken(request.waited_seconds)}"
    return "cold" if request.is_cold else ""


def _meanwhile(endpoint: Endpoint, now: datetime) -> list[str]:
    """Say what goes on beside the decision: a warm-up, requests that wait, what is amiss."""
    news = []
    if endpoint.warm_up is not None and endpoint.warm_up.ended_at is None:
        news.append(endpoint.standing or "")
    if waiting := _requests_waiting(endpoint, now):
        news.append(waiting)
    return [*news, *news_of(endpoint.life, endpoint.why, now)]


def _requests_waiting(endpoint: Endpoint, now: datetime) -> str | None:
    waiting = endpoint.waiting
    if waiting is None:
        return None
    since = f", since {told(waiting.oldest_at, now)}" if waiting.oldest_at else ""
    return f"{waiting.parked} parked and {waiting.released} released{since}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _state(endpoint: Endpoint) -> Text:
    return Text(endpoint.state, style=_STYLES.get(endpoint.state, ""))


def _next(endpoint: Endpoint, now: datetime) -> str:
    if endpoint.next_at is None:
        return endpoint.next or "-"
    return f"{endpoint.next}, {told(endpoint.next_at, now)}"
