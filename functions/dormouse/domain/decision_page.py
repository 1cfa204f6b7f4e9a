"""A page of the decisions about an endpoint, newest first."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dormouse.domain.instant import read_instant
from dormouse.domain.ledger import PastDecision

DEFAULT_LIMIT = 20
MOST = 100
_NUMBER = re.compile(r"[0-9]{1,3}", re.ASCII)
_EXAMPLE = "2026-11-24T08:00:00Z"


class PageError(ValueError):
    """What is to be listed is not said as it has to be; the message names the bad part."""


@dataclass(frozen=True, slots=True)
class Page:
    """So many decisions, the newest taken before a moment; from the newest, where that is None."""

    limit: int = DEFAULT_LIMIT
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """The decisions of a page. `before` is where the next one begins; None where there is none."""

    decisions: Sequence[PastDecision]
    before: datetime | None


def read_page(query: Mapping[str, str]) -> Page:
    """Read which decisions are wanted from the query of a URL.

    Raises:
        PageError: a member is unknown or has a bad value; the message names it.
    """
    unknown = sorted(key for key in query if key not in ("before", "limit"))
    if unknown:
        raise PageError(f"{unknown[0]!r:.100} is not known here: before and limit are")
    limit, before = DEFAULT_LIMIT, None
    if "limit" in query:
        text = query["limit"]
        if _NUMBER.fullmatch(text) is None or not 1 <= int(text) <= MOST:
            raise PageError(f"limit must be a whole number from 1 to {MOST}, not {text!r:.100}")
        limit = int(text)
    if "before" in query:
        before = read_instant(query["before"])
        if before is None:
            raise PageError(
                f"before must be a time with its zone, such as {_EXAMPLE}, "
                f"not {query['before']!r:.100}"
            )
    return Page(limit, before)


def page_of(found: Sequence[PastDecision], page: Page) -> Decided:
    """Cut what was found, of which there may be one more than the page holds."""
    decisions = found[: page.limit]
    return Decided(decisions, decisions[-1].at if len(found) > page.limit else None)
