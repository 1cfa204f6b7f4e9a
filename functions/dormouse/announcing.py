"""Telling notices: all of them to the event bus, and to a topic those whose spec names one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from dormouse.domain.notice import Notice
from dormouse.errors import AwsError
from dormouse.ports import Clock, NoticeBus, NoticeTopics


@dataclass(frozen=True, slots=True)
class Announcing:
    """Tells each notice at least once; told again, it is the same, its `id` included.

    The bus comes first, and what a topic can't be told for a reason that stays is left out: so what
    is repeated while one of them can't be reached is what programs can tell by its `id`, not mail.
    What could not be told within `patience` is left out too, since nobody is helped by hearing of
    it the next day.
    """

    bus: NoticeBus
    topics: NoticeTopics
    clock: Clock
    patience: timedelta

    def tell(self, notices: Sequence[Notice]) -> tuple[str, ...]:
        """Tell them, and return what will not be told to everybody, and why.

        Raises:
            AwsError: not all are told yet: tell all of them again later.
        """
        if not notices:
            return ()
        problems = []
        try:
            self.bus.put(notices)
        except AwsError as error:
            if not all(self._is_late(notice) for notice in notices):
                raise
            problems.append(_untold("on the bus", notices, error))
        for notice in notices:
            try:
                problem = (
                    None if notice.topic is None else self.topics.publish(notice.topic, notice)
                )
            except AwsError as error:
                if not self._is_late(notice):
                    raise
                problem = str(error)
            if problem is not None:
                problems.append(_untold("at its topic", [notice], problem))
        return tuple(problems)

    def _is_late(self, notice: Notice) -> bool:
        return self.clock() >= notice.at + self.patience


def _untold(where: str, notices: Sequence[Notice], why: object) -> str:
    kinds = " and ".join(notice.kind for notice in notices)
    return f"nobody {where} is told that {notices[0].endpoint} is {kinds}: {why}"
