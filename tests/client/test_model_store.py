"""Models in S3: what is listed, and that none is overwritten by accident."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.model_store import ModelStore, require_model_name, require_target_model

# boto3 uploads in parts from here on.
MANY_PARTS = 9 * 1024 * 1024


@pytest.fixture
def s3() -> Iterator[Any]:
    """A client of moto's S3, with an empty bucket."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="models")
        yield client


@pytest.fixture
def store(s3: Any) -> ModelStore:
    """The store in it."""
    return ModelStore(s3, "models", "some/models/")


def put(store: ModelStore, path: Path, name: str = "m.tar.gz", *, replace: bool = False) -> int:
    passed: list[int] = []
    store.upload(path, name, replace=replace, advanced=passed.append)
    return sum(passed)


@pytest.mark.parametrize("size", [10, MANY_PARTS])
def test_an_upload_in_one_part_and_in_many(
    store: ModelStore, s3: Any, tmp_path: Path, size: int
) -> None:
    """Byte for byte, each of them heard of."""
    archive = tmp_path / "m.tar.gz"
    archive.write_bytes(os.urandom(size))
    assert put(store, archive) == size
    stored = s3.get_object(Bucket="models", Key="some/models/m.tar.gz")["Body"].read()
    assert stored == archive.read_bytes()


@pytest.mark.parametrize("size", [10, MANY_PARTS])
def test_nothing_is_overwritten_even_by_two_at_once(
    store: ModelStore, s3: Any, tmp_path: Path, size: int
) -> None:
    """Both have seen that the name is free; S3 takes the first."""
    archive = tmp_path / "m.tar.gz"
    archive.write_bytes(os.urandom(size))
    store.require_free("m.tar.gz")
    s3.put_object(Bucket="models", Key="some/models/m.tar.gz", Body=b"the other one's")
    with pytest.raises(CliError, match="give the new version a new name") as error:
        put(store, archive)
    assert error.value.exit_code == ExitCode.FAILED
    stored = s3.get_object(Bucket="models", Key="some/models/m.tar.gz")["Body"].read()
    assert stored == b"the other one's"
    assert not s3.list_multipart_uploads(Bucket="models").get("Uploads"), "no part is left"


@pytest.mark.parametrize("size", [10, MANY_PARTS])
def test_replacing_is_possible_and_not_catching(
    store: ModelStore, tmp_path: Path, size: int
) -> None:
    """The next upload is careful again."""
    archive = tmp_path / "m.tar.gz"
    archive.write_bytes(os.urandom(size))
    put(store, archive)
    put(store, archive, replace=True)
    with pytest.raises(CliError, match="already"):
        put(store, archive)


def test_a_name_that_is_taken_is_known_before(store: ModelStore, s3: Any) -> None:
    """So that nobody uploads for nothing."""
    s3.put_object(Bucket="models", Key="some/models/m.tar.gz", Body=b"")
    with pytest.raises(CliError, match=r"There is a model 'm\.tar\.gz' already"):
        store.require_free("m.tar.gz")
    store.require_free("other.tar.gz")


def test_a_retired_model_keeps_its_name(store: ModelStore, s3: Any) -> None:
    """Endpoints may have it loaded still."""
    s3.put_object(Bucket="models", Key="retired/m.tar.gz", Body=b"")
    with pytest.raises(CliError, match=r"There was a model 'm\.tar\.gz', which is retired"):
        store.require_free("m.tar.gz")


def test_a_bucket_that_is_gone_is_named(s3: Any, tmp_path: Path) -> None:
    """With what was to be there."""
    (tmp_path / "m.tar.gz").write_bytes(b"x")
    gone = ModelStore(s3, "gone", "models/")
    with pytest.raises(CliError, match=r"s3://gone/models/m\.tar\.gz failed: NoSuchBucket"):
        put(gone, tmp_path / "m.tar.gz")


@pytest.mark.parametrize("name", ["a.tar.gz", "a/b-1.2_x=.tar.gz", "0.tar.gz"])
def test_a_name(name: str) -> None:
    """As it is."""
    assert require_model_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "a", "a.zip", ".tar.gz", "/a.tar.gz", "../a.tar.gz", "a//b.tar.gz", "a b.tar.gz",
     "ä.tar.gz", "a.tar.gz\n", "a" * 800 + ".tar.gz"],
)  # fmt: skip
def test_what_is_no_name(name: str) -> None:
    """It is a wrong command line, not a failure."""
    with pytest.raises(CliError, match="no name for a model") as error:
        require_model_name(name)
    assert error.value.exit_code == ExitCode.USAGE


def test_an_alias_is_asked_but_not_uploaded() -> None:
    """It stands for a model, and is none."""
    assert require_target_model("sentiment@live") == "sentiment@live"
    assert require_target_model("a/b.tar.gz") == "a/b.tar.gz"
    for bad in ("@live", "a@", "a@b@c", "a/b@live", "a@ä", "a@" + "b" * 255, "a@b\n"):
        with pytest.raises(CliError, match="no name for a model"):
            require_target_model(bad)
    with pytest.raises(CliError, match="no name for a model"):
        require_model_name("sentiment@live")


@given(st.text())
def test_any_text_is_a_safe_name_or_is_refused(text: str) -> None:
    """In a path, in a URL and in a policy."""
    try:
        name = require_model_name(text + ".tar.gz")
    except CliError:
        return
    assert name.isascii()
    assert ".." not in name.split("/")
    assert not set(name) & set("*?$ \\")
