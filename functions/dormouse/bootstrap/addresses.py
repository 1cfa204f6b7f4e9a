"""Where AWS's services are, and with whose keys they are spoken to.

Lambda says both in the environment, and so does the local AWS. Where more than that has to be known
(profiles, other partitions, FIPS, keys that are fetched), botocore is asked, which takes a quarter
of a second.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore

from dormouse.adapters.kept_connections import KeptConnections
from dormouse.adapters.signed_http import SignedHttp
from dormouse.adapters.signing import Keys, Signer
from dormouse.adapters.trust import Trust

# What a service is called in addresses.
_HOSTS = {
    "dynamodb": "dynamodb",
    "firehose": "firehose",
    "s3": "s3",
    "sagemaker-runtime": "runtime.sagemaker",
}
_SIGNING_NAMES = {"sagemaker-runtime": "sagemaker"}

# The partitions in which every service's address has the same form.
_PARTITIONS = {
    re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx)-(?!gov-|iso)[a-z]+-[0-9]+"): "amazonaws.com",
    re.compile(r"cn-[a-z]+-[0-9]+"): "amazonaws.com.cn",
}

# Each has its part in where a service is, by rules that are botocore's to know.
_ASIDE = (
    "AWS_CONFIG_FILE",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service is; `is_own` says that it is AWS's address, not one that was configured."""

    url: str
    region: str
    is_own: bool


def address_of(service: str, env: Mapping[str, str]) -> Address | None:
    """Say where a service is, by the environment alone; None where that does not tell."""
    region = env.get("AWS_DEFAULT_REGION") or env.get("AWS_REGION")
    if not region or any(env.get(name) for name in _ASIDE):
        return None
    if env.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        own_variable = f"AWS_ENDPOINT_URL_{service.replace('-', '_').upper()}"
        url = env.get(own_variable) or env.get("AWS_ENDPOINT_URL")
        if url:
            return Address(url, region, is_own=False)
    for pattern, suffix in _PARTITIONS.items():
        if pattern.fullmatch(region):
            return Address(f"https://{_HOSTS[service]}.{region}.{suffix}", region, is_own=True)
    return None


def keys_of(env: Mapping[str, str]) -> Keys | None:
    """Read the keys that Lambda gives a function for its whole life; None where there are none."""
    access_key, secret_key = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
    if not access_key or not secret_key:
        return None
    return Keys(access_key, secret_key, env.get("AWS_SESSION_TOKEN") or None)


def http_to(
    service: str, *, connect_timeout: float, read_timeout: float, bucket: str | None = None
) -> SignedHttp:
    """Make what speaks to a service; to one bucket, where that is S3."""
    address = _address(service)
    url = urlsplit(address.url)
    host, root = url.hostname or "", url.path.rstrip("/")
    if bucket is not None:
        # Certificates know no bucket with dots, and stand-ins no address of a bucket.
        if address.is_own and "." not in bucket:
            host = f"{bucket}.{host}"
        else:
            root = f"{root}/{bucket}"
    trust = None if url.scheme == "http" else _trust()
    port = url.port or (80 if trust is None else 443)
    return SignedHttp(
        connections=KeptConnections(host, port, trust, connect_timeout, read_timeout),
        signer=Signer(_keys(), _SIGNING_NAMES.get(service, service), address.region),
        root=root,
    )


@cache
def _trust() -> Trust:
    """Trust whom botocore trusts. One for all: reading certificates takes a while."""
    bundle = os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE")
    return Trust(Path(bundle or Path(botocore.__file__).with_name("cacert.pem")))


def _address(service: str) -> Address:
    config = os.path.expanduser("~/.aws/config")  # noqa: PTH111 - Path's raises without a home
    has_profiles = Path(config).exists()
    address = None if has_profiles else address_of(service, os.environ)
    if address is not None:
        return address
    # The client is made only to ask botocore where the service is, and never called.
    meta = _session().client(service).meta
    return Address(meta.endpoint_url, meta.region_name, _is_own(meta.endpoint_url))


def _is_own(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(tuple(_PARTITIONS.values()))


@cache
def _keys() -> Callable[[], Keys]:
    keys = keys_of(os.environ)
    if keys is not None:
        return lambda: keys
    credentials = _session().get_credentials()
    if credentials is None:
        raise RuntimeError("the function has no AWS credentials")

    def fetched() -> Keys:
        # botocore fetches new ones before the old ones expire.
        frozen = credentials.get_frozen_credentials()
        return Keys(frozen.access_key, frozen.secret_key, frozen.token)

    return fetched


@cache
def _session() -> Any:
    import boto3  # noqa: PLC0415 - takes longer than all else that a warm request needs

    return boto3.Session()
