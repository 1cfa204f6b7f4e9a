"""What an endpoint's owner is told of its life, as a document for programs and as words for people.

The document is described by docs/notice.schema.json. A member is never taken away or given another
meaning within one version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

VERSION = "1"

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
_LONGEST_SUBJECT = 100


class NoticeKind(StrEnum):
    """What has happened to an endpoint."""

    WAKING = "waking"
    """CreateEndpoint was called."""
    SERVING = "serving"
    """It answers requests, for the first time since it was woken."""
    ASLEEP = "asleep"
    """DeleteEndpoint was called: it answers no more, and is paid for no longer."""
    FAILED = "failed"
    """SageMaker could not start it, or did not take the call."""
    FALLEN_BACK = "fallen back"
    """It is started from another EndpointConfig than the first, which has failed."""
    RETURNED = "returned"
    """It serves on its first EndpointConfig again."""
    BUDGET_WARNING = "budget warning"
    """Most of the month's budget is spent."""
    BUDGET_SPENT = "budget spent"
    """It stays down until the month ends."""
    STUCK = "stuck"
    """SageMaker takes longer for a change than that ever takes."""
    CIRCUIT_OPEN = "circuit open"
    """It is wanted, but has failed too lately, or too often, to be started."""
    ROLLED_OUT = "rolled out"
    """It serves on the EndpointConfig that it was updated to."""
    ROLLOUT_FAILED = "rollout failed"
    """An update did not succeed: it serves on its former EndpointConfig."""
    REFUSED = "refused"
    """What its tags ask for can't be obeyed: it is left exactly as it is."""

    @property
    def detail_type(self) -> str:
        """What EventBridge's rules can match it by, such as `Dormouse Endpoint Fallen Back`."""
        return f"Dormouse Endpoint {self.value.title()}"


# With the longest name of an endpoint they make a subject that SNS takes.
_HEADLINES = {
    NoticeKind.WAKING: "is waking",
    NoticeKind.SERVING: "is serving",
    NoticeKind.ASLEEP: "is asleep",
    NoticeKind.FAILED: "has failed",
    NoticeKind.FALLEN_BACK: "has fallen back",
    NoticeKind.RETURNED: "is on its first config",
    NoticeKind.BUDGET_WARNING: "nears its budget",
    NoticeKind.BUDGET_SPENT: "has spent its budget",
    NoticeKind.STUCK: "is stuck",
    NoticeKind.CIRCUIT_OPEN: "is not started for now",
    NoticeKind.ROLLED_OUT: "runs on its new config",
    NoticeKind.ROLLOUT_FAILED: "keeps its former config",
    NoticeKind.REFUSED: "can't be managed so",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that has happened to an endpoint, and why.

    `reason` is the sentence that `status` shows. `by` is who asked for it, as the ARN of a
    principal, where somebody did. `config_name` is the EndpointConfig that it is about, `owner`
    whom the spec names. `until` is when it may change by itself. `detail` is what else is known,
    such as a FailureReason. `topic` is the SNS topic that is told beside EventBridge, by its ARN;
    no document shows it.
    """

    kind: NoticeKind
    endpoint: str
    at: datetime
    reason: str
    by: str | None = None
    config_name: str | None = None
    owner: str | None = None
    until: datetime | None = None
    detail: str | None = None
    topic: str | None = None


def document_of(notice: Notice) -> dict[str, str]:
    """Write what programs are told, without what is not known; always the same for one notice, its
    `id` included.
    """
    at = _moment(notice.at)
    return _without_none(
        version=VERSION,
        id=f"{notice.endpoint}/{at}/{notice.kind}",
        kind=notice.kind.value,
        endpoint=notice.endpoint,
        at=at,
        reason=notice.reason,
        by=notice.by,
        endpoint_config=notice.config_name,
        owner=notice.owner,
        until=None if notice.until is None else _moment(notice.until),
        detail=notice.detail,
    )


def write_notice(notice: Notice) -> dict[str, str]:
    """Write a notice that is still to be told: the document, and whom to tell beside EventBridge.

    Of its times what is below a millisecond is lost.
    """
    return {**document_of(notice), **_without_none(topic=notice.topic)}


def read_notice(written: Mapping[str, str]) -> Notice:
    """Read what `write_notice` wrote.

    Raises:
        ValueError: this version has not written it.
    """
    version, kind, until = written.get("version"), written.get("kind"), written.get("until")
    endpoint, at, reason = written.get("endpoint"), written.get("at"), written.get("reason")
    if version != VERSION or not (kind and endpoint and at and reason):
        raise ValueError(f"{written!r} is no notice of version {VERSION}")
    return Notice(
        NoticeKind(kind),
        endpoint,
        datetime.fromisoformat(at),
        reason,
        by=written.get("by"),
        config_name=written.get("endpoint_config"),
        owner=written.get("owner"),
        until=None if until is None else datetime.fromisoformat(until),
        detail=written.get("detail"),
        topic=written.get("topic"),
    )


def subject_of(notice: Notice) -> str:
    """Write the subject of an e-mail, in ASCII and no longer than SNS takes."""
    subject = f"Dormouse: {notice.endpoint} {_HEADLINES[notice.kind]}"
    # The endpoint that is refused may be named by what is no name.
    readable = "".join(c if c.isascii() and c.isprintable() else "?" for c in subject)
    return readable[:_LONGEST_SUBJECT]


def text_of(notice: Notice) -> str:
    """Write what a person reads in an e-mail."""
    told = {
        "Why": notice.reason,
        "Detail": notice.detail,
        "Asked for by": notice.by,
        "EndpointConfig": notice.config_name,
        "Until": None if notice.until is None else _clock(notice.until),
        "Owner": notice.owner,
    }
    lines = [f"{name}: {value}" for name, value in told.items() if value is not None]
    return "\n".join(
        (
            f"{notice.endpoint} {_HEADLINES[notice.kind]} ({_clock(notice.at)}).",
            "",
            *lines,
            "",
            f"How it stands now: dormouse status {notice.endpoint}",
            "",
        )
    )


def _without_none(**members: str | None) -> dict[str, str]:
    return {name: value for name, value in members.items() if value is not None}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _clock(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
