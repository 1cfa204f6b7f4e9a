"""Who may invoke an endpoint: what its owner lists, and the caller as Lambda names him."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.principals import (
    Caller,
    Kind,
    Principal,
    is_permitted,
    parse_principals,
)

A, B = "123456789012", "210987654321"
ROLE = f"arn:aws:iam::{A}:role/search-api"


def session(role: str = "search-api", account: str = A, name: str = "i-0123") -> Caller:
    """One who acts by a role."""
    return Caller(f"arn:aws:sts::{account}:assumed-role/{role}/{name}", account)


def user(path_and_name: str = "jo", account: str = A) -> Caller:
    """One who acts as a user."""
    return Caller(f"arn:aws:iam::{account}:user/{path_and_name}", account)


def root(account: str = A) -> Caller:
    """The account's root user."""
    return Caller(f"arn:aws:iam::{account}:root", account)


def federated(account: str = A) -> Caller:
    """One who acts by GetFederationToken."""
    return Caller(f"arn:aws:sts::{account}:federated-user/jo", account)


@pytest.mark.parametrize(
    ("text", "principal"),
    [
        (A, Principal(A, Kind.ACCOUNT, A)),
        (f"arn:aws:iam::{A}:root", Principal(f"arn:aws:iam::{A}:root", Kind.ACCOUNT, A)),
        (ROLE, Principal(ROLE, Kind.ROLE, A, "search-api")),
        (
            f"arn:aws:iam::{A}:role/teams/search/api",
            Principal(f"arn:aws:iam::{A}:role/teams/search/api", Kind.ROLE, A, "api"),
        ),
        (
            f"arn:aws:iam::{A}:user/jo@example.com",
            Principal(f"arn:aws:iam::{A}:user/jo@example.com", Kind.USER, A, "jo@example.com"),
        ),
        (
            f"arn:aws-us-gov:iam::{A}:role/r",
            Principal(f"arn:aws-us-gov:iam::{A}:role/r", Kind.ROLE, A, "r"),
        ),
    ],
)
def test_each_form_of_a_principal(text: str, principal: Principal) -> None:
    """An account, a role or a user, in any partition."""
    assert parse_principals(text) == (principal,)


def test_a_list_keeps_its_order() -> None:
    """As its owner wrote it, whatever the space between."""
    texts = [p.text for p in parse_principals(f"  {ROLE}\t{B}\n{A} ")]

    assert texts == [ROLE, B, A]


@pytest.mark.parametrize("text", ["", " ", "\t\n"])
def test_a_list_of_nobody_is_refused(text: str) -> None:
    """It would look like the default, which is the whole account."""
    with pytest.raises(ValueError, match="names nobody"):
        parse_principals(text)


@pytest.mark.parametrize(
    "bad",
    [
        "*",
        "admin",
        "12345678901",
        "1234567890123",
        "١٢٣٤٥٦٧٨٩٠١٢",
        f"arn:aws:iam::{A}:root/x",
        f"arn:aws:iam::{A}:role/",
        f"arn:aws:iam::{A}:role/a*",
        f"arn:aws:iam::{A}:role/*",
        f"arn:aws:iam::{A}:group/g",
        "arn:aws:iam::*:role/r",
        "arn:aws:iam:::role/r",
        f"arn:aws:iam:us-east-1:{A}:role/r",
        f"arn:aws:sts::{A}:federated-user/jo",
        f"arn:aws:sagemaker:us-east-1:{A}:endpoint/reviews",
        f"arn:aws:iam::{A}:role/{'r' * 65}",
        f"{A},{B}",
    ],
)
def test_what_is_no_principal_is_quoted(bad: str) -> None:
    """One bad one spoils the list: a misspelt role must not leave only the others in."""
    with pytest.raises(ValueError, match=r"is not the ARN of an IAM role or user") as refusal:
        parse_principals(f"{ROLE} {bad}")
    assert repr(bad) in str(refusal.value)


def test_the_session_of_a_role_is_refused_with_the_role() -> None:
    """It is what a caller sees of himself, and so what people copy."""
    with pytest.raises(ValueError, match="is the session of a role: name the role") as refusal:
        parse_principals(session("search-api").arn)
    assert str(refusal.value).endswith(ROLE)


@pytest.mark.parametrize(
    ("listed", "caller", "expected"),
    [
        (ROLE, session(), True),
        (ROLE, session(name="jo@example.com"), True),
        (f"arn:aws:iam::{A}:role/teams/search/search-api", session(), True),
        (
            f"arn:aws:iam::{A}:role/aws-reserved/sso.amazonaws.com/eu-central-1/"
            "AWSReservedSSO_Admin_0123456789abcdef",
            session("AWSReservedSSO_Admin_0123456789abcdef", name="jo@example.com"),
            True,
        ),
        (ROLE, session("search-api-2"), False),
        (ROLE, session("search-ap"), False),
        (ROLE, session("Search-Api"), False),
        (ROLE, session(account=B), False),
        (ROLE, user("search-api"), False),
        (ROLE, root(), False),
        (f"arn:aws:iam::{A}:user/jo", user("jo"), True),
        (f"arn:aws:iam::{A}:user/staff/jo", user("staff/jo"), True),
        (f"arn:aws:iam::{A}:user/jo", user("staff/jo"), True),  # a name is unique in its account
        (f"arn:aws:iam::{A}:user/jo", user("jo", B), False),
        (f"arn:aws:iam::{A}:user/jo", session("jo"), False),
        (f"arn:aws:iam::{A}:user/jo", federated(), False),
        (f"arn:aws:iam::{A}:user/jo", Caller(f"arn:aws:iam::{A}:role/jo", A), False),
        (A, session(), True),
        (A, user(), True),
        (A, root(), True),
        (A, federated(), True),
        (A, session(account=B), False),
        (f"arn:aws:iam::{A}:root", session(), True),
        (f"arn:aws:iam::{A}:root", root(B), False),
        (f"{B} {ROLE}", session(), True),
        (f"{B} {ROLE}", session("another"), False),
        (f"{B} {ROLE}", session("anything", account=B), True),
        (f"{A} {ROLE}", Caller("", ""), False),
        (ROLE, Caller("", A), False),
        (A, Caller("", A), True),
        (ROLE, Caller(ROLE, A), False),  # a role itself calls nothing: its sessions do
        (ROLE, Caller(f"arn:aws:sts::{A}:assumed-role/search-api", A), False),
        (ROLE, Caller(f"arn:aws:sts::{A}:assumed-role/search-api/a/b", A), False),
    ],
)
def test_who_is_permitted(listed: str, caller: Caller, expected: bool) -> None:
    """A role's session is compared by account and role, whatever its path and its session."""
    assert is_permitted(caller, parse_principals(listed)) is expected


def test_nobody_is_permitted_by_an_empty_list() -> None:
    """What an absent tag means is said elsewhere."""
    assert not is_permitted(session(), ())


ACCOUNTS = st.from_regex(r"[0-9]{12}", fullmatch=True).filter(str.isascii)
NAMES = st.from_regex(re.compile(r"[\w+=,.@-]{1,64}", re.ASCII), fullmatch=True)
PATHS = st.lists(st.from_regex(r"[a-z0-9-]{1,9}", fullmatch=True), max_size=3).map(
    lambda parts: "".join(f"{part}/" for part in parts)
)
ARNS = st.builds(
    lambda partition, account, kind, path, name: (
        f"arn:{partition}:iam::{account}:{kind}/{path}{name}"
    ),
    st.sampled_from(["aws", "aws-cn", "aws-us-gov"]),
    ACCOUNTS,
    st.sampled_from(["role", "user"]),
    PATHS,
    NAMES,
)
LISTED = st.lists(
    ARNS | ACCOUNTS | ACCOUNTS.map(lambda account: f"arn:aws:iam::{account}:root"), min_size=1
)


@given(LISTED)
def test_what_was_listed_reads_back(texts: list[str]) -> None:
    """The ledger keeps the texts, and the proxy reads them."""
    principals = parse_principals(" ".join(texts))

    assert [principal.text for principal in principals] == texts
    assert parse_principals(" ".join(p.text for p in principals)) == principals


@given(st.text() | st.text(alphabet="arn:aws:iam::0123456789role/user/root*- ", max_size=60))
def test_any_text_is_read_or_refused_by_value_error(text: str) -> None:
    """No other exception escapes; and what is read names an account of 12 digits."""
    try:
        principals = parse_principals(text)
    except ValueError:
        return
    assert principals
    for principal in principals:
        assert re.fullmatch(r"[0-9]{12}", principal.account, re.ASCII)
        assert (principal.name == "") is (principal.kind is Kind.ACCOUNT)
        assert principal.account in principal.text


@given(
    LISTED,
    ACCOUNTS,
    st.sampled_from(
        [
            "arn:aws:sts::{account}:assumed-role/{name}/s",
            "arn:aws:iam::{account}:user/{name}",
            "arn:aws:iam::{account}:root",
            "arn:aws:sts::{account}:federated-user/{name}",
            "",
        ]
    ),
    st.data(),
)
def test_nobody_of_another_account_is_ever_permitted(
    texts: list[str], account: str, form: str, data: st.DataObject
) -> None:
    """Whatever he is called."""
    principals = [p for p in parse_principals(" ".join(texts)) if p.account != account]
    names = st.sampled_from([p.name for p in principals if p.name] or ["x"]) | NAMES
    caller = Caller(form.format(account=account, name=data.draw(names)), account)

    assert not is_permitted(caller, principals)


@given(ARNS, NAMES)
def test_the_session_of_each_listed_role_and_each_listed_user_is_permitted(
    arn: str, session_name: str
) -> None:
    """Whatever its path and its partition."""
    (principal,) = parse_principals(arn)
    caller = user(principal.name, principal.account)
    if principal.kind is Kind.ROLE:
        caller = session(principal.name, principal.account, session_name)

    assert is_permitted(caller, (principal,))
    assert not is_permitted(Caller(f"{caller.arn}x/", caller.account), (principal,))
