"""The models of an endpoint: where each lies, whether it is loaded, and how it is used."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dormouse.domain.ledger import Ledger
from dormouse.domain.stored_model import StoredModel
from dormouse.domain.usage import Tally, Usage

DEFAULT_HOURS = 24
MOST_HOURS = 672
_MOST_UNUSED_DAYS = 3650
_NUMBER = re.compile(r"[0-9]{1,4}", re.ASCII)


class ViewError(ValueError):
    """What is to be listed is not said as it has to be; the message names the bad part."""


@dataclass(frozen=True, slots=True)
class View:
    """What is listed: the use of so many hours; of all models, or of those that nobody has used for
    so many days.
    """

    hours: int = DEFAULT_HOURS
    unused_days: int | None = None


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model, as far as anything is known of it.

    `stored` is None where it does not lie in the deployment's bucket. It is loaded as far as seen
    if it has answered, or was invoked by the warm-up, since its endpoint serves: SageMaker unloads
    the least recently used ones without a word.
    """

    name: str
    stored: StoredModel | None
    is_loaded: bool
    last_used_at: datetime | None
    aliases: Sequence[str]
    tally: Tally

    def unused_days(self, now: datetime) -> int | None:
        """Say for how many whole days nobody has used it, since its upload if nobody ever has;
        None where neither is known.
        """
        since = self.last_used_at or (None if self.stored is None else self.stored.uploaded_at)
        return None if since is None else max((now - since).days, 0)


def read_view(query: Mapping[str, str]) -> View:
    """Read what is to be listed from the query of a URL.

    Raises:
        ViewError: a member is unknown or has a bad value; the message names it.
    """
    unknown = sorted(key for key in query if key not in ("hours", "unused_days"))
    if unknown:
        raise ViewError(f"{unknown[0]!r:.100} is not known here: hours and unused_days are")
    hours, unused_days = DEFAULT_HOURS, None
    if "hours" in query:
        hours = _number(query, "hours", 1, MOST_HOURS)
    if "unused_days" in query:
        unused_days = _number(query, "unused_days", 0, _MOST_UNUSED_DAYS)
    return View(hours, unused_days)


def list_models(
    stored: Iterable[StoredModel],
    usage: Usage,
    last_uses: Mapping[str, datetime],
    ledger: Ledger,
) -> Sequence[ListedModel]:
    """List every model that is stored, was used, or has an alias, in order of names."""
    by_name = {model.name: model for model in stored}
    aliases: dict[str, list[str]] = {}
    for alias, model in sorted(ledger.aliases.items()):
        aliases.setdefault(model, []).append(alias)
    return [
        ListedModel(
            name=name,
            stored=by_name.get(name),
            is_loaded=_is_loaded(name, last_uses.get(name), ledger),
            last_used_at=last_uses.get(name),
            aliases=aliases.get(name, ()),
            tally=usage.models.get(name, Tally()),
        )
        for name in sorted({*by_name, *usage.models, *last_uses, *aliases})
    ]


def unused_among(models: Iterable[ListedModel], days: int, now: datetime) -> list[ListedModel]:
    """Choose those that nobody has used for so many days."""
    chosen = []
    for model in models:
        unused = model.unused_days(now)
        if unused is not None and unused >= days:
            chosen.append(model)
    return chosen


def begins_at(view: View, now: datetime) -> datetime:
    """Say when the time begins of which the use is told: with a minute."""
    return (now - timedelta(hours=view.hours)).replace(second=0, microsecond=0)


def _is_loaded(name: str, last_used_at: datetime | None, ledger: Ledger) -> bool:
    if ledger.serving_since is None:
        return False
    if last_used_at is not None and last_used_at >= ledger.serving_since:
        return True
    return ledger.warm_up is not None and name in ledger.warm_up.invoked


def _number(query: Mapping[str, str], name: str, least: int, most: int) -> int:
    text = query[name]
    if _NUMBER.fullmatch(text) is None or not least <= int(text) <= most:
        raise ViewError(f"{name} must be a whole number from {least} to {most}, not {text!r:.100}")
    return int(text)
