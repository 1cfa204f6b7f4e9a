"""Schedules and calendars that have names, for what does not fit into a tag.

{"schedules": {"office": "Mon-Fri 08:00-18:00 Europe/Berlin - @holidays"},
 "calendars": {"holidays": ["2026-12-25", "2026-12-28/2027-01-03"]}}
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from dormouse.domain.schedule import (
    EXAMPLE,
    Calendar,
    Reference,
    Schedule,
    ScheduleError,
    Term,
    is_name,
    parse_term,
)

_SECTIONS = ("schedules", "calendars")
_LONGEST_SPAN = timedelta(days=366)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NamedSchedules:
    """What has a name. `faults` says of each broken entry what is wrong with it, and `unreadable`
    of all of them. With `is_unread` every name is taken, and its windows are none.
    """

    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    calendars: Mapping[str, frozenset[date]] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
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
    without = tuple(_calendar(text, written, named) for written in calendars)
    return Schedule(tuple(_part(text, part, named) for part in windows.split(" + ")), without)


def parse_named_schedules(text: str) -> NamedSchedules:
    """Read the document. What is broken in it spoils only what refers to that; never raises."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        return NamedSchedules(unreadable=f"it is no JSON: {error}")
    if not isinstance(document, dict):
        return NamedSchedules(unreadable="it is no JSON object")
    faults = {name: f"{name!r} is neither schedules nor calendars" for name in document}
    sections: dict[str, Mapping[str, object]] = {}
    for section in _SECTIONS:
        entries = document.get(section, {})
        if not isinstance(entries, dict):
            return NamedSchedules(unreadable=f"its {section} are no JSON object of names")
        sections[section] = entries
        faults.pop(section, None)
    calendars: dict[str, frozenset[date]] = {}
    for name, entry in sections["calendars"].items():
        try:
            calendars[name] = _read_calendar(name, entry)
        except ScheduleError as error:
            faults[name] = str(error)
    known = NamedSchedules(calendars=calendars, faults=dict(faults))
    schedules: dict[str, Schedule] = {}
    for name, entry in sections["schedules"].items():
        try:
            schedules[name] = _read_schedule(name, entry, known)
        except ScheduleError as error:
            faults[name] = str(error)
    return NamedSchedules(schedules, calendars, faults)


def _part(text: str, part: str, named: NamedSchedules) -> Term | Reference:
    if not part.startswith("@"):
        return parse_term(part)
    name = _name(text, part)
    if named.is_unread:
        return Reference(name, Schedule(()))
    _refuse_fault(text, name, named)
    if name not in named.schedules:
        raise ScheduleError(
            f"{text!r}: there is no schedule named {name!r} in the SSM parameter: write it there, "
            f'as in {{"schedules": {{"{name}": "{EXAMPLE}"}}}}'
        )
    return Reference(name, named.schedules[name])


def _calendar(text: str, written: str, named: NamedSchedules) -> Calendar:
    if not written.startswith("@"):
        raise ScheduleError(
            f"{text!r}: {written!r} is no calendar: after a minus write its name, as in "
            f"{EXAMPLE} - @holidays"
        )
    name = _name(text, written)
    if named.is_unread:
        return Calendar(name, frozenset())
    _refuse_fault(text, name, named)
    if name not in named.calendars:
        raise ScheduleError(
            f"{text!r}: there is no calendar named {name!r} in the SSM parameter: write it there, "
            f'as in {{"calendars": {{"{name}": ["2026-12-25"]}}}}'
        )
    return Calendar(name, named.calendars[name])


def _name(text: str, written: str) -> str:
    name = written.removeprefix("@")
    if not is_name(name):
        raise ScheduleError(
            f"{text!r}: {written!r} is no name: an @, and then letters, digits and _ . -, as in "
            "@office"
        )
    return name


def _refuse_fault(text: str, name: str, named: NamedSchedules) -> None:
    if named.unreadable is not None:
        raise ScheduleError(f"{text!r}: the SSM parameter can't be read: {named.unreadable}")
    if name in named.faults:
        raise ScheduleError(f"{text!r}: in the SSM parameter, {name!r}: {named.faults[name]}")


def _read_schedule(name: str, entry: object, known: NamedSchedules) -> Schedule:
    if not is_name(name):
        raise ScheduleError("a name has letters, digits and _ . - alone, as in office")
    if not isinstance(entry, str):
        raise ScheduleError(f"{entry!r:.80} is no schedule: write one as in {EXAMPLE!r}")
    windows = entry.split(" - ")[0]
    references = [part for part in windows.split(" + ") if part.startswith("@")]
    if references:
        raise ScheduleError(
            f"{entry!r:.200}: {references[0]!r} is a named schedule, to which another can't refer"
        )
    return parse_schedule(entry, known)


def _read_calendar(name: str, entry: object) -> frozenset[date]:
    if not is_name(name):
        raise ScheduleError("a name has letters, digits and _ . - alone, as in holidays")
    if not isinstance(entry, list):
        raise ScheduleError(f'{entry!r:.80} is no list of days, as in ["2026-12-25"]')
    return frozenset[date]().union(*(_read_days(written) for written in entry))


def _read_days(written: object) -> frozenset[date]:
    example = 'write "2026-12-25", or "2026-12-28/2027-01-03" for several'
    # What is no text is no day, whatever it reads as.
    first, slash, last = (written if isinstance(written, str) else "").partition("/")
    try:
        begin = date.fromisoformat(first)
        end = date.fromisoformat(last) if slash else begin
    except ValueError:
        raise ScheduleError(f"{written!r:.80} is no day: {example}") from None
    if not begin <= end <= begin + _LONGEST_SPAN:
        raise ScheduleError(f"{written!r}: it ends before it begins, or a year later: {example}")
    return frozenset(begin + _DAY * offset for offset in range((end - begin).days + 1))
