"""The EndpointConfigs that a stack's template has made before: each is deleted when nothing needs
it any more, and nothing else ever is."""

from collections.abc import Iterator

import pytest

from tests.e2e.deployments import Deployment, LocalAws, local_aws, wait_until

BY_HAND, FALL_BACK = "by-hand", "by-hand-too"


@pytest.fixture(scope="module")
def aws(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One for all of the story."""
    with local_aws(tmp_path_factory.mktemp("aws")) as running_aws:
        yield running_aws


@pytest.fixture(scope="module")
def changed(aws: LocalAws) -> Deployment:
    """A deployment that is changed often, and keeps what it has replaced for a second; beside it
    configs that somebody else has made, one of which claims an endpoint of its own.
    """
    deployed = aws.deploy(
        "changed", EndpointName="changed", IdleTimeout="12h", ConfigGraceSeconds="1"
    )
    deployed.upload_models()
    deployed.tag_a_config(BY_HAND, {"dormouse:endpoint": "other"})
    deployed.tag_a_config(FALL_BACK, {"dormouse:endpoint": "changed", "dormouse:priority": "2"})
    deployed.tag_a_config("not-tagged", {})
    return deployed


def configs(deployment: Deployment) -> set[str]:
    """Every EndpointConfig that there is."""
    pages = deployment.client("sagemaker").get_paginator("list_endpoint_configs").paginate()
    return {row["EndpointConfigName"] for page in pages for row in page["EndpointConfigs"]}


def wait_without(deployment: Deployment, config_name: str) -> None:
    """Have ticks until an EndpointConfig is gone."""

    def is_gone() -> bool:
        deployment.tick()
        return config_name not in configs(deployment)

    wait_until(is_gone, f"without {config_name}")


OTHERS = {BY_HAND, FALL_BACK, "not-tagged"}


def test_nothing_goes_without_a_change(changed: Deployment) -> None:
    """However often it looks, and whatever the endpoint does."""
    current = changed.standing()["endpoint_config"]
    for _ in range(3):
        changed.tick()
    assert configs(changed) == {current, *OTHERS}


def test_what_was_replaced_while_it_is_asleep_goes(changed: Deployment) -> None:
    """But one that a live endpoint runs on, though nobody manages that one."""
    used = changed.standing()["endpoint_config"]
    changed.client("sagemaker").create_endpoint(EndpointName="squatter", EndpointConfigName=used)
    changed.change(InstanceType="ml.m5.2xlarge")
    replaced = changed.standing()["endpoint_config"]
    changed.change(InstanceType="ml.c5.xlarge")
    current = changed.standing()["endpoint_config"]
    assert configs(changed) == {used, replaced, current, *OTHERS}

    wait_without(changed, replaced)
    for _ in range(3):
        changed.tick()
    assert configs(changed) == {used, current, *OTHERS}

    aws = changed.aws
    wait_until(lambda: aws.status("squatter") == "InService", "InService")
    aws.client("sagemaker").delete_endpoint(EndpointName="squatter")
    wait_until(lambda: aws.status("squatter") is None, "gone")
    wait_without(changed, used)
    assert configs(changed) == {current, *OTHERS}


def test_what_was_replaced_while_it_serves_stays_until_the_update_is_done(
    changed: Deployment,
) -> None:
    """The endpoint runs on it until then."""
    changed.wake()
    former = changed.standing()["endpoint_config"]
    changed.change(InstanceType="ml.c5.2xlarge")
    current = changed.standing()["endpoint_config"]
    seen_while_updating = 0
    while True:
        changed.tick()
        described = changed.aws.endpoint("changed")
        assert described is not None
        if described["EndpointConfigName"] == current:
            break
        assert former in configs(changed)
        seen_while_updating += described["EndpointStatus"] == "Updating"
    assert seen_while_updating > 0

    wait_without(changed, former)
    assert configs(changed) == {current, *OTHERS}
    assert changed.invoke()["predictions"][0]["label"] == "positive"


def test_the_stack_goes_with_its_last_config(changed: Deployment) -> None:
    """And without anybody else's."""
    changed.delete()
    assert configs(changed) == OTHERS
    assert changed.aws.endpoints() == []
