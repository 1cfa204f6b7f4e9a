"""What is captured is known without a look for each request, and never guessed."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from dormouse.capture_terms import CaptureTerms
from dormouse.domain.capture_policy import CapturePolicy
from dormouse.domain.ledger import Ledger
from dormouse.domain.terms import Terms
from dormouse.errors import AwsError
from tests.fakes.clock import FakeClock
from tests.fakes.ledger import FakeLedgers

INTERVAL = timedelta(seconds=30)
SOME = CapturePolicy(percent=Decimal(5))


class Ledgers(FakeLedgers):
    """The ledgers, which perhaps can't be read."""

    reads = 0
    is_down = False

    def read(self, endpoint: str) -> Ledger:
        """Read it, or fail."""
        self.reads += 1
        if self.is_down:
            raise AwsError("GetItem refused")
        return super().read(endpoint)


@pytest.fixture
def ledgers() -> Ledgers:
    """An endpoint that has a policy."""
    state = Ledgers()
    state.record_terms("reviews", Terms(capture=SOME))
    state.reads = 0
    return state


def test_it_is_read_once_in_an_interval(ledgers: Ledgers) -> None:
    """A change is followed after that."""
    clock = FakeClock()
    terms = CaptureTerms(ledgers, clock, INTERVAL)
    assert [terms.of("reviews"), terms.of("reviews")] == [SOME, SOME]
    assert ledgers.reads == 1

    ledgers.record_terms("reviews", Terms())
    clock.advance(seconds=30)
    assert terms.of("reviews") == CapturePolicy()


def test_while_it_cannot_be_read_it_stays_as_it_was(ledgers: Ledgers) -> None:
    """What was never read is not known."""
    clock = FakeClock()
    terms = CaptureTerms(ledgers, clock, INTERVAL)
    began: datetime = clock()
    assert terms.of("reviews") == SOME
    ledgers.is_down = True
    clock.now = began + 2 * INTERVAL

    assert terms.of("reviews") == SOME
    assert terms.of("another") is None


def test_an_endpoint_without_terms_has_no_policy(ledgers: Ledgers) -> None:
    """Whoever owns it may not want any of it to be kept."""
    assert CaptureTerms(ledgers, FakeClock(), INTERVAL).of("another") is None
