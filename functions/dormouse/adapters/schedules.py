"""The named schedules and calendars, from one parameter of Systems Manager."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from dormouse.adapters.calls import aws_call, error_code
from dormouse.domain.named_schedules import NO_NAMES, NamedSchedules, parse_named_schedules
from dormouse.errors import AwsError

STANDS_FOR = timedelta(hours=1)
"""How long what was read last stands while the parameter can't be read."""


@dataclass(frozen=True, slots=True)
class SsmSchedules:
    """Implements Schedules. `client` is boto3's of Systems Manager."""

    client: Any
    parameter_name: str
    clock: Callable[[], datetime]
    _last: dict[str, tuple[datetime, NamedSchedules]] = field(default_factory=dict)

    def read(self) -> NamedSchedules:
        """Read the parameter; none is there where it is not; never raises.

        What can't be read for a moment is as it was read last, for an hour at most.
        """
        now = self.clock()
        try:
            with aws_call("GetParameter"):
                named = self._read()
        except AwsError as error:
            read_at, last = self._last.get(self.parameter_name, (None, NO_NAMES))
            if read_at is not None and now < read_at + STANDS_FOR:
                return last
            return NamedSchedules(unreadable=str(error))
        self._last[self.parameter_name] = (now, named)
        return named

    def _read(self) -> NamedSchedules:
        try:
            answer = self.client.get_parameter(Name=self.parameter_name)
        except ClientError as error:
            if error_code(error) == "ParameterNotFound":
                return NO_NAMES
            raise
        return parse_named_schedules(answer["Parameter"]["Value"])
