"""DynamoDB, Firehose and S3 with boto3's call shapes, answers and exceptions, as far as requests
need them that find their endpoint serving.

boto3 takes a quarter of a second to import and to make three clients, and then most of a
millisecond for each call; adapters can't tell these from its clients. What they don't have: other
operations, paginators, the check of parameters before they are sent, binary attributes (B).
"""

import json
import random
import re
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from dormouse.adapters.kept_connections import Answer
from dormouse.adapters.signed_http import SignedHttp

# What botocore's mode `standard` tries again, and how long it waits before.
_TRANSIENT_STATUSES = frozenset({500, 502, 503, 504})
_THROTTLED_CODES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "RequestThrottled",
        "SlowDown",
        "PriorRequestNotComplete",
        "EC2ThrottledException",
    }
)
_PAUSE_SECONDS = 0.025
_THROTTLED_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a call is tried, the first time included."""

    total: int
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def carry_out(self, call: Callable[[], Any]) -> Any:
        """Call, and call again where that may help.

        Raises:
            ClientError: the service refused it.
            BotoCoreError: there was no answer.
        """
        tried = 0
        while True:
            tried += 1
            try:
                return call()
            except BotoCoreError:
                if tried >= self.total:
                    raise
                pause = _PAUSE_SECONDS
            except ClientError as error:
                is_throttled = _is_throttled(error)
                if tried >= self.total or not (is_throttled or _is_transient(error)):
                    raise
                pause = _THROTTLED_PAUSE_SECONDS if is_throttled else _PAUSE_SECONDS
            self.sleep(random.random() * pause * 2 ** (tried - 1))


def _status_of(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]


def _is_throttled(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in _THROTTLED_CODES or _status_of(error) == 429


def _is_transient(error: ClientError) -> bool:
    return _status_of(error) in _TRANSIENT_STATUSES


@dataclass(frozen=True, slots=True)
class JsonProtocol:
    """AWS's JSON protocol, in which a call is one POST of an object.

    `version` is 1.0 or 1.1, as the service wants it; `target` is what stands before an operation's
    name. `kinds` are the exceptions that have a class of their own, by their codes.
    """

    http: SignedHttp
    version: str
    target: str
    tries: Tries
    kinds: Mapping[str, type[ClientError]]

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation.

        Raises:
            ClientError: the service refused it.
            BotoCoreError: there was no answer, or none that can be read.
        """
        body = json.dumps(request, separators=(",", ":")).encode()
        headers = {
            "content-type": f"application/x-amz-json-{self.version}",
            "x-amz-target": f"{self.target}.{operation}",
        }
        answered: dict[str, Any] = self.tries.carry_out(
            lambda: self._read(operation, self.http.send("POST", "/", headers, body))
        )
        return answered

    def _read(self, operation: str, answer: Answer) -> dict[str, Any]:
        members = _members(answer)
        if answer.status < 300:
            if members is None:
                raise HTTPClientError(error=ValueError(f"{answer.body[:80]!r} is no JSON object"))
            return members | {"ResponseMetadata": _metadata(answer)}
        members = members or {}
        # "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", perhaps with ":http://…"
        named = answer.headers.get("x-amzn-errortype") or members.get("__type") or ""
        code = str(named).partition(":")[0].rpartition("#")[2]
        message = str(members.get("message") or members.get("Message") or "")
        # What an error carries beside, such as the Item of a condition that did not hold.
        beside = {name: value for name, value in members.items() if name != "__type"}
        refusal = _refusal(answer, operation, code, message, beside)
        raise self.kinds.get(code, ClientError)(*refusal)


def _members(answer: Answer) -> dict[str, Any] | None:
    try:
        members = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return members if isinstance(members, dict) else None


def _metadata(answer: Answer) -> dict[str, Any]:
    request_id = answer.headers.get("x-amzn-requestid") or answer.headers.get("x-amz-request-id")
    return {
        "RequestId": request_id or "",
        "HTTPStatusCode": answer.status,
        "HTTPHeaders": dict(answer.headers),
    }


def _refusal(
    answer: Answer, operation: str, code: str, message: str, beside: Mapping[str, Any]
) -> tuple[Any, str]:
    """Return what a ClientError is made of; `beside` are its further members."""
    if not code:
        # As botocore has it: of a gateway on the way, not of the service.
        code = str(answer.status)
        known = {int(status) for status in HTTPStatus}
        message = message or (HTTPStatus(answer.status).phrase if answer.status in known else "")
    response: Any = {
        **beside,
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": _metadata(answer),
    }
    return response, operation


def _kinds(*codes: str) -> dict[str, type[ClientError]]:
    return {code: type(code, (ClientError,), {}) for code in codes}


_DYNAMODB_KINDS = _kinds(
    "ConditionalCheckFailedException",
    "InternalServerError",
    "ItemCollectionSizeLimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ResourceNotFoundException",
    "ThrottlingException",
    "TransactionConflictException",
)
_FIREHOSE_KINDS = _kinds(
    "InvalidArgumentException",
    "InvalidKMSResourceException",
    "InvalidSourceException",
    "ResourceNotFoundException",
    "ServiceUnavailableException",
)


class DynamoDb:
    """DynamoDB's items. Each method is boto3's own of that name."""

    exceptions = SimpleNamespace(ClientError=ClientError, **_DYNAMODB_KINDS)

    def __init__(self, http: SignedHttp, tries: Tries) -> None:
        self.http = http
        self.tries = tries
        self._protocol = JsonProtocol(http, "1.0", "DynamoDB_20120810", tries, _DYNAMODB_KINDS)

    def get_item(self, **request: Any) -> dict[str, Any]:
        return self._protocol.call("GetItem", request)

    def put_item(self, **request: Any) -> dict[str, Any]:
        return self._protocol.call("PutItem", request)

    def update_item(self, **request: Any) -> dict[str, Any]:
        return self._protocol.call("UpdateItem", request)

    def delete_item(self, **request: Any) -> dict[str, Any]:
        return self._protocol.call("DeleteItem", request)

    def query(self, **request: Any) -> dict[str, Any]:
        return self._protocol.call("Query", request)

    def scan(self, **request: Any) -> dict[str, Any]:
        return self._protocol.call("Scan", request)

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        return self._protocol.call("BatchWriteItem", request)


class Firehose:
    """Firehose's PutRecord, as boto3 has it."""

    exceptions = SimpleNamespace(ClientError=ClientError, **_FIREHOSE_KINDS)

    def __init__(self, http: SignedHttp, tries: Tries) -> None:
        self.http = http
        self.tries = tries
        self._protocol = JsonProtocol(http, "1.1", "Firehose_20150804", tries, _FIREHOSE_KINDS)

    def put_record(self, *, DeliveryStreamName: str, Record: Mapping[str, bytes]) -> dict[str, Any]:
        encoded = b64encode(Record["Data"]).decode("ascii")
        request = {"DeliveryStreamName": DeliveryStreamName, "Record": {"Data": encoded}}
        return self._protocol.call("PutRecord", request)


class S3Objects:
    """S3's PutObject, as boto3 has it, with the parameters that are used here.

    `http_to` makes what speaks to a bucket: each has an address of its own.
    """

    exceptions = SimpleNamespace(ClientError=ClientError)

    def __init__(self, http_to: Callable[[str], SignedHttp], tries: Tries) -> None:
        self.http_to = cache(http_to)
        self.tries = tries

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: bytes,
        ContentType: str = "binary/octet-stream",
        IfNoneMatch: str | None = None,
    ) -> dict[str, Any]:
        http = self.http_to(Bucket)
        path = f"/{quote(Key, safe='/~')}"
        headers = {"content-type": ContentType}
        if IfNoneMatch is not None:
            headers["if-none-match"] = IfNoneMatch
        answered: dict[str, Any] = self.tries.carry_out(
            lambda: _read_put(http.send("PUT", path, headers, Body))
        )
        return answered


# <Error><Code>AccessDenied</Code><Message>Access Denied</Message>…</Error>
_XML_CODE = re.compile(rb"<Code>([^<]*)</Code>")
_XML_MESSAGE = re.compile(rb"<Message>([^<]*)</Message>")


def _read_put(answer: Answer) -> dict[str, Any]:
    if answer.status < 300:
        return {"ETag": answer.headers.get("etag", ""), "ResponseMetadata": _metadata(answer)}
    code, message = (_xml_text(pattern, answer) for pattern in (_XML_CODE, _XML_MESSAGE))
    raise ClientError(*_refusal(answer, "PutObject", code, message, {}))


def _xml_text(pattern: re.Pattern[bytes], answer: Answer) -> str:
    found = pattern.search(answer.body)
    return "" if found is None else unescape(found[1].decode("utf-8", "replace"))
