"""`control` by HTTP: models, aliases and ground truth."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dormouse.domain.capture_policy import CapturePolicy
from dormouse.domain.latencies import Latencies
from dormouse.domain.terms import Terms
from dormouse.domain.usage import MinutePart, Tally
from dormouse.errors import AwsError
from tests.fakes.models import UPLOADED_AT
from tests.fakes.world import config
from tests.handlers.conftest import Handlers, golden
from tests.handlers.control_api import answered, event, refused

LIVE, ONE, TWO = "sentiment@live", "sentiment-1.tar.gz", "team/sentiment-2.tar.gz"
MODEL_FIELDS = {
    "model",
    "size_bytes",
    "uploaded_at",
    "loaded",
    "last_used_at",
    "unused_days",
    "aliases",
    "requests",
    "errors_4xx",
    "errors_5xx",
    "cold_requests",
    "waited_seconds",
    "bytes_in",
    "bytes_out",
    "latency_ms",
}


def logged(handlers: Handlers, message: str) -> dict[str, Any]:
    """Read the only line that says this."""
    (line,) = [line for line in handlers.logged("INFO") if line["message"] == message]
    return line


# ------------------------------------------------------------------------------------------- models


def test_the_models(handlers: Handlers) -> None:
    """Each with where it lies, its use, and its aliases; and who has asked."""
    handlers.store.put([TWO, ONE])
    handlers.world.usage.use("dormouse", {ONE: 3}, handlers.clock() - timedelta(hours=1))
    accepted = event("PUT", f"/endpoints/dormouse/aliases/{LIVE}", f'{{"model": "{ONE}"}}')
    answered(handlers.control(accepted), 200)

    body = answered(handlers.control(event("GET", "/endpoints/dormouse/models")), 200)

    one, two = body.pop("models")
    assert body == {
        "endpoint": "dormouse",
        "since": "2026-02-15T09:00:00.000Z",
        "complete": True,
        "loaded_as_far_as_seen": 0,
        "callers": [],
    }
    assert set(one) == set(two) == MODEL_FIELDS
    assert two == {
        "model": TWO,
        "size_bytes": 1000 + len(TWO),
        "uploaded_at": "2026-02-01T12:00:00.000Z",
        "loaded": False,
        "last_used_at": None,
        "unused_days": (handlers.clock() - UPLOADED_AT).days,
        "aliases": [],
        "requests": 0,
        "errors_4xx": 0,
        "errors_5xx": 0,
        "cold_requests": 0,
        "waited_seconds": 0.0,
        "bytes_in": 0,
        "bytes_out": 0,
        "latency_ms": None,
    }
    assert (one["requests"], one["aliases"]) == (3, [LIVE])
    assert one["last_used_at"] == "2026-02-16T08:00:00.000Z"
    assert one["unused_days"] == 0


def test_the_counts_of_a_model(handlers: Handlers) -> None:
    """Times in milliseconds and seconds; who has asked most comes first."""
    latency = Latencies.of(timedelta(milliseconds=20))
    tally = Tally(9, 1, 2, 3, timedelta(seconds=1.5), 100, 200, latency)
    minute = handlers.clock() - timedelta(minutes=2)
    part = MinutePart("dormouse", minute, "c", {ONE: tally}, {"jo": 2, "al": 3, "bo": 3})
    handlers.world.usage.record([part], [])

    body = answered(handlers.control(event("GET", "/endpoints/dormouse/models")), 200)

    (model,) = body["models"]
    assert [caller["principal"] for caller in body["callers"]] == ["al", "bo", "jo"]
    assert body["callers"][0] == {"principal": "al", "requests": 3}
    assert (model["requests"], model["errors_4xx"], model["errors_5xx"]) == (9, 1, 2)
    assert (model["cold_requests"], model["waited_seconds"]) == (3, 1.5)
    assert (model["bytes_in"], model["bytes_out"]) == (100, 200)
    assert set(model["latency_ms"]) == {"p50", "p90", "p99"}
    assert model["latency_ms"]["p50"] == pytest.approx(20, rel=0.1)
    assert (model["size_bytes"], model["unused_days"]) == (None, None)


def test_the_unused_models(handlers: Handlers) -> None:
    """The golden request asks for those of a month."""
    handlers.store.put([ONE], handlers.clock() - timedelta(days=31))
    handlers.store.put([TWO], handlers.clock() - timedelta(days=29))

    body = answered(handlers.control(golden("control-models.json")), 200)

    assert [model["model"] for model in body["models"]] == [ONE]
    assert body["since"] == "2026-02-09T09:00:00.000Z"


def test_leave_to_upload(handlers: Handlers) -> None:
    """The URL itself is no part of the log."""
    body = answered(handlers.control(golden("control-upload-model.json")), 201)

    assert body == {
        "upload_url": f"https://models.example/models/{TWO}",
        "method": "PUT",
        "headers": {"If-None-Match": "*"},
        "expires_at": "2026-02-16T10:00:00.000Z",
    }
    line = logged(handlers, "upload")
    assert (line["endpoint"], line["model"]) == ("dormouse", TWO)
    assert line["principal"] == "arn:aws:iam::123456789012:user/jo"
    assert "models.example" not in json.dumps(handlers.printed())


def test_a_retirement(handlers: Handlers) -> None:
    """Once."""
    handlers.store.put([TWO])

    body = answered(handlers.control(golden("control-retire-model.json")), 200)

    assert body == {"model": TWO, "retired_to": f"retired/{TWO}"}
    assert logged(handlers, "retire")["model"] == TWO
    detail = refused(handlers, golden("control-retire-model.json"), 404, "Not Found")
    assert detail == f"there is no model {TWO}"
    detail = refused(handlers, golden("control-upload-model.json"), 409, "Conflict")
    assert detail.startswith(f"there was a model {TWO}")


def test_what_an_alias_stands_for_is_not_retired(handlers: Handlers) -> None:
    """It is named."""
    handlers.store.put([TWO])
    answered(handlers.control(golden("control-set-alias.json")), 200)

    detail = refused(handlers, golden("control-retire-model.json"), 409, "Conflict")

    assert detail.startswith(f"{TWO} is what {LIVE} stands for")
    assert handlers.store.has(TWO)


# ------------------------------------------------------------------------------------------ aliases


def test_aliases(handlers: Handlers) -> None:
    """They are set, listed and removed."""
    handlers.store.put([ONE, TWO])
    sent = event("PUT", f"/endpoints/dormouse/aliases/{LIVE}", f'{{"model": "{ONE}"}}')
    followed_at = "2026-02-16T09:00:05.000Z"

    first = answered(handlers.control(sent), 200)
    assert first == {
        "alias": LIVE,
        "model": ONE,
        "previous": None,
        "followed_at": followed_at,
    }
    second = answered(handlers.control(golden("control-set-alias.json")), 200)
    assert (second["model"], second["previous"]) == (TWO, ONE)
    assert handlers.table.read("dormouse").aliases == {LIVE: TWO}
    assert [
        (line["alias"], line["model"], line.get("previous"))
        for line in handlers.logged("INFO")
        if line["message"] == "alias"
    ] == [(LIVE, ONE, None), (LIVE, TWO, ONE)]

    listed = answered(handlers.control(golden("control-aliases.json")), 200)
    assert listed == {"endpoint": "dormouse", "aliases": [{"alias": LIVE, "model": TWO}]}

    removed = answered(handlers.control(golden("control-remove-alias.json")), 200)
    assert removed == {
        "alias": LIVE,
        "model": None,
        "previous": TWO,
        "followed_at": followed_at,
    }
    detail = refused(handlers, golden("control-remove-alias.json"), 404, "Not Found")
    assert detail == f"dormouse has no alias {LIVE}"


def test_one_alias_too_many(handlers: Handlers) -> None:
    """Is a conflict with those that there are."""
    handlers.store.put([ONE])
    table = handlers.table
    model = {"S": ONE}
    table.client.put_item(
        TableName=table.table_name,
        Item={
            "endpoint": {"S": "dormouse"},
            "aliases": {"M": {f"a@{number}": model for number in range(200)}},
        },
    )
    body = f'{{"model": "{ONE}"}}'
    sent = event("PUT", f"/endpoints/dormouse/aliases/{LIVE}", body)
    detail = refused(handlers, sent, 409, "Conflict")
    assert detail.startswith("dormouse has 200 aliases already, and may have 200")
    answered(handlers.control(event("PUT", "/endpoints/dormouse/aliases/a@7", body)), 200)


# ------------------------------------------------------------------------------------- ground truth


def test_ground_truth(handlers: Handlers) -> None:
    """In one object, beside the captures."""
    body = answered(handlers.control(golden("control-ground-truth.json")), 200)

    assert body == {"written": 2, "not_sampled": 0}
    ((key, (written, content_type)),) = handlers.truths.stored.items()
    assert key.startswith("ground-truth/dormouse/2026/02/16/09/")
    assert content_type == "application/jsonlines"
    assert [json.loads(line) for line in written.splitlines()] == [
        {
            "groundTruthData": {"data": "positive", "encoding": "CSV"},
            "eventMetadata": {"eventId": "review-1841"},
            "eventVersion": "0",
        },
        {
            "groundTruthData": {"data": '{"label": "negative"}', "encoding": "JSON"},
            "eventMetadata": {"eventId": "5b0f6d2c-9e7a-4138-8f2b-1c0d4e6a7b93"},
            "eventVersion": "0",
        },
    ]
    line = logged(handlers, "ground truth")
    assert (line["written"], line["not_sampled"]) == (2, 0)
    answered(handlers.control(golden("control-ground-truth.json")), 200)
    assert len(handlers.truths.stored) == 1


@pytest.mark.parametrize("is_obeyed", [True, False])
def test_what_is_not_captured_has_no_ground_truth(handlers: Handlers, is_obeyed: bool) -> None:
    """By the tags, or else by those that could be obeyed last."""
    if is_obeyed:
        handlers.world.catalog.configs = [config("dormouse", capture_percent="0")]
    else:
        handlers.world.catalog.configs = [config("dormouse", idle_timeout="soon")]
        terms = Terms(capture=CapturePolicy(percent=Decimal(0)))
        handlers.table.record_terms("dormouse", terms)

    body = answered(handlers.control(golden("control-ground-truth.json")), 200)

    assert body == {"written": 0, "not_sampled": 2}
    assert handlers.truths.stored == {}


def test_before_anything_is_known_all_is_captured(handlers: Handlers) -> None:
    """As is the default."""
    handlers.world.catalog.configs = []
    body = answered(handlers.control(golden("control-ground-truth.json")), 200)
    assert body == {"written": 2, "not_sampled": 0}


# ----------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("PUT", "/endpoints/dormouse/models/a.zip", None, "'a.zip' is no name for a model"),
        ("PUT", "/endpoints/dormouse/models/../a.tar.gz", None, "is no name for a model"),
        ("PUT", "/endpoints/dormouse/models//a.tar.gz", None, "'/a.tar.gz' is no name"),
        ("PUT", "/endpoints/dormouse/models/a@b.tar.gz", None, "is no name for a model"),
        ("DELETE", "/endpoints/dormouse/models/a.zip", None, "'a.zip' is no name for a model"),
        ("PUT", "/endpoints/dormouse/aliases/live", '{"model": "a"}', "'live' is no alias"),
        ("DELETE", "/endpoints/dormouse/aliases/live", None, "'live' is no alias"),
        ("PUT", "/endpoints/dormouse/aliases/a@b", None, '"model" must be the name of a model'),
        ("PUT", "/endpoints/dormouse/aliases/a@b", "{", "the body is not JSON"),
        ("PUT", "/endpoints/dormouse/ground-truth", "{", "the body is not JSON"),
        ("PUT", "/endpoints/dormouse/ground-truth", None, '"records" must be a list'),
        ("PUT", "/endpoints/dormouse/ground-truth", '{"records": [1]}', "records[0] must be"),
    ],
)
def test_what_cant_be_read_is_a_400_that_names_it(
    handlers: Handlers, method: str, path: str, body: str | None, words: str
) -> None:
    """And nothing is written."""
    assert words in refused(handlers, event(method, path, body), 400, "Bad Request")
    assert handlers.table.read_all() == {}
    assert handlers.truths.stored == {}


def test_a_bad_query_is_named(handlers: Handlers) -> None:
    """By its member."""
    for name, text in (("hours", "x"), ("unused", "3")):
        sent = event("GET", "/endpoints/dormouse/models", queryStringParameters={name: text})
        assert name in refused(handlers, sent, 400, "Bad Request")


ROUTES = [
    ("GET", "/endpoints/{}/models", None),
    ("PUT", "/endpoints/{}/models/new.tar.gz", None),
    ("DELETE", "/endpoints/{}/models/sentiment-1.tar.gz", None),
    ("GET", "/endpoints/{}/aliases", None),
    ("PUT", "/endpoints/{}/aliases/sentiment@live", f'{{"model": "{ONE}"}}'),
    ("DELETE", "/endpoints/{}/aliases/sentiment@live", None),
    ("PUT", "/endpoints/{}/ground-truth", '{"records": [{"event_id": "a", "data": ""}]}'),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_of_what_nobody_manages_there_is_nothing(
    handlers: Handlers, method: str, path: str, body: str | None
) -> None:
    """Though it might be somebody's endpoint."""
    sent = event(method, path.format("nobodys"), body)
    detail = refused(handlers, sent, 404, "Not Found")
    assert "no EndpointConfig is tagged dormouse:endpoint=nobodys" in detail


@pytest.mark.parametrize(("method", "path", "body"), ROUTES[1:3])
def test_models_that_lie_elsewhere_are_their_owners(
    handlers: Handlers, method: str, path: str, body: str | None
) -> None:
    """It says where to."""
    handlers.world.catalog.configs.append(config("reviews"))
    detail = refused(handlers, event(method, path.format("reviews"), body), 409, "Conflict")
    assert "the models of reviews don't lie in the bucket of this deployment" in detail


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_a_path_counts_by_its_own_route_only(
    handlers: Handlers, method: str, path: str, body: str | None
) -> None:
    """IAM let it in by another, since an encoded slash did not count then; or for another name."""
    handlers.store.put([ONE])
    own = path.format("dormouse")
    for route in ("$default", "GET /endpoints/{name}", "PUT /endpoints/{name}/aliases/{other}"):
        refused(handlers, event(method, own, body, routeKey=route), 404, "Not Found")
    for name in ("other", "dormouse/models/x", "dormouse%2Fmodels%2Fx"):
        sent = event(method, own, body, pathParameters={"name": name})
        refused(handlers, sent, 404, "Not Found")
    assert handlers.store.has(ONE)
    assert handlers.table.read_all() == {}
    assert handlers.truths.stored == {}


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/endpoints/dormouse/models", "GET"),
        ("PUT", "/endpoints/dormouse/aliases", "GET"),
        ("GET", "/endpoints/dormouse/models/team/a.tar.gz", "DELETE, PUT"),
        ("POST", "/endpoints/dormouse/aliases/a@b", "DELETE, PUT"),
        ("POST", "/endpoints/dormouse/ground-truth", "PUT"),
    ],
)
def test_another_method_is_a_405_that_says_which(
    handlers: Handlers, method: str, path: str, allow: str
) -> None:
    """As for the other paths."""
    answer = handlers.control(event(method, path))
    assert answer["headers"]["allow"] == allow
    assert answer["statusCode"] == 405


@pytest.mark.parametrize("operation", ["usage.usage", "usage.last_uses"])
def test_what_cant_be_read_is_a_503(handlers: Handlers, operation: str) -> None:
    """Rather than taken for no use."""

    def refuse(at: str, _is_done: bool) -> None:
        if at == operation:
            raise AwsError("Query was throttled")

    handlers.world.usage.disturb = refuse
    detail = refused(handlers, golden("control-models.json"), 503, "Service Unavailable")
    assert detail == "Query was throttled"
