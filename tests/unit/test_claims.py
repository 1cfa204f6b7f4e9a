"""One endpoint has one spec, or is left alone with a reason."""

from dormouse.domain.claims import OwnEndpoint, Refusal, TaggedConfig, settle_claims
from dormouse.domain.spec import Spec

OWN = OwnEndpoint("dormouse", "Stack-EndpointConfig-New")


def config(name: str, endpoint: str, **tags: str) -> TaggedConfig:
    """Tag an EndpointConfig for an endpoint."""
    return TaggedConfig(name, {"dormouse:endpoint": endpoint, **tags})


def test_each_endpoint_gets_the_spec_of_its_config_in_order_of_names() -> None:
    """A fleet of one deployment."""
    claims = settle_claims([config("c-b", "b"), config("c-a", "a")], OWN)

    assert claims == (Spec("a", "c-a"), Spec("b", "c-b"))


def test_two_configs_of_one_endpoint_are_a_conflict_that_names_both() -> None:
    """SageMaker holds names that differ in case alone for the same endpoint."""
    (claim,) = settle_claims([config("c1", "reviews"), config("c2", "Reviews")], OWN)

    assert isinstance(claim, Refusal)
    assert "c1 and c2" in claim.reason


def test_of_the_stacks_own_configs_the_one_that_the_template_names_counts() -> None:
    """The retained predecessor still carries the tags; ARNs are lower-cased."""
    claims = settle_claims(
        [
            config("stack-endpointconfig-old", "dormouse"),
            config("stack-endpointconfig-new", "dormouse"),
        ],
        OWN,
    )

    assert claims == (Spec("dormouse", "Stack-EndpointConfig-New"),)


def test_a_predecessor_alone_does_not_speak_for_the_stacks_own_endpoint() -> None:
    """The tagging API is eventually consistent: the new config may show up a minute later."""
    (claim,) = settle_claims([config("stack-endpointconfig-old", "dormouse")], OWN)

    assert isinstance(claim, Refusal)
    assert "not visible yet" in claim.reason


def test_a_bad_tag_leaves_that_endpoint_alone_and_no_other() -> None:
    """The sentence names the tag."""
    good, bad = settle_claims(
        [config("c1", "a"), config("c2", "b", **{"dormouse:idle-timeout": "soon"})], OWN
    )

    assert good == Spec("a", "c1")
    assert isinstance(bad, Refusal)
    assert "dormouse:idle-timeout" in bad.reason
