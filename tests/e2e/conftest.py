"""The real template on the local AWS, by the real sam CLI, with the real model server behind it."""

from collections.abc import Iterator

import pytest

from local import running, stack
from local.deployment import bring_up
from local.settings import LocalSettings
from local.terminal import Terminal
from tests.e2e.deployments import SHORT_LEASE, Deployment, LocalAws, local_aws

PARAMETERS = {
    "IdleTimeout": "60s",
    "MetricLagSeconds": "5",
    "ExpectedWakeSeconds": "7",
    **SHORT_LEASE,
}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Brought up as `make up` does it, with short times by settings."""
    settings = LocalSettings(
        port=running.free_port(),
        state_dir=tmp_path_factory.mktemp("aws"),
        create_seconds=4.0,
        delete_seconds=2.0,
    )
    archives = sorted(stack.TINY_MODELS.glob("*.tar.gz"))
    server, described = bring_up(Terminal(), settings, PARAMETERS, archives, detached=False)
    try:
        yield Deployment(LocalAws(settings), described)
    finally:
        running.end(server)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The functions, built once by `sam build`."""
    stack.build(tmp_path_factory.mktemp("build") / "build.log")


@pytest.fixture(scope="module")
def aws(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS for the tests of one module."""
    with local_aws(tmp_path_factory.mktemp("aws")) as running_aws:
        yield running_aws
