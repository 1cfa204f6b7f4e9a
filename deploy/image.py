"""`make image` and `make push`: build the model container's image, and bring it to Amazon ECR.

Settings, all in the environment: BUILDER (docker, podman or buildah), REPOSITORY (in ECR), REBUILD
(any word, to build anew what did not change here), and AWS's own AWS_PROFILE and AWS_REGION.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.builders import Builder, find_builder
from deploy.content import content_tag
from deploy.errors import DeployError
from deploy.registry import Registry, StoredImage

CONTEXT = Path(__file__).resolve().parents[1] / "container"
NAME = "dormouse"

# The one format in which SageMaker takes an image.
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
# https://aws.amazon.com/ecr/pricing/
DOLLARS_A_GIGABYTE_AND_MONTH = 0.10


def build(environment: Mapping[str, str], context: Path = CONTEXT) -> None:
    """Build the image under the tag of its content, unless the builder has it.

    Raises:
        DeployError: there is no builder, or it failed.
    """
    tag = _tag(environment, context)
    image = f"{NAME}:{tag}"
    builder = find_builder(environment)
    size = builder.size_of(image)
    if size is not None:
        print(f"{image} is there already, in {builder.kind} ({size}). Next: make push")
        return
    print(f"{builder.kind} builds {image}; the first time it downloads about 600 MB …", flush=True)
    builder.build(image, context, anew=bool(environment.get("REBUILD")))
    if _tag(environment, context) != tag:
        # Nobody knows which of the two contents is in it.
        builder.forget(image)
        raise DeployError(f"files in {context.name}/ were changed during the build; build it again")
    print(f"{image} is built, in {builder.kind} ({builder.size_of(image)}). Next: make push")


def push(environment: Mapping[str, str], context: Path = CONTEXT) -> None:
    """Push the image to ECR, unless it is there, and print its digest and URI.

    Raises:
        DeployError: it was not built, or the builder or AWS refused.
    """
    tag = _tag(environment, context)
    registry = Registry(environment)
    print(f"AWS account {registry.account}, region {registry.region}")
    uri = registry.uri()
    stored = registry.image(tag) if uri is not None else None
    if uri is not None and stored is not None:
        print(f"{registry.repository}:{tag} is in ECR already; nothing is pushed.")
    else:
        builder = _builder_with(f"{NAME}:{tag}", environment)
        if uri is None:
            uri = registry.create()
            print(f"Made the ECR repository {registry.repository}.", flush=True)
        builder.push(f"{NAME}:{tag}", f"{uri}:{tag}", registry.password())
        stored = registry.image(tag)
        if stored is None:
            raise DeployError(f"{builder.kind} pushed {uri}:{tag}, but ECR does not show it")
    _report(registry, uri, tag, stored)


def _tag(environment: Mapping[str, str], context: Path) -> str:
    return content_tag(context, environment.get("REBUILD", ""))


def _builder_with(image: str, environment: Mapping[str, str]) -> Builder:
    """Return the builder that has the image."""
    builder = find_builder(environment)
    if builder.size_of(image) is None:
        raise DeployError(f"{builder.kind} has no image {image}; `make image` builds it")
    return builder


def _report(registry: Registry, uri: str, tag: str, stored: StoredImage) -> None:
    if stored.media_type != DOCKER_MANIFEST:
        raise DeployError(
            f"{uri}:{tag} is stored as {stored.media_type}, which SageMaker refuses; remove it "
            f"(`aws ecr batch-delete-image --repository-name {registry.repository} --image-ids "
            f"imageTag={tag}`), and build and push it with BUILDER=podman or BUILDER=buildah"
        )
    gigabytes = stored.size_bytes / 1e9
    dollars = gigabytes * DOLLARS_A_GIGABYTE_AND_MONTH
    print(
        f"""
Digest  {stored.digest}
URI     {uri}@{stored.digest}
Size    {gigabytes:.2f} GB compressed, about ${dollars:.2f} a month

Next: make deploy (`sam build`, `sam deploy --guided`). Give it the URI above as ContainerImageUri,
and the region {registry.region}, since SageMaker takes images of its own region only."""
    )


COMMANDS = {"build": build, "push": push}


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Run one command."""
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print("usage: python -m deploy.image build|push", file=sys.stderr)
        return 2
    # Whoever ends it half-way, by whatever signal, leaves no password behind.
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
    try:
        COMMANDS[arguments[0]](environment)
    except DeployError as error:
        print(f"dormouse: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
