"""Schedules and calendars that have names, for what does not fit into a tag.

{"schedules": {"office": "Mon-Fri 08:00-18:00 Europe/Berlin - @holidays"},
 "calendars": {"holidays": ["2026-12-25", "2026-12-28/2027-01-03"]}}
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeVar

from dormouse.domain.schedule import (
    EXAMPLE,
    Calendar,
    Reference,
    Schedule,
    ScheduleError,
    Term,
    is_name,
    parse_term,
    quoted,
    refusal,
)

SCHEDULES = "schedules"
CALENDARS = "calendars"

_DOCUMENT = f'{{"{SCHEDULES}": {{}}, "{CALENDARS}": {{}}}}'
_DAYS = re.compile(
    r"(?P<first>[0-9]{4}-[0-9]{2}-[0-9]{2})(/(?P<last>[0-9]{4}-[0-9]{2}-[0-9]{2}))?", re.ASCII
)
_LONGEST = timedelta(days=366)

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class NamedSchedules:
    """What has a name. `faults` says what is wrong with a part of the document, by the path to it,
    such as ("calendars", "holidays"), and `unreadable` with all of it. With `is_unread` every name
    is taken, and its windows are none.
    """

    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    calendars: Mapping[str, frozenset[date]] = field(default_factory=dict)
    faults: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    unreadable: str | None = None
    is_unread: bool = False


NO_NAMES = NamedSchedules()
UNREAD = NamedSchedules(is_unread=True)
"""For whoever needs to know only whether a schedule is well formed."""


def parse_schedule(text: str, named: NamedSchedules = NO_NAMES) -> Schedule:
    """Read a schedule, such as `Mon-Fri 08:00-18:00 Europe/Berlin + @weekend - @holidays`.

    Raises:
        ScheduleError: it has another form, or a name is not known; the message names the bad part
            and shows an example.
    """
    windows, *calendars = text.split(" - ")
    parts = tuple(_part(text, part, named) for part in windows.split(" + "))
    return Schedule(parts, tuple(_calendar(text, written, named) for written in calendars))


def parse_named_schedules(text: str) -> NamedSchedules:
    """Read the document. What is broken in it spoils only what refers to that; never raises."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        return NamedSchedules(unreadable=f"it is no JSON: {error}")
    if not isinstance(document, dict):
        return NamedSchedules(unreadable=f"it is no JSON object, as in {_DOCUMENT}")
    faults: dict[tuple[str, ...], str] = {
        (key,): f"{quoted(key)} is neither {SCHEDULES} nor {CALENDARS}, as in {_DOCUMENT}"
        for key in document
        if key not in (SCHEDULES, CALENDARS)
    }
    known = NamedSchedules(faults=faults)
    calendars = _section(document, CALENDARS, _read_calendar, known, faults)
    known = NamedSchedules(calendars=calendars, faults=faults)
    schedules = _section(document, SCHEDULES, _read_schedule, known, faults)
    return NamedSchedules(schedules, calendars, faults)


def _section(
    document: Mapping[str, object],
    section: str,
    read: Callable[[str, object, NamedSchedules], Entry],
    known: NamedSchedules,
    faults: dict[tuple[str, ...], str],
) -> Mapping[str, Entry]:
    """Read the entries of a section; what is wrong is added to the faults."""
    entries = document.get(section, {})
    if not isinstance(entries, dict):
        faults[(section,)] = f"its {section} are no JSON object of names, as in {_DOCUMENT}"
        return {}
    found = {}
    for name, entry in entries.items():
        try:
            found[name] = read(name, entry, known)
        except ScheduleError as error:
            faults[section, name] = str(error)
    return found


def _part(text: str, part: str, named: NamedSchedules) -> Term | Reference:
    if not part.startswith("@"):
        return parse_term(part)
    name = _name(text, part)
    if named.is_unread:
        return Reference(name, Schedule(()))
    if name not in named.schedules:
        raise _missing(text, SCHEDULES, name, f'"{EXAMPLE}"', named)
    return Reference(name, named.schedules[name])


def _calendar(text: str, written: str, named: NamedSchedules) -> Calendar:
    example = f"{EXAMPLE} - @holidays"
    if " + " in written:
        what = "is no calendar: windows come first, and calendars behind them"
        raise refusal(text, written, what, example)
    if not written.startswith("@"):
        raise refusal(text, written, "is no calendar: after a minus write its name", example)
    name = _name(text, written)
    if named.is_unread:
        return Calendar(name, frozenset())
    if name not in named.calendars:
        raise _missing(text, CALENDARS, name, '["2026-12-25"]', named)
    return Calendar(name, named.calendars[name])


def _name(text: str, written: str) -> str:
    name = written.removeprefix("@")
    if not is_name(name):
        what = "is no name: write an @, and then up to 64 letters, digits and _ . -"
        raise refusal(text, written, what, "@office")
    return name


def _missing(
    text: str, section: str, name: str, example: str, named: NamedSchedules
) -> ScheduleError:
    """Say why a name is not known."""
    if named.unreadable is not None:
        return ScheduleError(
            f"{quoted(text)}: @{name} is not known, since the SSM parameter can't be read: "
            f"{named.unreadable}"
        )
    for path in ((section, name), (section,)):
        if path in named.faults:
            return ScheduleError(
                f"{quoted(text)}: @{name} is broken in the SSM parameter: {named.faults[path]}"
            )
    # Perhaps it is where nobody looks for it.
    astray = "".join(f"; {fault}" for path, fault in named.faults.items() if len(path) == 1)
    return ScheduleError(
        f"{quoted(text)}: there is no {section.removesuffix('s')} named {name!r} in the SSM "
        f'parameter: write it there, as in {{"{section}": {{"{name}": {example}}}}}{astray}'
    )


def _read_schedule(name: str, entry: object, known: NamedSchedules) -> Schedule:
    _check_name(name)
    if not isinstance(entry, str):
        raise ScheduleError(f'{quoted(entry)} is no schedule: write one as in "{EXAMPLE}"')
    if other := next((part for part in entry.split(" + ") if part.startswith("@")), None):
        what = "has a name, and no schedule with a name can refer to another: write its windows"
        raise refusal(entry, other, what)
    return parse_schedule(entry, known)


def _read_calendar(name: str, entry: object, _: NamedSchedules) -> frozenset[date]:
    _check_name(name)
    if not isinstance(entry, list):
        raise ScheduleError(f'{quoted(entry)} is no list of days, as in ["2026-12-25"]')
    return frozenset[date]().union(*(_read_days(written) for written in entry))


def _check_name(name: str) -> None:
    if not is_name(name):
        raise ScheduleError(
            f"{quoted(name)} is no name: write up to 64 letters, digits and _ . -, as in office"
        )


def _read_days(written: object) -> frozenset[date]:
    example = 'write "2026-12-25", or "2026-12-28/2027-01-03" for several'
    days = _DAYS.fullmatch(written) if isinstance(written, str) else None
    if days is None:
        raise ScheduleError(f"{quoted(written)} is no day: {example}")
    try:
        first = date.fromisoformat(days["first"])
        last = date.fromisoformat(days["last"] or days["first"])
    except ValueError as error:
        raise ScheduleError(f"{quoted(written)} is no day, {error}: {example}") from None
    if not timedelta(0) <= last - first <= _LONGEST:
        raise ScheduleError(
            f"{quoted(written)} ends before it begins, or more than {_LONGEST.days} days later: "
            f"{example}"
        )
    return frozenset(first + timedelta(days=day) for day in range((last - first).days + 1))
