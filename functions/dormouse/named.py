"""The schedules that tags refer to by name, read only where one does."""

from collections.abc import Sequence

from dormouse.domain.claims import TaggedConfig
from dormouse.domain.named_schedules import NO_NAMES, NamedSchedules
from dormouse.domain.spec import BLACKOUT_TAG, SCHEDULE_TAG
from dormouse.ports import Schedules


def named_in(configs: Sequence[TaggedConfig], schedules: Schedules) -> NamedSchedules:
    """Read the named schedules, if a tag of these configs refers to one."""
    tags = (SCHEDULE_TAG, BLACKOUT_TAG)
    is_asked = any("@" in config.tags.get(tag, "") for config in configs for tag in tags)
    return schedules.read() if is_asked else NO_NAMES
