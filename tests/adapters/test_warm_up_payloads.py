"""What a model is warmed up with: its own object, everybody's, or an empty one."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from dormouse.adapters.warm_up_payloads import S3WarmUpPayloads
from dormouse.errors import AwsError
from tests.fakes.answers import refusal, will_answer

USUAL = (b"{}", "application/json")


@pytest.fixture
def payloads() -> Iterator[S3WarmUpPayloads]:
    """The bucket of the models, empty."""
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="models")
        yield S3WarmUpPayloads(client, "models", "warm-up/")


def leave(
    payloads: S3WarmUpPayloads, name: str, body: bytes, content_type: str = "text/csv"
) -> None:
    """Leave one, as the owner of the models does."""
    payloads.client.put_object(
        Bucket="models", Key=f"warm-up/{name}", Body=body, ContentType=content_type
    )


def test_without_one_it_is_empty(payloads: S3WarmUpPayloads) -> None:
    """In JSON."""
    assert payloads.payload("a.tar.gz") == USUAL


def test_a_model_s_own_comes_before_everybody_s(payloads: S3WarmUpPayloads) -> None:
    """With its type."""
    leave(payloads, "default", b"1,2", "text/csv")
    leave(payloads, "team/a.tar.gz", b"\x93NUMPY", "application/x-npy")

    assert payloads.payload("team/a.tar.gz") == (b"\x93NUMPY", "application/x-npy")
    assert payloads.payload("b.tar.gz") == (b"1,2", "text/csv")
    assert payloads.payload("") == (b"1,2", "text/csv")


def test_a_new_one_is_used_the_next_time(payloads: S3WarmUpPayloads) -> None:
    """Nothing is kept."""
    leave(payloads, "a", b"old")
    assert payloads.payload("a") == (b"old", "text/csv")

    leave(payloads, "a", b"new")
    assert payloads.payload("a") == (b"new", "text/csv")


def test_one_without_a_type_is_taken_for_json(payloads: S3WarmUpPayloads) -> None:
    """S3 calls it binary/octet-stream, which few models understand."""
    payloads.client.put_object(Bucket="models", Key="warm-up/a", Body=b"[1]")

    assert payloads.payload("a") == (b"[1]", "application/json")


def test_an_empty_one_is_one(payloads: S3WarmUpPayloads) -> None:
    """Its owner wants it so."""
    leave(payloads, "a", b"")

    assert payloads.payload("a") == (b"", "text/csv")


def test_one_that_the_runtime_would_not_take_is_none(payloads: S3WarmUpPayloads) -> None:
    """It may be a model, if the prefix is that of the models."""
    leave(payloads, "a", b"x" * 6_291_457)
    leave(payloads, "b", b"x" * 6_291_456)

    assert payloads.payload("a") == USUAL
    assert len(payloads.payload("b")[0]) == 6_291_456


def test_a_name_that_is_too_long_for_s3_has_none(payloads: S3WarmUpPayloads) -> None:
    """A model's name may have 1024 characters, without the prefix."""
    leave(payloads, "default", b"1")

    assert payloads.payload("x" * 1024) == (b"1", "text/csv")


def test_one_that_may_not_be_read_is_none(payloads: S3WarmUpPayloads) -> None:
    """S3 says the same of what is not there to whoever may not list the bucket."""
    will_answer(payloads.client, "s3.GetObject", refusal("AccessDenied"), refusal("AccessDenied"))

    assert payloads.payload("a") == USUAL


def test_a_failure_of_s3_is_an_error_that_names_the_call(payloads: S3WarmUpPayloads) -> None:
    """The model would be invoked with the wrong body; it may be tried again."""
    will_answer(payloads.client, "s3.GetObject", refusal("SlowDown"))

    with pytest.raises(AwsError, match="GetObject refused: SlowDown"):
        payloads.payload("a")
