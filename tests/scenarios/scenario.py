"""The form in which the scenarios are written: given EndpointConfigs, a story of steps, and what is
to follow from each.

    title: one sentence
    means: what the reader should know
    configs: the tags of each EndpointConfig, by its name, without their prefix `dormouse:`
    history:                       # what was asked before, if it matters: one request each so often
      - {days: 21, from: "09:00", to: "09:30", every: 5}         # on each of the 21 days before
      - {days: 7, ago: 7, from: "12:00", to: "12:00", every: 1}  # on days of the week before that
    story:
      - at: Mon 09:00              # UTC, in the week of 2026-02-16; or `from` and `to`, and `every`
        configs: …                 # where they change
        when: [a request comes]    # see WHEN
        seen: absent               # or a file of describe/, by its name without .json; or a mapping
                                   # with `golden`, that name, and members to write over it
        tags: {…}                  # the endpoint's own, if not of this deployment's making
        refuses: {CreateEndpoint: "Code: text"}  # or `no answer`
        then:
          plan: start
          rule: waiting work
          because: words of the reason, or a list of such
          look again: Mon 10:00    # or never
          calls: [CreateEndpoint reviews-gpu]
          told: {waking: words of the notice}
          problem: words of what kept it from happening

One tick follows each step, and with `from` and `to` one every minute: then the plan and the calls
are the same each time, and notices are told the first time only. What SageMaker is asked to change
(`calls`), who is told what (`told`) and a `problem` are complete: where nothing is written, there
was none. Where nothing speaks for the endpoint, `then` is `it is not managed`. What a step does not
say of SageMaker's answers stays as the step before has left it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import yaml

from dormouse.domain.notice import NoticeKind
from dormouse.domain.plan import Action
from dormouse.domain.rule import Rule

STORIES = Path(__file__).parent / "stories"
DESCRIBE = Path(__file__).parent / "describe"

# What may happen between two ticks, of nobody's but the callers' and the operator's making.
WHEN = (
    "a request comes",  # and finds it cold
    "it is used",  # a request is let through
    "held for 8 hours",
    "put to sleep",
    "suspended",
    "resumed",
)

ABSENT = "absent"
LEFT_ALONE = "it is not managed"

_MONDAY = date(2026, 2, 16)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Then:
    """What has to follow from a tick; what is an empty text need not be looked at."""

    plan: Action
    rule: Rule
    because: tuple[str, ...]
    look_again: str
    calls: tuple[str, ...]
    told: Mapping[str, str]
    problem: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """What is new, and what has to follow at each of the times.

    `golden` names the answer of DescribeEndpoint that `seen` is; None: as before. `then` is None
    where it is not looked at.
    """

    times: tuple[datetime, ...]
    when: tuple[str, ...]
    configs: Mapping[str, Mapping[str, str]] | None
    golden: str | None
    seen: Mapping[str, Any] | None
    tags: Mapping[str, str] | None
    refuses: Mapping[str, str]
    then: Then | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story, with its title."""

    name: str
    title: str
    means: str
    configs: Mapping[str, Mapping[str, str]]
    history: tuple[datetime, ...]
    story: tuple[Step, ...]


def scenarios() -> Iterator[Scenario]:
    """Read all there are."""
    for path in sorted(STORIES.glob("*.yaml")):
        yield read_scenario(path.stem, path.read_text(encoding="utf-8"))


def read_scenario(name: str, text: str) -> Scenario:
    """Read one.

    Raises:
        ValueError: it is not written as it has to be.
    """
    written = yaml.safe_load(text)
    _only(written, "title", "means", "configs", "history", "story")
    return Scenario(
        name,
        written["title"],
        written["means"],
        written["configs"],
        tuple(sorted(at for each in written.get("history", ()) for at in _asked(each))),
        tuple(_step(step) for step in written["story"]),
    )


def moment(text: str) -> datetime:
    """Read such as `Tue 09:30`, with or without seconds.

    Raises:
        ValueError: it is no such time.
    """
    day, _, clock = text.partition(" ")
    if day not in _DAYS:
        raise ValueError(f"{text!r} does not begin with one of {', '.join(_DAYS)}")
    at = time.fromisoformat(clock)
    return datetime.combine(_MONDAY + timedelta(days=_DAYS.index(day)), at, UTC)


def _asked(written: Mapping[str, Any]) -> Iterator[datetime]:
    """Say when somebody has asked, on each of some days before the week of the story."""
    _only(written, "days", "ago", "from", "to", "every")
    begins, ends = (time.fromisoformat(written[each]) for each in ("from", "to"))
    for days in range(1, written["days"] + 1):
        day = _MONDAY - timedelta(days=days + written.get("ago", 0))
        at = datetime.combine(day, begins, UTC)
        while at <= datetime.combine(day, ends, UTC):
            yield at
            at += written["every"] * _MINUTE


def _step(written: Mapping[str, Any]) -> Step:
    _only(
        written,
        *("at", "from", "to", "every", "when", "configs", "seen", "tags", "refuses", "then"),
    )
    when = tuple(written.get("when", ()))
    for each in when:
        if each not in WHEN:
            raise ValueError(f"{each!r} is none of what may happen: {', '.join(WHEN)}")
    seen = written.get("seen")
    overlay = dict(seen) if isinstance(seen, dict) else {}
    golden = overlay.pop("golden") if overlay else seen
    return Step(
        times=_times(written),
        when=when,
        configs=written.get("configs"),
        golden=golden,
        seen=None if golden in (None, ABSENT) else _described(golden, overlay),
        tags=written.get("tags"),
        refuses=written.get("refuses", {}),
        then=None if written["then"] == LEFT_ALONE else _then(written["then"]),
    )


def _times(written: Mapping[str, Any]) -> tuple[datetime, ...]:
    if "at" in written:
        return (moment(written["at"]),)
    at, until = moment(written["from"]), moment(written["to"])
    if until <= at:
        raise ValueError(f"a step goes from {written['from']} to {written['to']}")
    every = timedelta(minutes=written["every"]) if "every" in written else _MINUTE
    times = []
    while at <= until:
        times.append(at)
        at += every
    return tuple(times)


def _described(golden: str, overlay: Mapping[str, Any]) -> Mapping[str, Any]:
    described = json_of(golden)
    for member, value in overlay.items():
        described[member] = moment(value).isoformat() if member.endswith("Time") else value
    return described


def json_of(golden: str) -> dict[str, Any]:
    """Read an answer of DescribeEndpoint, as the AWS CLI prints it."""
    document: dict[str, Any] = json.loads((DESCRIBE / f"{golden}.json").read_text("utf-8"))
    return document


def _then(written: Mapping[str, Any]) -> Then:
    _only(written, "plan", "rule", "because", "look again", "calls", "told", "problem")
    told = written.get("told", {})
    for kind in told:
        NoticeKind(kind)
    because: str | Sequence[str] = written["because"]
    return Then(
        plan=Action(written["plan"]),
        rule=Rule(written["rule"]),
        because=(because,) if isinstance(because, str) else tuple(because),
        look_again=written.get("look again", ""),
        calls=tuple(written.get("calls", ())),
        told=told,
        problem=written.get("problem"),
    )


def _only(written: Mapping[str, Any], *known: str) -> None:
    unknown = sorted(set(written) - set(known))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(known)}")
