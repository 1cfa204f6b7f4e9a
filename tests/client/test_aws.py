"""Profiles, regions and endpoint URLs, as the AWS CLI has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dormouse_cli.aws import AwsSession
from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.options import CommonOptions
from tests.client.conftest import Run
from tests.client.fake_aws import FakeAws

CONFIG = """
[default]
region = eu-central-1

[profile work]
region = eu-west-1
aws_access_key_id = test
aws_secret_access_key = test

[profile elsewhere]
region = eu-west-3
role_arn = arn:aws:iam::111122223333:role/none
source_profile = nobody
"""


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A configuration file with profiles, and no other source of a region."""
    (tmp_path / "config").write_text(CONFIG)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return monkeypatch


@pytest.mark.parametrize(
    ("given", "environment", "region"),
    [
        ({}, {}, "eu-central-1"),
        ({}, {"AWS_PROFILE": "work"}, "eu-west-1"),
        ({"profile": "work"}, {}, "eu-west-1"),
        ({"profile": "work"}, {"AWS_PROFILE": "elsewhere"}, "eu-west-1"),
        ({"profile": "work"}, {"AWS_DEFAULT_REGION": "sa-east-1"}, "sa-east-1"),
        ({}, {"AWS_DEFAULT_REGION": "sa-east-1", "AWS_REGION": "us-west-2"}, "us-west-2"),
        ({"region": "ap-south-1"}, {"AWS_REGION": "us-west-2"}, "ap-south-1"),
    ],
)
def test_the_region(
    configured: pytest.MonkeyPatch,
    given: dict[str, str],
    environment: dict[str, str],
    region: str,
) -> None:
    """The option, AWS_REGION, AWS_DEFAULT_REGION, the profile, in this order."""
    for name, value in environment.items():
        configured.setenv(name, value)
    assert AwsSession(CommonOptions(**given)).region == region  # type: ignore[arg-type] # texts all


def test_a_profile_on_the_command_line_is_stronger_than_the_environment_s_keys(
    configured: pytest.MonkeyPatch,
) -> None:
    """As in the AWS CLI; one in AWS_PROFILE is not."""
    configured.setenv("AWS_ACCESS_KEY_ID", "from-environment")
    configured.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert AwsSession(CommonOptions(profile="work")).credentials().access_key == "test"
    configured.setenv("AWS_PROFILE", "work")
    assert AwsSession(CommonOptions()).credentials().access_key == "from-environment"


def test_endpoint_urls(configured: pytest.MonkeyPatch) -> None:
    """The option, the service's own variable, AWS_ENDPOINT_URL, in this order."""

    def url(**given: str) -> str:
        options = CommonOptions(**given)  # type: ignore[arg-type] # texts all
        return str(AwsSession(options).client("s3").meta.endpoint_url)

    assert url() == "https://s3.eu-central-1.amazonaws.com"
    configured.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert url() == "http://127.0.0.1:1"
    configured.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2")
    assert url() == "http://127.0.0.1:2"
    assert url(endpoint_url="http://127.0.0.1:3") == "http://127.0.0.1:3"


def test_a_profile_that_can_t_be_used(configured: pytest.MonkeyPatch) -> None:
    """It says which, and why."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        configured.delenv(name)
    with pytest.raises(CliError, match=r'source_profile "nobody"') as error:
        AwsSession(CommonOptions(profile="elsewhere")).credentials()
    assert error.value.exit_code == ExitCode.USAGE


def test_a_configuration_file_that_is_none(configured: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its path is named."""
    (tmp_path / "config").write_text("[profile work\nregion")
    with pytest.raises(CliError, match="Unable to parse config file") as error:
        AwsSession(CommonOptions())
    assert error.value.exit_code == ExitCode.USAGE


def test_a_region_that_is_none(configured: pytest.MonkeyPatch) -> None:
    """Before anything is sent there."""
    with pytest.raises(
        CliError, match=r"region_name 'not a region!' doesn't match a supported format\.$"
    ) as error:
        AwsSession(CommonOptions(region="not a region!")).client("s3")
    assert error.value.exit_code == ExitCode.USAGE


def test_the_profile_signs_for_the_control_api(aws: FakeAws, run: Run, tmp_path: Path) -> None:
    """With its own keys and region, though the environment has others."""
    (tmp_path / "config").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        patch.delenv("AWS_REGION")
        assert run("status").code == ExitCode.NOT_PERMITTED
        assert run("status", "--profile", "work").code == 0


def test_with_its_addresses_given_the_stack_is_not_asked(aws: FakeAws, run: Run) -> None:
    """For whoever may not read stacks, and for an API behind a domain of one's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DORMOUSE_CONTROL_URL", f"{aws.url}/control")
        patch.setenv("DORMOUSE_INVOKE_URL", f"{aws.url}/invoke")
        aws.world.outputs.clear()
        assert run("status").code == 0
        assert run("wake", "dormouse").code == 0
        assert run("invoke", "dormouse", "--model", "m.tar.gz", "--body", "{}").out == "{}"
    assert not [path for _, path, _ in aws.world.requests if path == "/"]
