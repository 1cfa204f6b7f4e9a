"""A bus and topics that keep what they were told."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from dormouse.domain.notice import Notice
from dormouse.errors import AwsError


@dataclass
class FakeBus:
    """A NoticeBus. While `refusal` is set, nothing is taken."""

    told: list[Notice] = field(default_factory=list)
    refusal: str | None = None

    def put(self, notices: Sequence[Notice]) -> None:
        """Keep them."""
        if self.refusal is not None:
            raise AwsError(self.refusal)
        self.told += notices


@dataclass
class FakeTopics:
    """NoticeTopics. While `refusal` is set, nothing is taken; a topic in `closed` never takes
    anything, for the reason that stands there.
    """

    told: list[tuple[str, Notice]] = field(default_factory=list)
    refusal: str | None = None
    closed: dict[str, str] = field(default_factory=dict)

    def publish(self, topic_arn: str, notice: Notice) -> str | None:
        """Keep it."""
        if self.refusal is not None:
            raise AwsError(self.refusal)
        if topic_arn in self.closed:
            return self.closed[topic_arn]
        self.told.append((topic_arn, notice))
        return None
