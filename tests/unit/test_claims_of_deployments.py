"""Two deployments in one region leave each other's endpoints alone."""

import pytest

from dormouse.domain.claims import Deployment, Refusal, TaggedConfig, Why, settle_claims
from dormouse.domain.spec import Spec
from tests.fakes.world import config

US = Deployment("dormouse-stack", "dormouse", "dormouse-config")
THEM = Deployment("other-stack", "other", "other-config")


def test_what_another_deployment_manages_is_its_own() -> None:
    """No fault, and no spec."""
    (claim,) = settle_claims([config("reviews", "c1", stack="other-stack")], US)

    assert claim == Refusal("reviews", "the deployment other-stack manages it", Why.NOT_OURS)


def test_several_configs_of_another_deployment_are_its_own_affair() -> None:
    """Its own endpoint with the retained predecessors, say."""
    (claim,) = settle_claims(
        [config("other", "c1", stack="other-stack"), config("other", "c2", stack="other-stack")], US
    )

    assert isinstance(claim, Refusal)
    assert claim.why is Why.NOT_OURS


@pytest.mark.parametrize("own_tags", [{}, {"stack": "dormouse-stack"}])
def test_a_claim_of_both_is_a_fault_that_says_what_to_do(own_tags: dict[str, str]) -> None:
    """Neither may act."""
    (claim,) = settle_claims(
        [config("reviews", "c1", stack="other-stack"), config("reviews", "c2", **own_tags)], US
    )

    assert claim == Refusal(
        "reviews",
        "the deployment other-stack claims it too, by EndpointConfig c1 (delete that config if the "
        "deployment is gone)",
        Why.FAULT,
    )


@pytest.mark.parametrize("own_is_visible", [True, False])
def test_nobody_takes_the_stacks_own_endpoint_away(own_is_visible: bool) -> None:
    """A foreign config of its name is a fault, whether our own config can be seen or not."""
    configs = [config("dormouse", "c1", stack="other-stack")]
    if own_is_visible:
        configs.append(config("dormouse", stack="dormouse-stack"))

    (claim,) = settle_claims(configs, US)

    assert isinstance(claim, Refusal)
    assert claim.why is Why.FAULT
    assert "the deployment other-stack claims it too, by EndpointConfig c1" in claim.reason


@pytest.mark.parametrize(
    "configs",
    [
        [config("reviews", "c1", stack="dormouse-stack")],
        [config("reviews", "c1", stack="other-stack")],
        [config("reviews", "c1", stack="other-stack"), config("reviews", "c2")],
        [config("dormouse", stack="dormouse-stack")],
        [config("dormouse", stack="dormouse-stack"), config("Dormouse", "c", stack="other-stack")],
        [config("other", stack="other-stack"), config("other", "old", stack="other-stack")],
        [config("reviews", "c", stack="third-stack")],
    ],
)
def test_never_do_both_have_a_spec(configs: list[TaggedConfig]) -> None:
    """As soon as any config of the endpoint names a deployment."""
    (ours,), (theirs,) = settle_claims(configs, US), settle_claims(configs, THEM)

    assert not (isinstance(ours, Spec) and isinstance(theirs, Spec))


def test_what_names_no_deployment_is_anybodys() -> None:
    """As before there was the tag; whoever has two deployments has to set it."""
    configs = [config("reviews", "c1")]

    assert settle_claims(configs, US) == settle_claims(configs, THEM) == (Spec("reviews", "c1"),)


def test_names_of_stacks_are_exact() -> None:
    """CloudFormation tells those that differ in case apart."""
    (claim,) = settle_claims([config("reviews", "c1", stack="Dormouse-Stack")], US)

    assert isinstance(claim, Refusal)
    assert claim.why is Why.NOT_OURS
