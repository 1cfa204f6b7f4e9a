"""The headers of InvokeEndpointAsync: read, or refused with the header's name."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.async_invocation import (
    AsyncInvocation,
    AsyncInvocationError,
    read_async_invocation,
    target_model,
)

P = "x-amzn-sagemaker-"
MODEL = {f"{P}target-model": "m.tar.gz"}


def test_what_is_asked_for_is_read_and_the_rest_is_sent() -> None:
    """Content type and Accept become those of InvokeEndpoint; what says where stays behind."""
    asked = read_async_invocation(
        {
            f"{P}content-type": "text/csv",
            f"{P}accept": "application/json",
            f"{P}custom-attributes": "trace=7; TargetModel=m.tar.gz",
            f"{P}inference-id": "id 1",
            f"{P}inputlocation": "s3://inputs/a/b.csv",
            f"{P}s3outputpathextension": "/daily/",
            f"{P}filename": "b.json",
            f"{P}requestttlseconds": "60",
            f"{P}invocationtimeoutseconds": "3600",
            "content-type": "application/octet-stream",
            "x-amz-date": "20261122T094212Z",
        },
        has_body=False,
    )

    assert asked == AsyncInvocation(
        headers={
            "content-type": "text/csv",
            "accept": "application/json",
            f"{P}custom-attributes": "trace=7; TargetModel=m.tar.gz",
            f"{P}inference-id": "id 1",
            f"{P}target-model": "m.tar.gz",
        },
        inference_id="id 1",
        input_location="s3://inputs/a/b.csv",
        path_extension="daily",
        filename="b.json",
        time_to_live=timedelta(minutes=1),
    )


def test_a_body_has_its_own_content_type() -> None:
    """Unless the protocol's header says another."""
    headers = {**MODEL, "content-type": "application/json"}

    assert read_async_invocation(headers, has_body=True).headers["content-type"] == (
        "application/json"
    )


@pytest.mark.parametrize("has_body", [True, False])
def test_the_input_comes_from_one_place(has_body: bool) -> None:
    """Not from both, nor from none."""
    headers = {**MODEL, **({f"{P}inputlocation": "s3://b/k"} if has_body else {})}

    with pytest.raises(AsyncInvocationError, match="X-Amzn-SageMaker-InputLocation"):
        read_async_invocation(headers, has_body=has_body)


@pytest.mark.parametrize(
    ("attributes", "model"),
    [
        ("TargetModel=m.tar.gz", "m.tar.gz"),
        ("trace=7f3a; TargetModel = m.tar.gz ;x=1", "m.tar.gz"),
        ("trace=7f3a,TargetModel=a/b=c.tar.gz,x", "a/b=c.tar.gz"),
        ("TargetModel=m,TargetModel=m", "m"),
        ("TargetModel=a model", "a model"),
    ],
)
def test_the_model_is_one_of_the_custom_attributes(attributes: str, model: str) -> None:
    """Separated by semicolons or commas."""
    assert target_model({f"{P}custom-attributes": attributes}) == model


def test_the_header_wins() -> None:
    """It can name what an attribute can't."""
    headers = {f"{P}target-model": "a;b", f"{P}custom-attributes": "TargetModel=m"}

    assert target_model(headers) == "a;b"


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ("", "which model is meant"),
        ("targetmodel=m", "which model is meant"),
        ("TargetModel", "which model is meant"),
        ("TargetModel=", "TargetModel=''"),
        ("TargetModel=a,TargetModel=b", "more than one"),
        ("TargetModel=\x01", "no model's name"),
    ],
)
def test_no_model_or_two_are_refused(attributes: str, says: str) -> None:
    """A multi-model endpoint has no usual one."""
    with pytest.raises(AsyncInvocationError, match="X-Amzn-SageMaker-Custom-Attributes") as refusal:
        target_model({f"{P}custom-attributes": attributes})
    assert says in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Amzn-SageMaker-InputLocation", "https://bucket.s3.amazonaws.com/key"),
        ("X-Amzn-SageMaker-InputLocation", "s3://bucket"),
        ("X-Amzn-SageMaker-InputLocation", "s3://b/" + "k" * 1024),
        ("X-Amzn-SageMaker-Inference-Id", "x" * 65),
        ("X-Amzn-SageMaker-Inference-Id", ""),
        ("X-Amzn-SageMaker-Target-Model", " m"),
        ("X-Amzn-SageMaker-S3OutputPathExtension", "s3:x"),
        ("X-Amzn-SageMaker-S3OutputPathExtension", "a/../b"),
        ("X-Amzn-SageMaker-S3OutputPathExtension", "/"),
        ("X-Amzn-SageMaker-Filename", "a.b.c"),
        ("X-Amzn-SageMaker-Filename", "../a"),
        ("X-Amzn-SageMaker-Filename", "x" * 33),
        ("X-Amzn-SageMaker-RequestTTLSeconds", "59"),
        ("X-Amzn-SageMaker-RequestTTLSeconds", "21601"),
        ("X-Amzn-SageMaker-RequestTTLSeconds", "an hour"),
        ("X-Amzn-SageMaker-InvocationTimeoutSeconds", "0"),
        ("X-Amzn-SageMaker-InvocationTimeoutSeconds", "3601"),
    ],
)
def test_a_bad_header_is_named(name: str, value: str) -> None:
    """With what it says."""
    headers = {**MODEL, name.lower(): value}

    with pytest.raises(AsyncInvocationError, match=name):
        read_async_invocation(headers, has_body="InputLocation" not in name)


NAMES = st.sampled_from(
    [
        f"{P}{name}"
        for name in (
            "custom-attributes",
            "target-model",
            "inference-id",
            "inputlocation",
            "s3outputpathextension",
            "filename",
            "requestttlseconds",
            "invocationtimeoutseconds",
            "content-type",
        )
    ]
)
VALUES = st.text() | st.sampled_from(["TargetModel=m", "s3://b/k", "60", "a/b", "f.json"])


@given(st.dictionaries(NAMES, VALUES), st.booleans())
def test_any_headers_are_read_or_refused(headers: dict[str, str], has_body: bool) -> None:
    """No other exception escapes, and what is read names a model."""
    try:
        asked = read_async_invocation(headers, has_body=has_body)
    except AsyncInvocationError:
        return
    assert asked.headers[f"{P}target-model"]
    assert (asked.input_location is None) is has_body
    assert not {f"{P}inputlocation", f"{P}filename"} & set(asked.headers)


ATTRIBUTES = st.lists(
    st.tuples(
        st.text("abcXYZ019_- ", min_size=1).filter(lambda name: name.strip() != "TargetModel"),
        st.text("abcXYZ019=/. "),
    )
)


@given(
    ATTRIBUTES,
    ATTRIBUTES,
    st.text("abcXYZ019=/._-", min_size=1, max_size=100),
    st.sampled_from([";", ",", "; ", " , "]),
)
def test_the_model_is_found_among_any_attributes(
    before: list[tuple[str, str]], after: list[tuple[str, str]], model: str, separator: str
) -> None:
    """Wherever it stands."""
    attributes = separator.join(
        f"{name}={value}" for name, value in (*before, ("TargetModel", model), *after)
    )

    assert target_model({f"{P}custom-attributes": attributes}) == model
