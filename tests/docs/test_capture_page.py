"""docs/capture.md and docs/models-in-use.md say what the code does."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dormouse.adapters.captures import RECORD_LIMIT_BYTES
from dormouse.domain import spec
from dormouse.domain.alias import ALIAS_INTERVAL, MOST_ALIASES
from dormouse.domain.capture import is_sampled, write_record
from dormouse.domain.capture_policy import (
    DEFAULT_CAPTURE,
    CapturePolicy,
    parse_percent,
    parse_redact,
)
from dormouse.domain.exchange import Exchange, Way
from dormouse.domain.ground_truth import LONGEST_TRUTH, MOST_RECORDS, read_ground_truth
from dormouse.domain.invocation import BODY_LIMIT_BYTES, Execution, InvocationResponse
from dormouse.domain.model_listing import ListedModel, View
from dormouse.domain.usage import Tally
from dormouse.model_standing import write_listing
from dormouse.models import Listing
from dormouse_cli.ground_truth import read_ground_truth as read_lines
from tests.docs.page import REPOSITORY, Page
from tests.template.cloudformation import resources, template

CAPTURE = Page(REPOSITORY / "docs" / "capture.md")
IN_USE = Page(REPOSITORY / "docs" / "models-in-use.md")
AT = datetime(2026, 2, 14, 17, 25, 49, tzinfo=UTC)
EXCHANGE = Exchange(
    event_id="0d0e6c27-2c0a-4a63-8b0e-3c8f6a1f7e11",
    endpoint="dormouse",
    way=Way.HELD,
    arrived_at=AT - timedelta(minutes=5),
    ended_at=AT,
    principal="arn:aws:iam::123456789012:role/shop",
    asked_model="sentiment@live",
    inference_id="order-17",
    custom_attributes="shop=berlin",
    content_type="application/json",
    body=b'{"inputs": "jo@example.com loved it"}',
    response=InvocationResponse(
        200,
        {"content-type": "application/json", "x-amzn-invoked-production-variant": "AllTraffic"},
        b'{"predictions": [{"label": "positive", "score": 0.98}]}',
        execution=Execution("sentiment-2.tar.gz", "sentiment@live", timedelta(milliseconds=12.3)),
    ),
    is_cold=True,
    waited=timedelta(seconds=290.5),
)


def the_block(page: Page, language: str) -> str:
    """The one block of code in this language."""
    [block] = [text for name, text in page.blocks() if name == language]
    return block


def test_the_example_is_what_is_written() -> None:
    """Member by member, in this order."""
    record = write_record(EXCHANGE, CapturePolicy(), by_model=True)
    told = json.loads(the_block(CAPTURE, "json"))
    assert json.dumps(told) == json.dumps(json.loads(record.line))


def test_every_member_is_explained() -> None:
    """Those that the table of Athena has, too, but for those of SageMaker's own that say it all."""
    names = {span for row in CAPTURE.table("member", "meaning") for span in row.spans(0)}
    [columns] = [
        column["Type"]
        for column in resources("AWS::Glue::Table")["CaptureTable"]["Properties"]["TableInput"][
            "StorageDescriptor"
        ]["Columns"]
        if column["Name"] == "eventmetadata"
    ]
    in_athena = set(re.findall(r"(\w+):", columns))
    explained = {name.lower() for name in names} | {"eventid", "endpointname", "customattributes"}
    assert in_athena <= explained
    assert explained <= in_athena | {"data", "encoding"}


def test_every_tag_is_told_with_its_default_as_in_the_readme() -> None:
    """And as the code has it."""
    rows = {row.spans(0)[0]: row for row in CAPTURE.table("tag", "value", "default")}
    tags = {value for name, value in vars(spec).items() if re.fullmatch(r"CAPTURE_\w+_TAG", name)}
    assert set(rows) == tags
    default = {tag: row.spans(2)[0] for tag, row in rows.items()}
    policy = DEFAULT_CAPTURE
    assert default == {
        spec.CAPTURE_PERCENT_TAG: str(policy.percent),
        spec.CAPTURE_CONTENT_TAG: policy.content.value,
        spec.CAPTURE_REDACT_TAG: default[spec.CAPTURE_REDACT_TAG],
        spec.CAPTURE_MAX_BODY_TAG: str(policy.max_body),
        spec.CAPTURE_JSON_TYPES_TAG: " ".join(policy.json_types),
        spec.CAPTURE_CSV_TYPES_TAG: " ".join(policy.csv_types),
    }
    redact = parse_redact(default[spec.CAPTURE_REDACT_TAG])
    assert redact == (policy.patterns, policy.pointers)
    assert str(BODY_LIMIT_BYTES) in rows[spec.CAPTURE_MAX_BODY_TAG].spans(1)
    readme = Page(REPOSITORY / "README.md").table("tag", "value", "default")
    in_readme = {row.spans(0)[0]: row.spans(2)[0] for row in readme if row.spans(0)[0] in tags}
    assert in_readme == default


def test_the_layout_is_that_of_the_code_and_of_the_template() -> None:
    """With a folder for each model and without."""
    [with_models, without] = (
        write_record(EXCHANGE, CapturePolicy(), by_model=by_model).key_prefix
        for by_model in (True, False)
    )
    told = [row.spans(0)[0] for row in CAPTURE.table("", "")]
    filled = [
        text.replace("{endpoint}", "dormouse")
        .replace("{variant}", "AllTraffic")
        .replace("{modelPartition}", "sentiment-2.tar.gz")
        .replace("yyyy/MM/dd/HH", "2026/02/14/17")
        for text in told
    ]
    assert filled[:2] == [f"{without}….jsonl", f"{with_models}….jsonl"]
    stream = resources("AWS::KinesisFirehose::DeliveryStream")["CaptureStream"]["Properties"]
    prefixes = stream["ExtendedS3DestinationConfiguration"]["Prefix"]["Fn::If"][1:]
    assert [text.count("/") for text in prefixes] == [told[1].count("/"), told[0].count("/")]


@pytest.mark.parametrize(
    "figure",
    [
        f"{RECORD_LIMIT_BYTES:,} bytes",
        f"at most {MOST_RECORDS:,} a call, {LONGEST_TRUTH:,} characters",
        f"`CaptureRetentionDays` ({template()['Parameters']['CaptureRetentionDays']['Default']})",
        "`CaptureBufferSeconds` ({MinValue} to {MaxValue})".format(
            **template()["Parameters"]["CaptureBufferSeconds"]
        ),
    ],
)
def test_figures_of_capture(figure: str) -> None:
    """As the code or the template has them."""
    assert figure in CAPTURE.prose


def test_what_is_said_of_sampling_holds() -> None:
    """What is sampled at 1 % is at 5 %."""
    one, five = (CapturePolicy(percent=parse_percent(text)) for text in ("1", "5"))
    ids = [f"order-{number}" for number in range(2000)]
    sampled = {name for name in ids if is_sampled(one, name)}
    assert sampled
    assert sampled < {name for name in ids if is_sampled(five, name)}


def test_the_lines_of_ground_truth_are_taken() -> None:
    """By the CLI, and by what it makes of them, the control API."""
    block = the_block(CAPTURE, "")
    records = [line.document() for line in read_lines(block.encode().splitlines())]
    assert len(read_ground_truth({"records": records})) == 2


def test_every_field_of_the_list_of_models_is_explained() -> None:
    """And no other is."""
    model = ListedModel("m", None, is_loaded=False, last_used_at=None, aliases=(), tally=Tally())
    listing = write_listing(Listing(AT, "dormouse", AT, [model], {"p": 1}, is_complete=True))
    rows = IN_USE.table("field", "meaning")
    assert {row.spans(0)[0] for row in rows} == set(listing) - {"endpoint"}
    spans = {row.spans(0)[0]: set(row.spans(1)) for row in rows}
    fields: dict[str, Any] = listing["models"][0]
    assert set(fields) <= spans["models"]
    assert spans["models"] - set(fields) == {"p50", "p90", "p99", "null"}
    assert {"principal", "requests"} <= spans["callers"]
    assert f"hours={View().hours}" in IN_USE.text


def test_the_figures_of_aliases() -> None:
    """As the code has them."""
    told = {timedelta(seconds=5): "five seconds later"}[ALIAS_INTERVAL]
    assert told in IN_USE.prose
    assert f"{MOST_ALIASES} for each endpoint" in IN_USE.prose
