"""Where AWS's services are: as botocore has it, by the environment."""

import ssl
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config

from dormouse.bootstrap import addresses
from dormouse.bootstrap.addresses import Address, address_of, http_to, keys_of
from dormouse.bootstrap.clients import fast_client, late_client, runtime

SERVICES = ("dynamodb", "firehose", "s3", "sagemaker-runtime")


@pytest.fixture(autouse=True)
def nothing_is_kept() -> None:
    """Of what another test has found in its environment."""
    for each in (addresses._trust, addresses._keys, addresses._session):
        each.cache_clear()


def regions() -> list[str]:
    """All regions that botocore knows."""
    session = boto3.Session()
    return sorted(
        {
            region
            for partition in session.get_available_partitions()
            for region in session.get_available_regions("dynamodb", partition)
        }
    )


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_where_botocore_says(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In each region; of some we say nothing, and botocore is asked."""
    # boto3's own default for S3 there is an address that any region answers at, and is slower.
    monkeypatch.setenv("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", "regional")
    known = 0
    for region in regions():
        ours = address_of(service, {"AWS_DEFAULT_REGION": region})
        if ours is None:
            continue
        known += 1
        # DynamoDB may have one for an account, which is as good as the region's.
        config = Config(account_id_endpoint_mode="disabled")
        theirs: Any = boto3.Session(region_name=region)
        meta = theirs.client(service, config=config).meta
        assert ours == Address(meta.endpoint_url, region, is_own=True)
    assert known > 25


@pytest.mark.parametrize(
    ("env", "url"),
    [
        ({"AWS_ENDPOINT_URL": "http://a"}, "http://a"),
        ({"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_S3": "http://b/c"}, "http://b/c"),
        ({"AWS_ENDPOINT_URL_DYNAMODB": "http://b"}, "https://s3.eu-west-1.amazonaws.com"),
        (
            {"AWS_ENDPOINT_URL": "http://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "https://s3.eu-west-1.amazonaws.com",
        ),
    ],
)
def test_it_may_be_told_where_a_service_is(env: dict[str, str], url: str) -> None:
    """By the variables that every SDK has; botocore reads them the same way."""
    address = address_of("s3", {"AWS_REGION": "eu-west-1", **env})
    assert address is not None
    assert address.url == url


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"AWS_REGION": "us-gov-west-1"},
        {"AWS_REGION": "us-iso-east-1"},
        {"AWS_REGION": "eusc-de-east-1"},
        {"AWS_REGION": "eu-west-1", "AWS_PROFILE": "p"},
        {"AWS_REGION": "eu-west-1", "AWS_USE_FIPS_ENDPOINT": "true"},
    ],
)
def test_where_the_environment_is_not_enough_botocore_is_asked(env: dict[str, str]) -> None:
    """It knows the rules."""
    assert address_of("dynamodb", env) is None


def test_botocore_s_answer_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another partition, say."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-gov-west-1")
    http = http_to("sagemaker-runtime", connect_timeout=1, read_timeout=1)
    assert http.connections.url == "https://runtime.sagemaker.us-gov-west-1.amazonaws.com"
    assert (http.signer.service, http.signer.region) == ("sagemaker", "us-gov-west-1")


def test_a_user_without_a_home_has_no_profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """As which a container may run."""

    def unknown(_user: int) -> None:
        raise KeyError

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    http = http_to("dynamodb", connect_timeout=1, read_timeout=1)

    assert http.connections.host == "dynamodb.eu-central-1.amazonaws.com"


def test_keys_are_those_of_the_environment() -> None:
    """All of them, or none."""
    env = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    found = keys_of({**env, "AWS_SESSION_TOKEN": "c"})
    assert found is not None
    assert (found.access_key, found.secret_key, found.token) == ("a", "b", "c")
    assert keys_of(env) is not None
    assert keys_of({"AWS_ACCESS_KEY_ID": "a"}) is None


def test_where_there_are_none_botocore_s_chain_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As on a machine with profiles; each time, since they may expire."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    credentials = tmp_path_factory.mktemp("aws") / "credentials"
    credentials.write_text("[default]\naws_access_key_id = x\naws_secret_access_key = y\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    keys = http_to("dynamodb", connect_timeout=1, read_timeout=1).signer.keys()
    assert (keys.access_key, keys.secret_key, keys.token) == ("x", "y", None)


def test_a_function_without_credentials_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it starts."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(RuntimeError, match="credentials"):
        http_to("dynamodb", connect_timeout=1, read_timeout=1)


@pytest.mark.parametrize(
    ("url", "bucket", "address", "root"),
    [
        (None, "b-1", "https://b-1.s3.us-east-1.amazonaws.com", ""),
        (None, "b.1", "https://s3.us-east-1.amazonaws.com", "/b.1"),
        ("http://127.0.0.1:4566", "b-1", "http://127.0.0.1:4566", "/b-1"),
        ("http://[::1]:4566/aws/", "b-1", "http://[::1]:4566", "/aws/b-1"),
    ],
)
def test_a_bucket_has_an_address_of_its_own(
    url: str | None, bucket: str, address: str, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where certificates and stand-ins can have one."""
    if url is not None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    http = http_to("s3", connect_timeout=1, read_timeout=1, bucket=bucket)
    assert (http.connections.url, http.root) == (address, root)


def test_a_client_has_the_patience_that_it_is_given() -> None:
    """DynamoDB's is as boto3's clients have it here."""
    usual = fast_client("dynamodb")
    connections = usual.http.connections
    assert (connections.connect_timeout, connections.read_timeout) == (2, 3)
    assert usual.tries.total == 2

    hasty = fast_client("firehose", connect_timeout=0.3, read_timeout=0.6, attempts=1)
    connections = hasty.http.connections
    assert (connections.connect_timeout, connections.read_timeout) == (0.3, 0.6)
    assert hasty.tries.total == 1

    bucket = fast_client("s3", connect_timeout=0.3, attempts=1).http_to("b")
    assert bucket.connections.connect_timeout == 0.3


def test_a_late_client_is_made_once_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """And once."""
    made: list[str] = []

    def make(service: str, region: str | None) -> str:
        assert region == "eu-central-1"
        made.append(service)
        return "a client"

    monkeypatch.setattr("dormouse.bootstrap.clients.client", make)
    late = late_client("sqs", "eu-central-1")
    assert not made
    assert late.upper() == "A CLIENT"
    assert late.title() == "A Client"
    assert made == ["sqs"]


def test_tls_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom botocore trusts is trusted, and nobody else; a bundle of one's own takes its place."""
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    trust = runtime(timedelta(seconds=70)).http.connections.trust
    assert trust is not None
    assert trust.context.check_hostname
    assert trust.context.verify_mode is ssl.CERT_REQUIRED
    assert trust.bundle.parent.name == "botocore"

    addresses._trust.cache_clear()
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere/bundle.pem")
    with pytest.raises(FileNotFoundError):
        runtime(timedelta(seconds=70))
