"""Signatures: the same as botocore's for the same request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from dormouse.adapters.signing import Keys, Signer

HOST = "runtime.sagemaker.eu-central-1.amazonaws.com"

texts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40)
values = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40) | texts
names = st.from_regex(r"x-amzn-sagemaker-[a-z]{1,8}", fullmatch=True) | st.sampled_from(
    ["content-type", "accept", "if-none-match", "x-amz-target"]
)
# As quoted as what is sent: no segment is empty, or dots.
segments = st.text(min_size=1, max_size=12).filter(lambda text: set(text) != {"."})
paths = st.lists(segments, max_size=4).map(
    lambda parts: "/" + "/".join(quote(part.encode("utf-8", "replace"), safe="~") for part in parts)
)
moments = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the time zone
    datetime(2099, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)


@dataclass(frozen=True, slots=True)
class Request:
    """What is signed."""

    method: str = "POST"
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


requests = st.builds(
    Request,
    st.sampled_from(["POST", "PUT"]),
    paths,
    st.dictionaries(names, values, max_size=5),
    st.binary(max_size=200),
)


def ours(signer: Signer, request: Request, now: datetime) -> dict[str, str]:
    """The signed headers."""
    headers = {"host": HOST, **request.headers}
    return signer.sign(request.method, request.path, headers, request.body, now)


def botocores(service: str, asked: Request, now: datetime, keys: Keys) -> dict[str, str]:
    """What botocore makes of them."""
    request = AWSRequest(
        asked.method, f"https://{HOST}{asked.path}", headers=dict(asked.headers), data=asked.body
    )
    auth = S3SigV4Auth if service == "s3" else SigV4Auth
    signer = auth(
        Credentials(keys.access_key, keys.secret_key, keys.token), service, "eu-central-1"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda: now)
        signer.add_auth(request)
    return {"host": HOST, **{name.lower(): value for name, value in request.headers.items()}}


@given(
    st.sampled_from(["sagemaker", "dynamodb", "firehose", "s3"]),
    requests,
    moments,
    st.builds(Keys, st.just("AKIDEXAMPLE"), texts.filter(bool), st.none() | texts.filter(bool)),
)
def test_a_request_is_signed_as_botocore_signs_it(
    service: str, request: Request, now: datetime, keys: Keys
) -> None:
    """Whatever stands in it."""
    signer = Signer(lambda: keys, service, "eu-central-1")
    assert ours(signer, request, now) == botocores(service, request, now, keys)


def test_the_key_of_a_day_is_that_day_s() -> None:
    """And that of the keys that are asked for it: both change while a container lives."""
    keys = Keys("A", "first")
    signer = Signer(lambda: keys, "dynamodb", "eu-central-1")
    for day in (14, 14, 15):
        now = datetime(2026, 2, day, 23, 59, tzinfo=UTC)
        assert ours(signer, Request(), now) == botocores("dynamodb", Request(), now, keys)

    keys = Keys("B", "second", "token")
    signed = ours(signer, Request(), now)
    assert signed["authorization"].startswith("AWS4-HMAC-SHA256 Credential=B/20260215/")
    assert signed == botocores("dynamodb", Request(), now, keys)


def test_keys_are_not_shown() -> None:
    """In a log, say."""
    shown = repr(Signer(lambda: Keys("AKID", "very secret"), "s3", "x")) + repr(
        Keys("AKID", "very secret", "a token")
    )
    assert "very secret" not in shown
    assert "a token" not in shown
