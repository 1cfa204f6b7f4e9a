"""`make push`: the image in ECR, by each of the three builders, with ECR and STS played by moto."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    InvalidConfigError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOTokenLoadError,
    TokenRetrievalError,
)
from moto import mock_aws

from deploy import registry
from deploy.builders import KINDS, Builder
from deploy.content import content_tag
from deploy.errors import DeployError
from deploy.image import DOCKER_MANIFEST, build, main, push
from tests.deploy.builders import FakeBuilder, environment, install
from tests.template.cloudformation import template

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

ACCOUNT = "123456789012"
REGION = "eu-central-1"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"


@dataclass(frozen=True)
class Desk:
    """What a person who pushes has: an AWS account, a checkout, and what is on PATH."""

    ecr: ECRClient
    bin_folder: Path
    context: Path

    def settings(self, **more: str) -> dict[str, str]:
        """The environment of the command."""
        return environment(self.bin_folder, AWS_REGION=REGION, **more)

    def builder(self, kind: str = "podman") -> FakeBuilder:
        """Install one, with the image in its store."""
        fake = install(kind, self.bin_folder)
        build(self.settings(), self.context)
        return fake

    def push(self, **more: str) -> None:
        """Type `make push`."""
        push(self.settings(**more), self.context)

    @property
    def tag(self) -> str:
        """The tag of the content."""
        return content_tag(self.context)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, bin_folder: Path, context: Path) -> Iterator[Desk]:
    """An account without a repository. What a builder pushes arrives in it."""
    with mock_aws():
        client = boto3.client("ecr", region_name=REGION)
        run = Builder.push

        def push_and_arrive(self: Builder, image: str, uri: str, password: str) -> None:
            run(self, image, uri, password)
            _arrive(client, uri, DOCKER_MANIFEST)

        monkeypatch.setattr(Builder, "push", push_and_arrive)
        yield Desk(client, bin_folder, context)


def _arrive(client: ECRClient, uri: str, media_type: str) -> None:
    name, _, tag = uri.partition("/")[2].partition(":")
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type,
        # Which moto takes for the size of the whole.
        "config": {"mediaType": "config", "size": 700_000_000, "digest": "sha256:" + "c" * 64},
        "layers": [{"mediaType": "layer", "size": 1, "digest": "sha256:" + "d" * 64}],
    }
    client.put_image(
        repositoryName=name,
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=media_type,
        imageTag=tag,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_image_is_pushed_and_its_uri_printed(
    desk: Desk, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Into a repository that is made for it; the URI holds the digest, as the template wants."""
    fake = desk.builder(kind)
    capfd.readouterr()

    desk.push()

    assert fake.arguments("login") == [["login", "--username", "AWS", "--password-stdin", HOST]]
    uri = f"{HOST}/dormouse:{desk.tag}"
    assert fake.arguments("tag") == [["tag", f"dormouse:{desk.tag}", uri]]
    assert fake.arguments("push") == [["push", uri]]
    [stored] = desk.ecr.describe_images(repositoryName="dormouse")["imageDetails"]
    shown = capfd.readouterr().out
    assert f"AWS account {ACCOUNT}, region {REGION}\n" in shown
    assert "Made the ECR repository dormouse.\n" in shown
    assert f"URI     {HOST}/dormouse@{stored['imageDigest']}\n" in shown
    assert "Size    0.70 GB compressed, about $0.07 a month\n" in shown
    assert "Next: make deploy" in shown


def test_the_uri_is_one_that_the_template_takes(
    desk: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is typed in as ContainerImageUri."""
    desk.builder()
    desk.push()
    uri = capfd.readouterr().out.partition("URI     ")[2].partition("\n")[0]
    assert re.fullmatch(template()["Parameters"]["ContainerImageUri"]["AllowedPattern"], uri)


def test_the_repository_keeps_what_endpoints_may_need(desk: Desk) -> None:
    """Its tags can't be overwritten, images are scanned, and nothing expires."""
    desk.builder()
    desk.push()

    [made] = desk.ecr.describe_repositories()["repositories"]
    assert made["imageTagMutability"] == "IMMUTABLE"
    assert made["imageScanningConfiguration"] == {"scanOnPush": True}
    assert made["encryptionConfiguration"] == {"encryptionType": "AES256"}
    with pytest.raises(desk.ecr.exceptions.LifecyclePolicyNotFoundException):
        desk.ecr.get_lifecycle_policy(repositoryName="dormouse")


def test_a_repository_that_is_there_is_used_as_it_is(desk: Desk) -> None:
    """By whatever name."""
    desk.ecr.create_repository(repositoryName="team/models", imageTagMutability="MUTABLE")
    fake = desk.builder()

    desk.push(REPOSITORY="team/models")

    [kept] = desk.ecr.describe_repositories()["repositories"]
    assert kept["imageTagMutability"] == "MUTABLE"
    assert fake.arguments("push") == [["push", f"{HOST}/team/models:{desk.tag}"]]


def test_an_image_that_is_there_is_not_pushed_again(
    desk: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its URI is printed all the same; not even a builder is needed for that."""
    fake = desk.builder()
    desk.push()
    first = capfd.readouterr().out
    fake.path.unlink()

    desk.push()

    shown = capfd.readouterr().out
    assert f"dormouse:{desk.tag} is in ECR already; nothing is pushed.\n" in shown
    assert shown.partition("Digest")[2] == first.partition("Digest")[2] != ""
    assert len(fake.calls("push")) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_password_is_in_nobodys_arguments_and_stays_nowhere(desk: Desk, kind: str) -> None:
    """It goes by standard input alone; the folder for what the builder keeps of it is gone."""
    fake = desk.builder(kind)
    desk.push()

    [login] = fake.calls("login")
    password = login["standard_input"]
    assert isinstance(password, str)
    assert password == registry.Registry(desk.settings()).password() != ""
    for call in fake.all_calls():
        assert password not in json.dumps([call["arguments"], call["environment"]])
    assert login["folder_mode"] == "0o700"
    assert not Path(str(login["folder"])).exists()
    assert fake.environment("push")["REGISTRY_AUTH_FILE"].startswith(str(login["folder"]))


def test_docker_keeps_its_context_and_lends_no_credentials(desk: Desk) -> None:
    """What config.json says of contexts may be the only way to the daemon; a credential helper
    would keep the password, and ECR's own refuses to.
    """
    own = desk.bin_folder.parent / ".docker"
    (own / "contexts").mkdir(parents=True)
    said = {
        "currentContext": "colima",
        "auths": {"registry.example": {"auth": "b2xk"}},
        "credsStore": "ecr-login",
        "credHelpers": {HOST: "ecr-login"},
    }
    (own / "config.json").write_text(json.dumps(said))
    fake = desk.builder("docker")

    desk.push()

    [login] = fake.calls("login")
    assert login["config"] == {"currentContext": "colima", "auths": {HOST: {}}}
    assert login["config_entries"] == ["config.json", "contexts"]
    assert fake.environment("push")["DOCKER_CONFIG"] == login["folder"]
    assert json.loads((own / "config.json").read_text()) == said


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_docker_configuration_that_says_nothing(desk: Desk, text: str) -> None:
    """Broken or empty, it is as if there were none."""
    own = desk.bin_folder.parent / ".docker"
    own.mkdir()
    (own / "config.json").write_text(text)
    fake = desk.builder("docker")
    desk.push()
    [login] = fake.calls("login")
    assert login["config"] == {"auths": {HOST: {}}}


def test_an_image_that_was_not_built_is_not_pushed(desk: Desk) -> None:
    """And no repository is made for it."""
    install("podman", desk.bin_folder)
    with pytest.raises(DeployError) as raised:
        desk.push()
    assert str(raised.value) == f"podman has no image dormouse:{desk.tag}; `make image` builds it"
    assert desk.ecr.describe_repositories()["repositories"] == []


@pytest.mark.parametrize(
    ("word", "says", "sentence"),
    [
        ("login", "Error: 400 Bad Request.", f"could not log in to {HOST} (Error: 400 Bad Request"),
        ("tag", "Error: no space left", "(Error: no space left)"),
        ("push", "denied: User is not authorized", "could not push to"),
    ],
)
def test_a_builder_that_fails_half_way(desk: Desk, word: str, says: str, sentence: str) -> None:
    """Which step it was, and nothing secret is left."""
    fake = desk.builder()
    fake.fails(word, says)
    with pytest.raises(DeployError) as raised:
        desk.push()
    assert str(raised.value).startswith("podman could not")
    assert sentence in str(raised.value)
    [login] = fake.calls("login")
    assert not Path(str(login["folder"])).exists()


@pytest.mark.parametrize(
    "media_type",
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"],
)
def test_an_image_that_sagemaker_would_refuse_is_reported(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, media_type: str
) -> None:
    """Here rather than by a stack that rolls back."""
    desk.builder()
    monkeypatch.setattr(
        Builder, "push", lambda self, image, uri, password: _arrive(desk.ecr, uri, media_type)
    )
    with pytest.raises(DeployError, match=r"which SageMaker refuses; remove it \(`aws ecr"):
        desk.push()


@pytest.mark.parametrize("name", ["Dormouse", "a", "-a", "a//b", "a/", "a b", "a" * 257])
def test_a_name_that_no_repository_has(bin_folder: Path, name: str) -> None:
    """Refused before AWS is asked."""
    with pytest.raises(DeployError, match="which is no name of an ECR repository"):
        registry.Registry(environment(bin_folder, AWS_REGION=REGION, REPOSITORY=name))


def test_the_region_is_found_as_the_aws_cli_finds_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS_REGION goes before AWS_DEFAULT_REGION; without either, one sentence."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    without = environment(desk.bin_folder)
    assert registry.Registry(without).region == "us-west-2"
    assert registry.Registry(desk.settings()).region == REGION
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(DeployError, match=r"^no AWS region is set; set AWS_REGION"):
        registry.Registry(without)


def _refusal(code: str, operation: str) -> ClientError:
    message = f"User: arn:aws:iam::{ACCOUNT}:user/dev is not authorized."
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize(
    ("operation", "error", "sentence"),
    [
        (
            "CreateRepository",
            _refusal("AccessDeniedException", "CreateRepository"),
            "these AWS credentials are not allowed ecr:CreateRepository (User: arn:aws:iam::"
            f"{ACCOUNT}:user/dev is not authorized); docs/deploying.md has a policy with all that "
            "is needed",
        ),
        (
            "GetAuthorizationToken",
            _refusal("AccessDeniedException", "GetAuthorizationToken"),
            "these AWS credentials are not allowed ecr:GetAuthorizationToken (",
        ),
        (
            "GetCallerIdentity",
            _refusal("AccessDenied", "GetCallerIdentity"),
            "these AWS credentials are not allowed sts:GetCallerIdentity (",
        ),
        (
            "GetCallerIdentity",
            _refusal("ExpiredToken", "GetCallerIdentity"),
            "AWS does not accept these credentials, or no longer (",
        ),
        (
            "CreateRepository",
            _refusal("LimitExceededException", "CreateRepository"),
            "AWS refused CreateRepository (LimitExceededException: ",
        ),
        ("GetCallerIdentity", NoCredentialsError(), "there are no AWS credentials; "),
        (
            "GetCallerIdentity",
            PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
            "there are no AWS credentials; ",
        ),
        (
            "GetCallerIdentity",
            ProfileNotFound(profile="x"),
            "AWS_PROFILE names a profile that does not exist (",
        ),
        ("GetCallerIdentity", SSOTokenLoadError(error_msg="x"), "your AWS sign-in has expired; "),
        (
            "GetCallerIdentity",
            TokenRetrievalError(provider="sso", error_msg="x"),
            "your AWS sign-in has expired; ",
        ),
        (
            "DescribeRepositories",
            EndpointConnectionError(endpoint_url="https://ecr.example"),
            "AWS can't be reached (",
        ),
        ("DescribeImages", InvalidConfigError(error_msg="x"), "AWS can't be asked ("),
    ],
)
def test_what_aws_refuses_is_one_sentence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, operation: str, error: Exception, sentence: str
) -> None:
    """It names the permission, or says what to do."""
    desk.builder()
    call: Callable[..., object] = vars(BaseClient)["_make_api_call"]

    def call_or_fail(self: object, name: str, parameters: object) -> object:
        if name == operation:
            raise error
        return call(self, name, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", call_or_fail)
    with pytest.raises(DeployError) as raised:
        desk.push()
    assert str(raised.value).startswith(sentence)
    assert "\n" not in str(raised.value)


def test_the_command_ends_with_a_sentence_and_a_status(
    bin_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback; and one that does not exist is told the two that do."""
    assert main(["build"], environment(bin_folder)) == 1
    assert capsys.readouterr().err.startswith("dormouse: an image needs docker, podman or buildah")
    assert main(["publish"], environment(bin_folder)) == 2
    assert "build|push" in capsys.readouterr().err
