"""Our own client of DynamoDB, Firehose and S3: what boto3 answers and raises, and what it sends."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError
from moto import mock_aws

from dormouse.adapters.calls import aws_call
from dormouse.adapters.kept_connections import Answer
from dormouse.adapters.service_calls import DynamoDb, Firehose, S3Objects, Tries
from dormouse.adapters.signed_http import SignedHttp
from dormouse.errors import AwsDeniedError, AwsError
from tests.adapters.conftest import CLIENTS, dynamodb_by, own_s3
from tests.adapters.moto_over_http import moto_over_http

KEY = {"endpoint": {"S": "reviews"}}
NOT_REACHED = EndpointConnectionError(endpoint_url="https://there")


@dataclass
class Wire:
    """Stands in the place of SignedHttp: it gives prepared answers, and raises prepared errors."""

    answers: list[Answer | Exception]
    sent: list[tuple[str, str, Any, bytes]] = field(default_factory=list)

    def send(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        """Give the next."""
        self.sent.append((method, path, headers, body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def over(*answers: Answer | Exception) -> tuple[Wire, Any]:
    """A wire with these answers, in the place of a connection."""
    wire = Wire(list(answers))
    return wire, wire


def refusal(status: int, code: str, **members: object) -> Answer:
    """An error, as DynamoDB writes it."""
    kind = f"com.amazonaws.dynamodb.v20120810#{code}"
    return Answer(status, {}, json.dumps({"__type": kind, **members}).encode())


def asked(pauses: list[float] | None = None, total: int = 1) -> Tries:
    """So many tries, whose pauses are written down."""
    return Tries(total, ([] if pauses is None else pauses).append)


def tables(client: Any) -> None:
    """Create the table that the calls below are about."""
    client.create_table(
        TableName="t",
        AttributeDefinitions=[{"AttributeName": "endpoint", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "endpoint", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )


def condition(client: Any) -> Any:
    """A condition that does not hold."""
    return client.put_item(
        TableName="t",
        Item={**KEY, "n": {"N": "2"}},
        ConditionExpression="attribute_not_exists(endpoint)",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )


CALLS: Sequence[Callable[[Any], Any]] = (
    lambda client: client.put_item(TableName="t", Item={**KEY, "ä": {"S": "€"}}),
    lambda client: client.get_item(TableName="t", Key=KEY, ConsistentRead=True),
    lambda client: client.get_item(TableName="t", Key={"endpoint": {"S": "other"}}),
    lambda client: client.update_item(
        TableName="t",
        Key=KEY,
        UpdateExpression="ADD demand :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="ALL_NEW",
    ),
    condition,
    lambda client: client.query(
        TableName="t",
        KeyConditionExpression="endpoint = :e",
        ExpressionAttributeValues={":e": {"S": "reviews"}},
    ),
    lambda client: client.batch_write_item(
        RequestItems={"t": [{"PutRequest": {"Item": {"endpoint": {"S": "b"}, "x": {"M": {}}}}}]}
    ),
    lambda client: client.scan(TableName="t", ConsistentRead=True, Limit=1),
    lambda client: client.delete_item(TableName="t", Key=KEY, ReturnValues="ALL_OLD"),
    lambda client: client.get_item(TableName="none", Key=KEY),
    lambda client: client.update_item(TableName="t", Key=KEY, UpdateExpression="nonsense"),
)


def outcomes(client: Any) -> list[Any]:
    """Make all the calls, one after the other; what each answered or raised, but for ids of the
    request.
    """
    tables(client)
    found: list[Any] = []
    for call in CALLS:
        try:
            answer = dict(call(client))
        except ClientError as error:
            answer = dict(error.response)
            answer |= {"raised": (type(error).__name__, str(error), error.operation_name)}
            # boto3 repeats the message where the model has it as a member.
            answer = {name: answer[name] for name in answer if name.lower() != "message"}
        status = answer.pop("ResponseMetadata")["HTTPStatusCode"]
        found.append((status, answer))
    return found


def test_dynamodb_answers_and_refuses_as_through_boto3() -> None:
    """Each call that adapters make, with what they read of it."""
    found = {}
    for name in CLIENTS:
        with dynamodb_by(name) as client:
            found[name] = outcomes(client)
    theirs, ours = found["boto3"], found["own client"]
    assert ours == theirs
    assert [status for status, _ in ours] == [200] * 4 + [400] + [200] * 4 + [400] * 2


def test_a_condition_that_does_not_hold_has_a_class_and_the_item() -> None:
    """Adapters read what stands there instead."""
    with dynamodb_by("own client") as client:
        tables(client)
        condition(client)
        with pytest.raises(client.exceptions.ConditionalCheckFailedException) as caught:
            condition(client)
    assert caught.value.response["Item"] == {**KEY, "n": {"N": "2"}}


def test_firehose_is_sent_what_boto3_sends() -> None:
    """The record's bytes as base64."""
    wire, http = over(Answer(200, {}, b'{"RecordId": "1", "Encrypted": true}'))
    data = bytes(range(256))

    answer = Firehose(http, asked()).put_record(
        DeliveryStreamName="captures", Record={"Data": data}
    )

    assert (answer["RecordId"], answer["Encrypted"]) == ("1", True)
    sent: dict[str, Any] = {}
    theirs = boto3.client("firehose")
    theirs.meta.events.register(
        "before-send.firehose", lambda request, **_: _captured(request, sent)
    )
    theirs.put_record(DeliveryStreamName="captures", Record={"Data": data})
    ((method, path, headers, body),) = wire.sent
    assert (method, path) == ("POST", "/")
    assert json.loads(body) == json.loads(sent["body"])
    assert headers == {name: sent["headers"][name].decode() for name in headers}


def _captured(request: Any, sent: dict[str, Any]) -> Any:
    """Keep what botocore would have sent, and answer in the place of AWS."""
    sent |= {"headers": {n.lower(): v for n, v in request.headers.items()}, "body": request.body}
    sent["headers"] = {
        name: value if isinstance(value, bytes) else value.encode()
        for name, value in sent["headers"].items()
    }

    class Raw:
        def stream(self) -> Any:
            yield b'{"RecordId": "1"}'

    return AWSResponse(request.url, 200, HTTPHeaders(), Raw())


@pytest.mark.parametrize("key", ["captures/a/b.jsonl", "a b/ä+~=&?#%2F.json", "x"])
def test_s3_keeps_an_object_under_its_key(key: str) -> None:
    """Whatever characters it has; boto3 finds it there."""
    with mock_aws(), moto_over_http() as url:
        theirs = boto3.client("s3")
        theirs.create_bucket(Bucket="captures")
        client = own_s3(url)
        answer = client.put_object(
            Bucket="captures", Key=key, Body=b"line\n", ContentType="application/jsonlines"
        )
        found = theirs.get_object(Bucket="captures", Key=key)
        assert found["Body"].read() == b"line\n"
        assert found["ContentType"] == "application/jsonlines"
        assert found["ETag"] == answer["ETag"]
        client.http_to("captures").connections.close()


def test_s3_says_what_it_refuses() -> None:
    """Its errors are XML."""
    body = b"<?xml?><Error><Code>AccessDenied</Code><Message>No &amp; never</Message></Error>"
    _, http = over(Answer(403, {"x-amz-request-id": "r"}, body))
    with pytest.raises(ClientError) as caught:
        S3Objects(lambda bucket: http, asked()).put_object(Bucket="b", Key="k", Body=b"")
    assert caught.value.response["Error"] == {"Code": "AccessDenied", "Message": "No & never"}
    assert caught.value.response["ResponseMetadata"]["RequestId"] == "r"


def test_s3_does_not_overwrite_what_is_not_to_be() -> None:
    """If-None-Match goes along where it is asked for."""
    wire, http = over(Answer(200, {}, b""), Answer(200, {}, b""))
    client = S3Objects(lambda bucket: http, asked())
    client.put_object(Bucket="b", Key="k", Body=b"", IfNoneMatch="*")
    client.put_object(Bucket="b", Key="k", Body=b"")
    assert [headers.get("if-none-match") for _, _, headers, _ in wire.sent] == ["*", None]


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (refusal(400, "ValidationException", message="no"), "ValidationException", "no"),
        (refusal(400, "AccessDeniedException", Message="No"), "AccessDeniedException", "No"),
        (Answer(400, {"x-amzn-errortype": "A#B:http://c/"}, b"{}"), "B", ""),
        (Answer(502, {}, b"<html>"), "502", "Bad Gateway"),
        (Answer(503, {}, b"[]"), "503", "Service Unavailable"),
        (Answer(599, {}, b""), "599", ""),
    ],
)
def test_each_form_of_an_error_is_read(answer: Answer, code: str, message: str) -> None:
    """Of the service, and of gateways on the way."""
    _, http = over(answer)
    with pytest.raises(ClientError) as caught:
        DynamoDb(http, asked()).get_item(TableName="t", Key=KEY)
    assert caught.value.response["Error"] == {"Code": code, "Message": message}


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'"x"', b"[" * 100_000])
def test_an_answer_that_is_no_object_is_none(body: bytes) -> None:
    """botocore's error for what can't be read."""
    _, http = over(Answer(200, {}, body))
    with pytest.raises(HTTPClientError):
        DynamoDb(http, asked()).get_item(TableName="t", Key=KEY)


def test_adapters_translate_its_errors() -> None:
    """As they do botocore's."""
    _, http = over(refusal(400, "AccessDeniedException", message="m"), NOT_REACHED)
    client = DynamoDb(http, asked())
    refused = pytest.raises(AwsDeniedError, match="GetItem refused: AccessDeniedException: m")
    with refused, aws_call("GetItem"):
        client.get_item(TableName="t", Key=KEY)
    failed = pytest.raises(AwsError, match="GetItem failed: Could not connect")
    with failed, aws_call("GetItem"):
        client.get_item(TableName="t", Key=KEY)


# -------------------------------------------------------------------------------------------- tries

GOOD = Answer(200, {}, b"{}")


@pytest.mark.parametrize(
    ("failure", "longest_pause"),
    [
        (NOT_REACHED, 0.025),
        (Answer(500, {}, b""), 0.025),
        (refusal(400, "ProvisionedThroughputExceededException"), 1),
        (refusal(400, "ThrottlingException"), 1),
        (Answer(429, {}, b""), 1),
    ],
)
def test_what_may_go_better_is_tried_again(
    failure: Answer | Exception, longest_pause: float
) -> None:
    """As botocore does, and after such pauses; not more often than it is told."""
    pauses: list[float] = []
    wire, http = over(failure, GOOD)
    DynamoDb(http, asked(pauses, 2)).get_item(TableName="t", Key=KEY)
    assert len(wire.sent) == 2
    assert [0 <= pause <= longest_pause for pause in pauses] == [True]

    wire, http = over(failure, failure, GOOD)
    with pytest.raises((ClientError, EndpointConnectionError)):
        DynamoDb(http, asked(pauses, 2)).get_item(TableName="t", Key=KEY)
    assert len(wire.sent) == 2


@pytest.mark.parametrize("total", [1, 3])
def test_what_is_refused_for_good_is_not(total: int) -> None:
    """Nor anything by a client that has one try."""
    failures: list[Answer | Exception] = [refusal(400, "ConditionalCheckFailedException")]
    failures += [NOT_REACHED] if total == 1 else []
    for failure in failures:
        wire, http = over(failure, GOOD)
        with pytest.raises((ClientError, EndpointConnectionError)):
            DynamoDb(http, asked(total=total)).get_item(TableName="t", Key=KEY)
        assert len(wire.sent) == 1


def test_the_wire_is_what_the_clients_send_by() -> None:
    """The stand-in above has the method of what it stands for."""
    assert Wire.send.__annotations__.keys() == SignedHttp.send.__annotations__.keys()
