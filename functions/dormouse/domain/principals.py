"""Who may invoke an endpoint: IAM principals as its owner lists them, and the caller of a request.

A caller who acts by a role is seen as the role's session, `arn:aws:sts::…:assumed-role/name/…`, an
ARN without the role's path. A role's name is unique in its account whatever the path, and so is a
user's; so both are compared by account and name.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a principal is."""

    ACCOUNT = "account"
    ROLE = "role"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Principal:
    """A whole account, or one role or user of it; `name` is empty for an account."""

    text: str
    kind: Kind
    account: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed a request, as Lambda names him: an ARN and the account's id of 12 digits."""

    arn: str
    account: str


_PARTITION = r"arn:aws[a-z-]*"
_NAME = r"[\w+=,.@-]{1,64}"
_ACCOUNT_ID = re.compile(r"[0-9]{12}", re.ASCII)
_WHOLE_ACCOUNT = re.compile(rf"{_PARTITION}:iam::(?P<account>[0-9]{{12}}):root", re.ASCII)
_ROLE_OR_USER = re.compile(
    rf"{_PARTITION}:iam::(?P<account>[0-9]{{12}}):(?P<kind>role|user)/(?:[!-~]+/)?(?P<name>{_NAME})",
    re.ASCII,
)
_ROLE_SESSION = re.compile(
    rf"{_PARTITION}:sts::(?P<account>[0-9]{{12}}):assumed-role/(?P<name>{_NAME})/[^/]+", re.ASCII
)


def parse_principals(text: str) -> tuple[Principal, ...]:
    """Read a list of principals, separated by spaces (a tag's value can hold no comma).

    Each is the ARN of a role or user, `arn:aws:iam::123456789012:root`, or an account's id, which
    means the same.

    Raises:
        ValueError: one has another form; the message quotes it. Or there is none.
    """
    principals = tuple(_parse(word) for word in text.split())
    if not principals:
        raise ValueError(
            "it names nobody: list ARNs of roles or users, or ids of accounts, as in 123456789012"
        )
    return principals


def _parse(word: str) -> Principal:
    if _ACCOUNT_ID.fullmatch(word):
        return Principal(word, Kind.ACCOUNT, word)
    if whole := _WHOLE_ACCOUNT.fullmatch(word):
        return Principal(word, Kind.ACCOUNT, whole["account"])
    if one := _ROLE_OR_USER.fullmatch(word):
        return Principal(word, Kind(one["kind"]), one["account"], one["name"])
    if session := _ROLE_SESSION.fullmatch(word):
        role = f"arn:aws:iam::{session['account']}:role/{session['name']}"
        raise ValueError(f"{word!r} is the session of a role: name the role, {role}")
    raise ValueError(
        f"{word!r} is not the ARN of an IAM role or user, nor an account's id of 12 digits, "
        "as in arn:aws:iam::123456789012:role/my-role"
    )


def name_of(caller: Caller) -> str:
    """Name who sent a request, whichever of his sessions he did it in: his ARN without the name of
    the session, or his account where Lambda tells no ARN; empty for nobody.
    """
    if _ROLE_SESSION.fullmatch(caller.arn):
        return caller.arn.rpartition("/")[0]
    return caller.arn or caller.account


def is_permitted(caller: Caller, principals: Sequence[Principal]) -> bool:
    """Whether one of the principals is the caller or the account that he belongs to."""
    return any(_is(caller, principal) for principal in principals)


def _is(caller: Caller, principal: Principal) -> bool:
    if principal.kind is Kind.ACCOUNT:
        return caller.account == principal.account
    match = (_ROLE_SESSION if principal.kind is Kind.ROLE else _ROLE_OR_USER).fullmatch(caller.arn)
    if match is None:
        return False
    if principal.kind is Kind.USER and match["kind"] != Kind.USER:
        return False
    return (match["account"], match["name"]) == (principal.account, principal.name)
