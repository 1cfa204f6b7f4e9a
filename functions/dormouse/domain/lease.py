"""The lease: until when a container may have a request under way at an endpoint.

A container sends only while its lease covers the whole call, and the reconciler deletes only when
the latest lease has passed. So no request is cut off, as long as the clocks differ by less than the
margin.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """How long a lease lasts, and what it has to cover.

    `renewal_interval` is how often one is written at most. `read_timeout` is the longest that a
    call to SageMaker's runtime is waited for. `margin` is for clocks that differ, and for what
    happens between looking at a lease and sending.
    """

    renewal_interval: timedelta
    read_timeout: timedelta
    margin: timedelta

    def until(self, now: datetime) -> datetime:
        """Say until when a lease lasts that is written now."""
        return now + self.renewal_interval + self.read_timeout + self.margin

    def covers(self, lease_until: datetime, now: datetime) -> bool:
        """Whether a call that begins now ends within the lease, however long it takes."""
        return now + self.read_timeout + self.margin <= lease_until
