"""What `make image` and `make push` ask a real builder for, as a real registry receives it."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.builders import Builder
from deploy.content import content_tag
from deploy.errors import DeployError
from deploy.image import DOCKER_MANIFEST, NAME, build
from tests.image.engine import Engine
from tests.image.local_registry import Stored, local_registry

PASSWORD = "a-password-of-twelve-hours"


@pytest.fixture
def registry() -> Iterator[Stored]:
    """An empty one."""
    with local_registry(PASSWORD) as stored:
        yield stored


@pytest.fixture
def builder(engine: Engine, registry: Stored, tmp_path: Path) -> Builder:
    """The machine's, told that this registry has no TLS (docker takes that for granted here)."""
    registries = tmp_path / "registries.conf"
    registries.write_text(f'[[registry]]\nlocation = "{registry.host}"\ninsecure = true\n')
    environment = {**engine.environment, "CONTAINERS_REGISTRIES_CONF": str(registries)}
    return dataclasses.replace(engine.builder, environment=environment)


@pytest.fixture
def image(builder: Builder, tmp_path: Path) -> Iterator[str]:
    """One of a single file, since the format does not depend on the size."""
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text('FROM scratch\nCOPY said.txt /\nCMD ["/said.txt"]\n')
    (context / ".dockerignore").write_text("*\n!said.txt\n")
    (context / "said.txt").write_text(f"built in {tmp_path}")
    build(builder.environment, context)
    name = f"{NAME}:{content_tag(context, builder.environment.get('REBUILD', ''))}"
    yield name
    builder.forget(name)


def test_it_arrives_in_the_format_that_sagemaker_takes(
    builder: Builder, registry: Stored, image: str, tmp_path: Path
) -> None:
    """Docker's manifest and not OCI's, of layers that can be unpacked."""
    uri = f"{registry.host}/dormouse:tried"
    builder.push(image, uri, PASSWORD)
    builder.forget(uri)

    media_type, manifest = registry.manifests["tried"]
    assert media_type == DOCKER_MANIFEST
    described = json.loads(manifest)
    assert described["mediaType"] == DOCKER_MANIFEST
    assert described["config"]["mediaType"] == "application/vnd.docker.container.image.v1+json"
    config = json.loads(registry.blobs[described["config"]["digest"]])
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    assert config["config"]["Cmd"] == ["/said.txt"]
    [layer] = described["layers"]
    assert layer["mediaType"] == "application/vnd.docker.image.rootfs.diff.tar.gzip"
    unpacked = gzip.decompress(registry.blobs[layer["digest"]])
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
        said = archive.extractfile("said.txt")
        assert said is not None
        assert said.read().decode() == f"built in {tmp_path}"


def test_a_wrong_password_is_told_in_one_sentence(
    builder: Builder, registry: Stored, image: str
) -> None:
    """And nothing has arrived."""
    with pytest.raises(DeployError, match=f"could not log in to {registry.host}") as raised:
        builder.push(image, f"{registry.host}/dormouse:tried", "wrong-password")
    assert "wrong-password" not in str(raised.value)
    assert (registry.manifests, registry.blobs) == ({}, {})
