"""The models' bucket: what lies there, leave to upload, and what is retired."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
import requests
from botocore.config import Config
from moto import mock_aws

from dormouse.adapters.model_store import S3ModelStore
from dormouse.domain.stored_model import Stock
from dormouse.errors import AwsError, MissingModelError
from tests.fakes.answers import refusal, will_answer

NOW = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MODEL = "team/sentiment-2.tar.gz"


@pytest.fixture
def store() -> Iterator[S3ModelStore]:
    """The bucket, empty."""
    with mock_aws():
        client = boto3.client("s3", config=Config(signature_version="s3v4"))
        client.create_bucket(Bucket="models")
        yield S3ModelStore(client, "models", "live/")


def put(store: S3ModelStore, *keys: str) -> None:
    """Put objects there, each with its key in it."""
    for key in keys:
        store.client.put_object(Bucket="models", Key=key, Body=key.encode())


def names(stock: Stock) -> list[str]:
    """Name what is listed."""
    return [model.name for model in stock.models]


def test_models_are_listed_with_sizes_and_times(store: S3ModelStore) -> None:
    """By their names without the prefix; what lies elsewhere, and folders, are none."""
    put(store, "live/b.tar.gz", f"live/{MODEL}", "live/", "live/team/", "retired/a.tar.gz", "liver")

    stock = store.stock(9)

    assert (names(stock), stock.is_complete) == (["b.tar.gz", MODEL], True)
    (model, _) = stock.models
    assert model.size_bytes == len("live/b.tar.gz")
    assert abs(model.uploaded_at - datetime.now(UTC)) < HOUR


def test_so_many_are_listed_and_no_more(store: S3ModelStore) -> None:
    """S3 hands them over a thousand at a time."""
    assert store.stock(9) == Stock([], is_complete=True)
    put(store, *(f"live/{number:04}.tar.gz" for number in range(1002)))
    whole, cut = store.stock(1002), store.stock(1001)
    assert (len(whole.models), whole.is_complete) == (1002, True)
    assert (len(cut.models), cut.is_complete) == (1001, False)


def test_an_upload_is_signed_for_a_new_name_alone(store: S3ModelStore) -> None:
    """Whoever has the URL can't leave out the condition: it is signed."""
    upload = store.upload(MODEL, NOW, HOUR)

    query = parse_qs(urlsplit(upload.url).query)
    assert query["X-Amz-SignedHeaders"] == ["host;if-none-match"]
    assert query["X-Amz-Expires"] == ["3600"]
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert (upload.method, upload.expires_at) == ("PUT", NOW + HOUR)
    answers = [
        requests.put(upload.url, b"archive", headers=upload.headers, timeout=9) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 412]
    assert store.has(MODEL)
    assert store.client.get_object(Bucket="models", Key=f"live/{MODEL}")["Body"].read() == (
        b"archive"
    )


def test_what_is_too_long_for_a_key_is_not_there(store: S3ModelStore) -> None:
    """S3 would call the question wrong, and an alias may be asked to stand for anything."""
    will_answer(store.client, "s3.HeadObject", refusal("400"))
    assert not store.has("m" * 1020)
    with pytest.raises(AwsError, match="HeadObject"):
        store.has("m" * 1019)


def test_what_is_retired_lies_elsewhere(store: S3ModelStore) -> None:
    """As it was."""
    put(store, f"live/{MODEL}", "live/b.tar.gz")
    assert not store.has_retired(MODEL)

    assert store.retire(MODEL) == f"retired/{MODEL}"

    assert (store.has(MODEL), store.has_retired(MODEL)) == (False, True)
    retired = store.client.get_object(Bucket="models", Key=f"retired/{MODEL}")
    assert retired["Body"].read() == f"live/{MODEL}".encode()
    assert names(store.stock(9)) == ["b.tar.gz"]
    with pytest.raises(MissingModelError, match=f"there is no model {MODEL}"):
        store.retire(MODEL)


def test_what_cant_be_copied_is_not_deleted(store: S3ModelStore) -> None:
    """It is still there for who tries again."""
    put(store, f"live/{MODEL}")
    will_answer(store.client, "s3.CopyObject", refusal("SlowDown"))
    with pytest.raises(AwsError, match="CopyObject"):
        store.retire(MODEL)
    assert store.has(MODEL)
    assert store.retire(MODEL) == f"retired/{MODEL}"


@pytest.mark.parametrize(
    ("operation", "act"),
    [
        ("s3.ListObjectsV2", lambda store: store.stock(9)),
        ("s3.HeadObject", lambda store: store.has(MODEL)),
        ("s3.HeadObject", lambda store: store.has_retired(MODEL)),
        ("s3.DeleteObject", lambda store: store.retire(MODEL)),
    ],
)
def test_what_s3_refuses_is_told(
    store: S3ModelStore, operation: str, act: Callable[[S3ModelStore], object]
) -> None:
    """Nothing is taken for absent, or done."""
    put(store, f"live/{MODEL}")
    will_answer(store.client, operation, refusal("AccessDenied"))
    with pytest.raises(AwsError, match=operation.removeprefix("s3.")):
        act(store)
