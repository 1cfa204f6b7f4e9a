"""Tags and parameters that can't be obeyed, in the order of the tests: each is one sentence, and
none of them ends what serves. An endpoint that is idle all the while ends once its tags are mended.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.stack import DeployError
from tests.e2e.deployments import Deployment, Json, LocalAws, as_tags, wait_until

IDLE = "idle"
"""Created by hand and handed over; nobody uses it."""
IDLE_CONFIG, SECOND_CONFIG = "idle-config", "second-config"
GOOD_TAGS = {"dormouse:endpoint": IDLE, "dormouse:idle-timeout": "60s"}


@pytest.fixture(scope="module")
def dormouse(aws: LocalAws) -> Deployment:
    """A stack whose endpoint serves, and an endpoint that was handed over to it and serves."""
    deployed = aws.deploy("dormouse", EndpointName="dormouse")
    deployed.post("wake")
    deployed.tag_a_config(IDLE_CONFIG, GOOD_TAGS)
    deployed.hand_over(IDLE, IDLE_CONFIG)
    deployed.wait_for_status("InService", IDLE)
    assert deployed.tick()[IDLE]["action"] == "stay up"
    # From here on its tags are bad, in one way or another, until the last test mends them.
    retag(deployed, IDLE_CONFIG, GOOD_TAGS | {"dormouse:unknown": "tag"})
    deployed.wait_for_status("InService")
    return deployed


@pytest.fixture
def unharmed(dormouse: Deployment) -> Iterator[None]:
    """Both serve after the test, and are the same endpoints as before."""

    def serving() -> list[tuple[Any, Any]]:
        described = [dormouse.aws.endpoint(name) for name in ("dormouse", IDLE)]
        return [(row["EndpointStatus"], row["CreationTime"]) for row in described if row]

    before = serving()
    assert [status for status, _ in before] == ["InService", "InService"]
    yield
    dormouse.tick()
    assert serving() == before


def retag(dormouse: Deployment, config_name: str, tags: Mapping[str, str]) -> None:
    """Give an EndpointConfig these tags and no others."""
    sagemaker = dormouse.client("sagemaker")
    arn = sagemaker.describe_endpoint_config(EndpointConfigName=config_name)["EndpointConfigArn"]
    former = {tag["Key"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    # What comes comes first: in between, neither what was nor what will be is asked for.
    sagemaker.add_tags(ResourceArn=arn, Tags=as_tags(tags))
    if gone := sorted(former - tags.keys()):
        sagemaker.delete_tags(ResourceArn=arn, TagKeys=gone)


def check_that_it_says(dormouse: Deployment, endpoint: str, sentence: str) -> None:
    """The same sentence in the report of a tick, in the log and to whoever asks; a wake is
    refused."""
    report = dormouse.tick()[endpoint]
    assert (report["action"], report["rule"]) == ("wait", "refused")
    assert report["problem"] == sentence
    assert report["reason"] == f"left as it is, since {sentence}"

    logged = [line for line in dormouse.reconcile_log() if line.get("endpoint") == endpoint]
    assert (logged[-1]["level"], logged[-1]["message"]) == ("ERROR", sentence), logged

    standing = dormouse.standing(endpoint)
    assert standing["problem"] == sentence
    assert standing["endpoint_config"] is None
    assert standing["decision"]["reason"] == f"left as it is, since {sentence}"

    refused = dormouse.ask("POST", f"/endpoints/{endpoint}/wake")
    assert refused.status == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"] == f"{endpoint} is left as it is, since {sentence}"


def bad(tag: str, value: str, sentence: str) -> Any:
    """One tag of the config of the idle endpoint."""
    return pytest.param({tag: value}, sentence, id=f"{tag.partition(':')[2]}={value[:20]}")


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        bad(
            "dormouse:idle-timeout",
            "0",
            "EndpointConfig idle-config, tag dormouse:idle-timeout: '0' is not a duration: write "
            "an integer and s, m or h, as in 15m",
        ),
        bad(
            "dormouse:idle-timeout",
            "0s",
            "EndpointConfig idle-config, tag dormouse:idle-timeout: '0s' is out of range: from 1m "
            "to 168h is allowed, as in 168h",
        ),
        bad(
            "dormouse:idle-timeout",
            "soon",
            "EndpointConfig idle-config, tag dormouse:idle-timeout: 'soon' is not a duration: "
            "write an integer and s, m or h, as in 15m",
        ),
        bad(
            "dormouse:idle-timout",
            "15m",
            "EndpointConfig idle-config has the tag 'dormouse:idle-timout', which Dormouse does "
            "not know: write one that it does, as in dormouse:idle-timeout",
        ),
        bad(
            "dormouse:principals",
            "arn:aws:iam::000000000000:role/caller everybody",
            "EndpointConfig idle-config, tag dormouse:principals: 'everybody' is not the ARN of an "
            "IAM role or user, nor an account's id of 12 digits, as in "
            "arn:aws:iam::123456789012:role/my-role",
        ),
    ],
)
def test_a_bad_tag(dormouse: Deployment, tags: Json, sentence: str) -> None:
    """Of an EndpointConfig that was tagged by hand."""
    retag(dormouse, IDLE_CONFIG, GOOD_TAGS | tags)

    check_that_it_says(dormouse, IDLE, sentence)


@pytest.mark.usefixtures("unharmed")
def test_two_configs_claim_one_endpoint(dormouse: Deployment) -> None:
    """Neither speaks for it."""
    dormouse.tag_a_config(SECOND_CONFIG, GOOD_TAGS)
    retag(dormouse, IDLE_CONFIG, GOOD_TAGS)

    check_that_it_says(
        dormouse,
        IDLE,
        "several EndpointConfigs claim it by dormouse:endpoint with the same dormouse:priority 1: "
        "idle-config and second-config; give those to fall back on 2 or more",
    )


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    ("parameter", "value", "sentence"),
    [
        (
            "IdleTimeout",
            "0m",
            "A whole number followed by s, m or h, such as 90s, 15m or 2h, or nothing.",
        ),
        (
            "IdleTimeout",
            "soon",
            "A whole number followed by s, m or h, such as 90s, 15m or 2h, or nothing.",
        ),
        (
            "Principals",
            "arn:aws:iam::000000000000:role/one,arn:aws:iam::000000000000:role/two",
            "ARNs of IAM roles or users, or ids of accounts, separated by spaces; 256 characters "
            "at most.",
        ),
    ],
)
def test_cloudformation_refuses_a_parameter(
    dormouse: Deployment, parameter: str, value: str, sentence: str
) -> None:
    """In the template's own words, and nothing has changed."""
    before = dormouse.described()

    with pytest.raises(DeployError) as error:
        dormouse.change(**{parameter: value})

    assert sentence in str(error.value)
    assert dormouse.described() == before
    assert dormouse.standing()["problem"] is None


@pytest.mark.usefixtures("unharmed")
def test_a_parameter_out_of_bounds_is_refused_where_the_tag_is_read(dormouse: Deployment) -> None:
    """Ten years pass CloudFormation. Requests are answered all the same, and the next change mends
    it."""
    dormouse.change(IdleTimeout="87600h")

    config = dormouse.outputs()["EndpointConfigName"]
    check_that_it_says(
        dormouse,
        "dormouse",
        f"EndpointConfig {config}, tag dormouse:idle-timeout: '87600h' is out of range: from 1m to "
        "168h is allowed, as in 168h",
    )
    dormouse.check_that_it_lets_in()

    dormouse.change(IdleTimeout="2h")

    assert dormouse.tick()["dormouse"]["action"] == "stay up"
    standing = dormouse.standing()
    assert (standing["problem"], standing["idle_timeout_seconds"]) == (None, 7200)


def test_only_its_bad_tags_have_kept_it(dormouse: Deployment) -> None:
    """The endpoint that nobody has used for long enough: mended, it is managed again, and ends."""
    described = dormouse.aws.endpoint(IDLE)
    assert described is not None
    idle_at = described["LastModifiedTime"] + timedelta(seconds=60 + 5)
    wait_until(lambda: datetime.now(UTC) > idle_at, "idle for as long as its tags would allow")
    assert dormouse.tick()[IDLE]["rule"] == "refused"
    assert dormouse.aws.endpoints() == ["dormouse", IDLE]

    dormouse.client("sagemaker").delete_endpoint_config(EndpointConfigName=SECOND_CONFIG)

    assert dormouse.standing(IDLE)["problem"] is None
    dormouse.tick()
    dormouse.wait_for_status(None, IDLE)
    decisions = [(row["action"], row["reason"]) for row in dormouse.standing(IDLE)["decisions"]]
    why = "no request for 1m, by the proxy's ledger and by CloudWatch"
    assert ("stop", why) in decisions
    assert dormouse.aws.endpoints() == ["dormouse"]
