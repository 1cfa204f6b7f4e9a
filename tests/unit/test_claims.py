"""One endpoint has one spec, or is left alone with a reason."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormouse.domain.claims import (
    Deployment,
    Refusal,
    TaggedConfig,
    Why,
    settle_claims,
)
from dormouse.domain.principals import Kind, Principal
from dormouse.domain.spec import Spec
from tests.fakes.world import config

US = Deployment("dormouse-stack", "dormouse", "Stack-EndpointConfig-New")


def test_each_endpoint_gets_the_spec_of_its_config_in_order_of_names() -> None:
    """A fleet of one deployment."""
    claims = settle_claims([config("b", "c-b"), config("a", "c-a")], US)

    assert claims == (Spec("a", "c-a"), Spec("b", "c-b"))


def test_the_tags_reach_the_spec() -> None:
    """Who may invoke it, too."""
    (claim,) = settle_claims([config("a", "c", principals="123456789012")], US)

    principal = Principal("123456789012", Kind.ACCOUNT, "123456789012")
    assert claim == Spec("a", "c", principals=(principal,))


def test_two_configs_of_one_endpoint_are_a_conflict_that_names_both() -> None:
    """Nothing is done for either."""
    (claim,) = settle_claims([config("reviews", "c2"), config("reviews", "c1")], US)

    assert claim == Refusal(
        "reviews",
        "several EndpointConfigs claim it by dormouse:endpoint with the same dormouse:priority 1: "
        "c1 and c2; give those to fall back on 2 or more",
        Why.FAULT,
    )


def test_names_that_differ_in_case_alone_are_the_same_endpoint() -> None:
    """As SageMaker takes them."""
    (claim,) = settle_claims([config("reviews", "c1"), config("Reviews", "c2")], US)

    assert isinstance(claim, Refusal)
    assert "c1 and c2" in claim.reason


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"idle_timeout": "0s"}, "tag dormouse:idle-timeout: '0s' is out of range"),
        ({"idle_timeout": "soon"}, "tag dormouse:idle-timeout: 'soon' is not a duration"),
        ({"idle_timeout": "87600h"}, "tag dormouse:idle-timeout: '87600h' is out of range"),
        ({"idle_timout": "5m"}, "has the tag 'dormouse:idle-timout', which Dormouse does not know"),
        ({"principals": "admin"}, "tag dormouse:principals: 'admin' is not the ARN of"),
    ],
)
def test_a_bad_tag_leaves_that_endpoint_alone_and_no_other(
    tags: dict[str, str], words: str
) -> None:
    """One sentence that names the config and the tag."""
    good, bad = settle_claims([config("a", "c1"), config("b", "c2", **tags)], US)

    assert good == Spec("a", "c1")
    assert isinstance(bad, Refusal)
    assert (bad.endpoint, bad.why) == ("b", Why.FAULT)
    assert bad.reason.startswith("EndpointConfig c2")
    assert words in bad.reason


def test_of_the_stacks_own_configs_the_one_that_the_template_names_counts() -> None:
    """The retained predecessors still carry the tags, those of before dormouse:stack without it."""
    claims = settle_claims(
        [
            config("dormouse", "stack-endpointconfig-older"),
            config("dormouse", "stack-endpointconfig-old", stack="dormouse-stack"),
            config("dormouse", "stack-endpointconfig-new", stack="dormouse-stack"),
        ],
        US,
    )

    assert claims == (Spec("dormouse", "Stack-EndpointConfig-New"),)


@pytest.mark.parametrize("tags", [{}, {"stack": "dormouse-stack"}])
def test_a_predecessor_alone_does_not_speak_for_the_stacks_own_endpoint(
    tags: dict[str, str],
) -> None:
    """The tagging API is eventually consistent: the new config may show up a minute later."""
    (claim,) = settle_claims([config("dormouse", "stack-endpointconfig-old", **tags)], US)

    assert claim == Refusal(
        "dormouse",
        "the tags of this stack's EndpointConfig Stack-EndpointConfig-New are not visible yet",
        Why.NOT_VISIBLE_YET,
    )


def test_a_bad_tag_of_the_current_config_is_not_healed_by_a_predecessor() -> None:
    """The owner asks for something else now."""
    (claim,) = settle_claims(
        [
            config("dormouse", "stack-endpointconfig-old"),
            config("dormouse", "stack-endpointconfig-new", idle_timeout="soon"),
        ],
        US,
    )

    assert isinstance(claim, Refusal)
    assert claim.why is Why.FAULT


def test_the_stacks_own_endpoint_is_spelt_as_the_template_does() -> None:
    """The ledger, the proxy and the operator know it by that name."""
    (claim,) = settle_claims(
        [config("DORMOUSE", "a-foreign-one", stack="other"), config("dormouse", "z")], US
    )

    assert claim.endpoint == "dormouse"


NAMES = st.sampled_from(["dormouse", "Dormouse", "reviews", "REVIEWS", "other"])
CONFIG_NAMES = st.sampled_from(["stack-endpointconfig-new", "stack-endpointconfig-old", "c1", "c2"])
TAGS = st.fixed_dictionaries(
    {},
    optional={
        "dormouse:stack": st.sampled_from(["dormouse-stack", "s2", "s3"]),
        "dormouse:idle-timeout": st.sampled_from(["5m", "soon"]),
    },
)
CONFIGS = st.lists(
    st.builds(
        lambda endpoint, name, tags: TaggedConfig(name, {"dormouse:endpoint": endpoint, **tags}),
        NAMES,
        CONFIG_NAMES,
        TAGS,
    ),
    max_size=6,
    unique_by=lambda config: config.config_name,
)


@given(CONFIGS, st.randoms())
def test_the_order_in_which_configs_are_listed_changes_nothing(
    configs: list[TaggedConfig], random: Random
) -> None:
    """Otherwise an endpoint would be decided on anew with each answer of the tagging API."""
    shuffled = list(configs)
    random.shuffle(shuffled)

    assert settle_claims(shuffled, US) == settle_claims(configs, US)


@given(CONFIGS)
def test_each_endpoint_is_settled_once(configs: list[TaggedConfig]) -> None:
    """Whatever case its name is written in; and a spec speaks only for what it was written for."""
    claims = settle_claims(configs, US)

    names = [claim.endpoint.lower() for claim in claims]
    assert names == sorted({c.tags["dormouse:endpoint"].lower() for c in configs})
    for claim in claims:
        if isinstance(claim, Spec):
            (speaker,) = [
                c
                for c in configs
                if c.tags["dormouse:endpoint"] == claim.endpoint
                and c.config_name.lower() == claim.config_name.lower()
            ]
            assert speaker.tags.get("dormouse:stack", "dormouse-stack") == "dormouse-stack"
