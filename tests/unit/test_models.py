"""The desk for models: uploading and retiring them, and the aliases that stand for them."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from dormouse.aliases import Aliases, Switch
from dormouse.domain.alias import AliasError
from dormouse.domain.model_listing import View
from dormouse.domain.model_name import ModelNameError
from dormouse.errors import (
    AliasRefusedError,
    AwsError,
    ElsewhereError,
    MissingAliasError,
    MissingModelError,
    ModelTakenError,
    RefusedEndpointError,
    UnmanagedEndpointError,
)
from dormouse.intents import Intents
from dormouse.models import LISTED_AT_MOST, Models
from tests.fakes.clock import FakeClock
from tests.fakes.deployment import DEPLOYMENT
from tests.fakes.ledger import FakeLedgers
from tests.fakes.models import FakeModelStore
from tests.fakes.requests import FakeUsageLedger
from tests.fakes.world import FakeCatalog, config

LIVE, ONE, TWO = "sentiment@live", "sentiment-1.tar.gz", "sentiment-2.tar.gz"


class ModelDesk:
    """The desk of the stack's own endpoint, `dormouse`; `reviews` is another's models."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.catalog = FakeCatalog([config("dormouse"), config("reviews")])
        self.state = FakeLedgers()
        self.store = FakeModelStore()
        self.usage = FakeUsageLedger()
        intents = Intents(self.catalog, self.state, self.usage, self.clock, DEPLOYMENT)
        self.models = Models(intents, self.store, self.state, self.usage, self.clock)
        self.aliases = Aliases(intents, self.store, self.state, self.clock)
        self.store.put([ONE, TWO])

    @property
    def pointed(self) -> dict[str, str]:
        """What the aliases stand for."""
        return dict(self.state.read("dormouse").aliases)


@pytest.fixture
def desk() -> ModelDesk:
    """Fresh, with two models."""
    return ModelDesk()


# ---------------------------------------------------------------------------------------- the list


def test_the_models_of_the_own_endpoint_lie_in_the_bucket(desk: ModelDesk) -> None:
    """With their use."""
    desk.usage.use("dormouse", {ONE: 3}, desk.clock() - timedelta(minutes=5))
    desk.usage.use("dormouse", {TWO: 3}, desk.clock() - timedelta(hours=5))
    desk.aliases.switch("dormouse", LIVE, TWO)

    listing = desk.models.list_all("dormouse", View(hours=2))

    assert listing.since == desk.clock() - timedelta(hours=2)
    one, two = listing.models
    assert (one.tally.requests, two.tally.requests) == (3, 0)
    assert two.last_used_at == desk.clock() - timedelta(hours=5)
    assert two.aliases == [LIVE]
    assert listing.is_complete


def test_of_others_what_is_used_is_known(desk: ModelDesk) -> None:
    """Where they lie is not."""
    desk.usage.use("reviews", {"a": 1}, desk.clock() - timedelta(days=3))
    (model,) = desk.models.list_all("reviews", View()).models
    assert (model.name, model.stored) == ("a", None)
    unused = desk.models.list_all("reviews", View(unused_days=3)).models
    assert [model.name for model in unused] == ["a"]


def test_the_unused_are_those_that_are_there(desk: ModelDesk) -> None:
    """What has been retired takes no place any more."""
    desk.usage.use("dormouse", {"retired-1.tar.gz": 1}, desk.clock() - timedelta(days=20))
    desk.usage.use("dormouse", {TWO: 1}, desk.clock() - timedelta(days=3))
    unused = desk.models.list_all("dormouse", View(unused_days=10)).models
    assert [model.name for model in unused] == [ONE]


def test_a_list_ends_somewhere_and_says_so(desk: ModelDesk) -> None:
    """No answer of Lambda may be as long as a bucket."""
    desk.store.put(f"{number}.tar.gz" for number in range(LISTED_AT_MOST))
    listing = desk.models.list_all("dormouse", View())
    assert (len(listing.models), listing.is_complete) == (LISTED_AT_MOST, False)


# ------------------------------------------------------------------------------- upload, and retire


def test_leave_to_upload_lasts_an_hour(desk: ModelDesk) -> None:
    """Under a new name."""
    upload = desk.models.upload("dormouse", "team/new.tar.gz")
    assert upload.expires_at == desk.clock() + timedelta(hours=1)


def test_a_name_that_is_or_was_taken_is_not_given_again(desk: ModelDesk) -> None:
    """SageMaker goes on with what it has loaded under it."""
    with pytest.raises(ModelTakenError, match=f"there is a model {ONE}, and SageMaker may go on"):
        desk.models.upload("dormouse", ONE)
    desk.models.retire("dormouse", ONE)
    with pytest.raises(ModelTakenError, match=f"there was a model {ONE}, and SageMaker may go on"):
        desk.models.upload("dormouse", ONE)


def test_a_model_is_retired(desk: ModelDesk) -> None:
    """It lies elsewhere then."""
    assert desk.models.retire("dormouse", ONE) == f"retired/{ONE}"
    assert not desk.store.has(ONE)
    with pytest.raises(MissingModelError, match=f"there is no model {ONE}"):
        desk.models.retire("dormouse", ONE)


def test_what_an_alias_stands_for_is_not_retired(desk: ModelDesk) -> None:
    """All of them are named; once they are switched, it is."""
    for alias in ("b@1", "a@1"):
        desk.aliases.switch("dormouse", alias, ONE)
    with pytest.raises(ModelTakenError, match=f"{ONE} is what a@1, b@1 stands for"):
        desk.models.retire("dormouse", ONE)
    assert desk.store.has(ONE)
    desk.aliases.switch("dormouse", "c@1", ONE)
    for alias in ("a@1", "b@1", "c@1"):
        desk.aliases.switch("dormouse", alias, TWO)
    desk.models.retire("dormouse", ONE)


@pytest.mark.parametrize("at", ["has", "set_alias"])
def test_no_alias_comes_to_stand_for_what_is_being_retired(
    desk: ModelDesk, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """Whoever switches may have seen the model, be slow, and come when it is gone."""
    target = desk.store if at == "has" else desk.state
    act = getattr(target, at)

    def meanwhile(*arguments: object) -> object:
        monkeypatch.setattr(target, at, act)
        if at == "has":
            seen = act(*arguments)
            desk.models.retire("dormouse", ONE)
            return seen
        desk.models.retire("dormouse", ONE)
        desk.clock.advance(seconds=58)
        return act(*arguments)

    monkeypatch.setattr(target, at, meanwhile)
    with pytest.raises(AliasRefusedError, match=f"{ONE} is being retired"):
        desk.aliases.switch("dormouse", LIVE, ONE)
    assert desk.pointed == {}
    assert not desk.store.has(ONE)


def test_what_s3_refuses_can_be_tried_again(
    desk: ModelDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then the model is claimed."""
    retire = desk.store.retire

    def refuse(_model: str) -> str:
        raise AwsError("CopyObject failed")

    monkeypatch.setattr(desk.store, "retire", refuse)
    with pytest.raises(AwsError, match="CopyObject failed"):
        desk.models.retire("dormouse", ONE)
    with pytest.raises(AliasRefusedError):
        desk.aliases.switch("dormouse", LIVE, ONE)
    monkeypatch.setattr(desk.store, "retire", retire)
    assert desk.models.retire("dormouse", ONE) == f"retired/{ONE}"


@pytest.mark.parametrize("act", [Models.upload, Models.retire])
def test_names_and_endpoints_are_checked(
    desk: ModelDesk, act: Callable[[Models, str, str], object]
) -> None:
    """Nothing is done with what is not the deployment's."""
    with pytest.raises(ModelNameError):
        act(desk.models, "dormouse", "../a.tar.gz")
    with pytest.raises(ElsewhereError, match="the models of reviews don't lie in the bucket of"):
        act(desk.models, "reviews", ONE)
    with pytest.raises(UnmanagedEndpointError):
        act(desk.models, "nobodys", ONE)
    desk.catalog.configs = [config("dormouse", idle_timeout="soon")]
    with pytest.raises(RefusedEndpointError):
        act(desk.models, "dormouse", ONE)


# ------------------------------------------------------------------------------------------ aliases


def test_an_alias_is_switched_and_back(desk: ModelDesk) -> None:
    """It says what it stood for, and from when on everybody follows."""
    first = desk.aliases.switch("dormouse", LIVE, ONE)
    second = desk.aliases.switch("dormouse", LIVE, TWO)
    followed_at = desk.clock() + timedelta(seconds=5)
    assert first == Switch(LIVE, ONE, None, followed_at)
    assert second == Switch(LIVE, TWO, ONE, followed_at)
    assert desk.aliases.switch("dormouse", LIVE, ONE).previous == TWO
    desk.aliases.switch("dormouse", "a@1", TWO)
    assert list(desk.aliases.list_all("dormouse").items()) == [("a@1", TWO), (LIVE, ONE)]


def test_an_alias_is_removed(desk: ModelDesk) -> None:
    """Once."""
    desk.aliases.switch("dormouse", LIVE, ONE)
    followed_at = desk.clock() + timedelta(seconds=5)
    assert desk.aliases.remove("dormouse", LIVE) == Switch(LIVE, None, ONE, followed_at)
    with pytest.raises(MissingAliasError, match=f"dormouse has no alias {LIVE}"):
        desk.aliases.remove("dormouse", LIVE)


def test_an_alias_stands_for_a_model_that_is_there(desk: ModelDesk) -> None:
    """As far as that can be seen: other endpoints' models lie elsewhere."""
    with pytest.raises(MissingModelError, match="there is no model nope that sentiment@live could"):
        desk.aliases.switch("dormouse", LIVE, "nope")
    assert desk.pointed == {}
    assert desk.aliases.switch("reviews", LIVE, "nope").model == "nope"
    assert desk.aliases.list_all("reviews") == {LIVE: "nope"}


def test_aliases_and_endpoints_are_checked(desk: ModelDesk) -> None:
    """Nothing is written."""
    acts: list[Callable[[str, str], object]] = [
        lambda endpoint, alias: desk.aliases.switch(endpoint, alias, ONE),
        desk.aliases.remove,
    ]
    for act in acts:
        with pytest.raises(AliasError):
            act("dormouse", "sentiment")
        with pytest.raises(UnmanagedEndpointError):
            act("nobodys", LIVE)
    with pytest.raises(UnmanagedEndpointError):
        desk.aliases.list_all("nobodys")
    assert desk.state.ledgers == {}
