"""Saving what dies with an endpoint, and giving it back."""

import json

import pytest

from dormouse.domain.endpoint import EndpointStatus, Present
from dormouse.domain.keepsake import LONGEST_SCALING, Keepsake
from dormouse.errors import AwsError
from dormouse.keeping import Keeping
from tests.fakes.clock import FakeClock
from tests.fakes.surroundings import FakeScaling

SEEN = Present(
    "arn:aws:sagemaker:us-east-1:123456789012:endpoint/reviews",
    EndpointStatus.IN_SERVICE,
    "reviews-config",
    ("AllTraffic",),
    FakeClock()(),
    deployment_config='{"AutoRollbackConfiguration": {}}',
)
SCALING = '{"targets": [{"MaxCapacity": 3, "ResourceId": "endpoint/reviews/variant/AllTraffic"}]}'
OTHER = '{"targets": [{"MaxCapacity": 9, "ResourceId": "endpoint/reviews/variant/large"}]}'


def test_everything_that_dies_is_saved() -> None:
    """Its tags, its DeploymentConfig and its autoscaling."""
    keeping = Keeping(FakeScaling({"reviews": SCALING}))

    saved = keeping.save("reviews", SEEN, {"team": "search", "aws:x": "y"}, None)

    assert saved == Keepsake({"team": "search"}, SEEN.deployment_config, SCALING)


def test_what_belongs_to_variants_that_it_has_not_now_stays_kept() -> None:
    """It runs on a fall-back that names them otherwise; of its own the present ones count."""
    keeping = Keeping(FakeScaling({"reviews": SCALING}))
    former = Keepsake({"gone": "tag"}, "{}", OTHER)

    saved = keeping.save("reviews", SEEN, {}, former)

    targets = json.loads(saved.scaling or "")["targets"]
    assert [target["MaxCapacity"] for target in targets] == [3, 9]
    assert saved.tags == {}
    assert keeping.save("reviews", SEEN, {}, saved) == saved


def test_what_cannot_be_read_is_not_taken_for_nothing() -> None:
    """It would be lost with the endpoint."""
    keeping = Keeping(FakeScaling(unreadable="DescribeScalableTargets refused"))

    with pytest.raises(AwsError, match="DescribeScalableTargets refused"):
        keeping.save("reviews", SEEN, {}, None)


def test_what_cannot_be_kept_is_not_deleted() -> None:
    """The error says whose, and what to do."""
    keeping = Keeping(FakeScaling({"reviews": "x" * (LONGEST_SCALING + 1)}))

    with pytest.raises(AwsError, match=r"^reviews is not deleted: its autoscaling has"):
        keeping.save("reviews", SEEN, {}, None)


def test_autoscaling_is_given_back() -> None:
    """Once it serves; what CreateEndpoint gives back is not repeated."""
    scaling = FakeScaling()

    Keeping(scaling).restore("reviews", Keepsake({"team": "search"}, None, SCALING), SEEN)

    assert scaling.restored == [("reviews", SCALING)]


def test_nothing_is_given_back_where_nothing_was() -> None:
    """Application Auto Scaling is not asked."""
    scaling = FakeScaling(refuses="RegisterScalableTarget refused")

    Keeping(scaling).restore("reviews", Keepsake({"team": "search"}), SEEN)

    assert scaling.restored == []
