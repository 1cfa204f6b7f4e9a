"""What an endpoint has cost this month, as an estimate, and what it may cost: its budget.

Months are those of the calendar in UTC, as on AWS's bill. Hours are those that the endpoint exists
and is paid for; dollars are those hours at the price of its instances. What else AWS bills (data,
storage) or leaves out (discounts, savings plans, the free tier) is not known here.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from string import ascii_letters

# More hours than the longest month has could never be reached.
LARGEST_HOURS = Decimal(31 * 24)
LARGEST_USD = Decimal(1_000_000)

WARNING_SHARE = 0.8
"""An owner is warned when so much of the budget is spent."""

_NUMBER = re.compile(r"[0-9]{1,7}(\.[0-9]{1,2})?", re.ASCII)
_EXAMPLES = "write hours as in 120h, or dollars as in 80.50USD"

_MICROSECOND = timedelta(microseconds=1)
_MICROSECONDS_AN_HOUR = Decimal(3_600_000_000)
# Estimates are kept to the millionth of a dollar.
_SMALLEST_USD = Decimal("0.000001")
_CENT = Decimal("0.01")
_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Budget:
    """What an endpoint may cost in a month: hours that it is paid for, or dollars; never both."""

    hours: Decimal | None = None
    usd: Decimal | None = None

    def __str__(self) -> str:
        """Write it so that `parse_budget` reads it back."""
        return f"{_plain(self.hours)}h" if self.hours is not None else f"{_plain(self.usd)}USD"


@dataclass(frozen=True, slots=True)
class Rate:
    """What an endpoint that was made from an EndpointConfig costs in an hour, as an estimate.

    None where that is not known. The words say of what, and where the price comes from; or why it
    is not known.
    """

    config_name: str
    usd_per_hour: Decimal | None
    words: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What an endpoint has cost in a month, such as "2026-11", as an estimate.

    `up` is how long it was paid for. `usd` leaves out the part of that which has no known price,
    which is `unpriced`. `warned` says that its owner has been warned in that month.
    """

    month: str
    up: timedelta = timedelta(0)
    usd: Decimal = Decimal(0)
    warned: bool = False
    unpriced: timedelta = timedelta(0)


def parse_budget(text: str) -> Budget:
    """Read hours a month, as in `120h`, or dollars a month, as in `80.50USD`.

    Raises:
        ValueError: the text has another form or lies outside the bounds; the message names the bad
            part and shows an example.
    """
    number = text.rstrip(ascii_letters)
    unit = text[len(number) :]
    if unit not in ("h", "USD"):
        what = f"{unit!r} in {text!r} is neither h nor USD" if unit else f"{text!r} has no unit"
        raise ValueError(f"{what}: {_EXAMPLES}")
    if _NUMBER.fullmatch(number) is None:
        raise ValueError(
            f"{number!r} in {text!r} is no number with two decimals at the most: {_EXAMPLES}"
        )
    largest = LARGEST_HOURS if unit == "h" else LARGEST_USD
    amount = Decimal(number)
    if not 0 < amount <= largest:
        raise ValueError(
            f"{number!r} in {text!r} is out of range: more than 0 and at most {largest}{unit} a "
            f"month is allowed; {_EXAMPLES}"
        )
    return Budget(hours=amount) if unit == "h" else Budget(usd=amount)


def spent_by(
    spent: Spent | None, up_since: datetime | None, rate: Rate | None, now: datetime
) -> Spent:
    """Say what the month of `now` has cost until now.

    `spent` is what former lives have cost; that of a former month does not count. `up_since` is
    since when the present life is paid for, None where there is none; what of it lies in former
    months does not count either. It is valued at `rate`.
    """
    month = _month_of(now)
    if spent is None or spent.month < month:
        spent = Spent(month)
    # A clock that is behind does not bring a past month back.
    if spent.month > month or up_since is None:
        return spent
    portion = now - max(up_since, _month_begin(now))
    if portion <= timedelta(0):
        return spent
    spent = replace(spent, up=spent.up + portion)
    if rate is None or rate.usd_per_hour is None:
        return replace(spent, unpriced=spent.unpriced + portion)
    usd = spent.usd + rate.usd_per_hour * _hours(portion)
    return replace(spent, usd=usd.quantize(_SMALLEST_USD))


def settled(
    spent: Spent | None, up_since: datetime | None, until: datetime, rate: Rate | None
) -> Spent:
    """Say what is to be kept of a life that has ended then: the total of that month, with it."""
    return spent_by(spent, up_since, rate, until)


def share(spent: Spent, budget: Budget) -> float | None:
    """Say which share of the budget is spent, 1.0 for all of it.

    What has no known price is left out of dollars, so it may be more; None where nothing has one.
    """
    if budget.hours is not None:
        return spent.up / _duration(budget.hours)
    if budget.usd is None or (not spent.usd and spent.unpriced):
        return None
    return float(spent.usd / budget.usd)


def is_spent(spent: Spent, budget: Budget) -> bool:
    """Whether all of the budget is spent, as far as that is known."""
    part = share(spent, budget)
    return part is not None and part >= 1


def is_warning_due(spent: Spent, budget: Budget) -> bool:
    """Whether so much is spent that the owner is to be warned, who has not been this month."""
    part = share(spent, budget)
    return not spent.warned and part is not None and part >= WARNING_SHARE


def runs_out_at(
    budget: Budget, spent: Spent, rate: Rate | None, now: datetime, *, is_up: bool
) -> datetime | None:
    """Say when the budget will be spent if the endpoint stays as it is: now, where it is already.

    None where it will not be in this month, or that can't be known, since there is no price.
    """
    if is_spent(spent, budget):
        return now
    if not is_up:
        return None
    ends_at = month_end(now)
    if budget.hours is not None:
        at = now + (_duration(budget.hours) - spent.up)
        return at if at < ends_at else None
    if budget.usd is None or rate is None or not rate.usd_per_hour:
        return None
    hours_left = (budget.usd - spent.usd) / rate.usd_per_hour
    if hours_left >= _hours(ends_at - now):
        return None
    left = (hours_left * _MICROSECONDS_AN_HOUR).to_integral_value(ROUND_CEILING)
    return now + timedelta(microseconds=int(left))


def month_end(now: datetime) -> datetime:
    """Return when the month of this moment ends, and the next begins, in UTC."""
    begin = _month_begin(now)
    if begin.month == 12:
        return begin.replace(year=begin.year + 1, month=1)
    return begin.replace(month=begin.month + 1)


def words_of(budget: Budget) -> str:
    """Write a budget for people: `120h`, or `80.50 USD, estimated`."""
    if budget.usd is not None:
        return f"{_money(budget.usd)} USD, estimated"
    return str(budget)


def words_of_spent(spent: Spent, budget: Budget | None = None, rate: Rate | None = None) -> str:
    """Write for people what a month has cost, such as `estimated $12.40 of $50.00 in 2026-11 (1 x
    ml.m5.xlarge at $0.23 an hour, list price of 2026-11-20)`.

    An estimate is called one. A budget of hours comes with the hours first.
    """
    hours = f"{_tenths(spent.up)}h"
    usd = f"estimated ${_money(spent.usd)}"
    if budget is None:
        told = f"{hours} in {spent.month}, {usd}"
    elif budget.usd is not None:
        told = f"{usd} of ${_money(budget.usd)} in {spent.month}"
    else:
        told = f"{hours} of {budget} in {spent.month}, {usd}"
    if spent.unpriced:
        told += f", without {_tenths(spent.unpriced)}h that have no known price"
        if budget is not None and budget.usd is not None:
            told += ", so that the budget can't be judged in full"
    return told if rate is None else f"{told} ({rate.words})"


def dollars(amount: Decimal) -> str:
    """Write an amount with all its decimals, and two at least, such as `$0.7364` or `$1.00`."""
    digits = _plain(amount)
    whole, _, decimals = digits.partition(".")
    return f"${whole}.{decimals:0<2}"


def _month_begin(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _month_of(moment: datetime) -> str:
    begin = _month_begin(moment)
    return f"{begin.year:04d}-{begin.month:02d}"


def _hours(duration: timedelta) -> Decimal:
    return Decimal(duration // _MICROSECOND) / _MICROSECONDS_AN_HOUR


def _tenths(duration: timedelta) -> Decimal:
    return _hours(duration).quantize(_TENTH)


def _duration(hours: Decimal) -> timedelta:
    return timedelta(microseconds=int(hours * _MICROSECONDS_AN_HOUR))


def _money(usd: Decimal) -> str:
    return str(usd.quantize(_CENT))


def _plain(number: Decimal | None) -> str:
    """Write a number without an exponent and without zeros at its end."""
    digits = f"{number or 0:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
