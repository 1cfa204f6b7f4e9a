"""The requests table: one DynamoDB item for each accepted request, by its endpoint and id.

The index `queue` is a local one, so it may be read strongly consistent: a request that was written
is found. Only those that somebody has to find carry its attribute. Each step is one conditional
write of the whole item.

Moments are kept to the millisecond, what comes below is cut off.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from uuid import uuid4

from dormouse.adapters.calls import aws_call
from dormouse.adapters.moments import read_moment, write_moment
from dormouse.domain.parked_request import (
    Kind,
    ParkedRequest,
    Queue,
    Result,
    Status,
    model_key,
    queue_of,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, QueryInputTypeDef

    Item = Mapping[str, AttributeValueTypeDef]

# Of a held request nothing is wanted once its repetitions have had the time to come.
_HELD_KEPT = timedelta(minutes=15)

# DynamoDB refuses longer ones, and ids come from outside.
_LONGEST_PARTITION_KEY_BYTES = 2048
_LONGEST_SORT_KEY_BYTES = 1024


@dataclass(frozen=True, slots=True)
class RequestsTable:
    """Implements RequestRecords. Every method may raise AwsError.

    `retention` is for how long one is kept after it has ended. DynamoDB removes it some time later.
    """

    client: "DynamoDBClient"
    table_name: str
    retention: timedelta

    def create(self, request: ParkedRequest) -> ParkedRequest | None:
        """Write a new one; or return the one that has its id already, having written nothing."""
        there = self._put(request, "attribute_not_exists(id)", {})
        return None if there is None else read_request(there)

    def read(self, endpoint: str, request_id: str) -> ParkedRequest | None:
        """Read one; None where there is none, or none any more, or can't be one by that name."""
        if not _is_key(endpoint, _LONGEST_PARTITION_KEY_BYTES):
            return None
        if not _is_key(request_id, _LONGEST_SORT_KEY_BYTES):
            return None
        with aws_call("GetItem"):
            answer = self.client.get_item(
                TableName=self.table_name, Key=_key(endpoint, request_id), ConsistentRead=True
            )
        return read_request(answer["Item"]) if "Item" in answer else None

    def change(self, before: ParkedRequest, after: ParkedRequest) -> bool:
        """Write a step; False, having written nothing, where another has been taken since."""
        seen: Item = {":seen": {"N": str(before.revision)}}
        return self._put(after, "revision = :seen", seen) is None

    def delete(self, request: ParkedRequest) -> bool:
        """Remove it; False, having done nothing, where a step has been taken since."""
        with aws_call("DeleteItem"):
            try:
                self.client.delete_item(
                    TableName=self.table_name,
                    Key=_key(request.endpoint, request.id),
                    ConditionExpression="revision = :seen",
                    ExpressionAttributeValues={":seen": {"N": str(request.revision)}},
                )
            except self.client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def queued(
        self, endpoint: str, queue: Queue, at_most: int, target_model: str | None = None
    ) -> Sequence[ParkedRequest]:
        """List those of a queue, the oldest first (released ones: of each model); or those of one
        model.
        """
        model = target_model if queue is Queue.RELEASED else None
        # Another model's name may have the same key, so the names have to be compared as well.
        found = (
            request
            for request in self._requests(endpoint, _beginning(queue, model), at_most)
            if target_model is None or request.target_model == target_model
        )
        return tuple(islice(found, at_most))

    def count(self, endpoint: str, queue: Queue, at_most: int) -> int:
        """Count those of a queue, and stop at so many."""
        begins = "begins_with(#queue, :from)"
        return self._count(endpoint, begins, {":from": {"S": _beginning(queue, None)}}, at_most)

    def position(self, request: ParkedRequest) -> int:
        """Say how many of the same endpoint (released ones: of the same model) come before it; 0
        for one that stands in no queue.

        Models whose names have the same key are counted together.
        """
        queue = queue_of(request)
        if queue is None:
            return 0
        model = request.target_model if queue is Queue.RELEASED else None
        bounds: Item = {
            ":from": {"S": _beginning(queue, model)},
            ":to": {"S": _just_before(_place(request, queue))},
        }
        return self._count(request.endpoint, "#queue BETWEEN :from AND :to", bounds, None)

    def _put(self, request: ParkedRequest, condition: str, values: "Item") -> "Item | None":
        """Write the whole item; return the one that is there where the condition did not hold.

        The SDK repeats a write whose answer was lost, and the repetition finds its own item: the
        name that each write gives itself tells it from another's.
        """
        write: AttributeValueTypeDef = {"S": uuid4().hex}
        item = {**write_request(request, self.retention), "written_as": write}
        # boto3 takes no empty map.
        conditional = {"ExpressionAttributeValues": values} if values else {}
        with aws_call("PutItem"):
            try:
                self.client.put_item(
                    TableName=self.table_name,
                    Item=item,
                    ConditionExpression=condition,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **conditional,  # type: ignore[arg-type]  # mypy can't tell the argument's name
                )
            except self.client.exceptions.ConditionalCheckFailedException as error:
                # Nothing is there where DynamoDB, or somebody else, has removed it.
                there: Item = error.response.get("Item", {})  # type: ignore[assignment]  # a shape of its own
                return None if there.get("written_as") == write else there
        return None

    def _requests(self, endpoint: str, beginning: str, page: int) -> Iterator[ParkedRequest]:
        """Read on, a page at a time, for as long as somebody asks."""
        if page < 1:
            return
        query = self._query(
            endpoint, "begins_with(#queue, :from)", {":from": {"S": beginning}}, page
        )
        while True:
            with aws_call("Query"):
                answer = self.client.query(**query)
            yield from map(read_request, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _count(self, endpoint: str, where: str, values: "Item", at_most: int | None) -> int:
        query = self._query(endpoint, where, values, at_most)
        query["Select"] = "COUNT"
        count = 0
        while at_most is None or count < at_most:
            if at_most is not None:
                query["Limit"] = at_most - count
            with aws_call("Query"):
                answer = self.client.query(**query)
            count += answer["Count"]
            if "LastEvaluatedKey" not in answer:
                break
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return count

    def _query(
        self, endpoint: str, where: str, values: "Item", limit: int | None
    ) -> "QueryInputTypeDef":
        query: QueryInputTypeDef = {
            "TableName": self.table_name,
            "IndexName": "queue",
            "KeyConditionExpression": f"endpoint = :endpoint AND {where}",
            "ExpressionAttributeNames": {"#queue": "queue"},
            "ExpressionAttributeValues": {":endpoint": {"S": endpoint}, **values},
            "ConsistentRead": True,
        }
        if limit is not None:
            query["Limit"] = limit
        return query


def write_request(
    request: ParkedRequest, retention: timedelta
) -> dict[str, "AttributeValueTypeDef"]:
    """Write a request as an item, with its place in its queue and the time of its removal."""
    item: dict[str, AttributeValueTypeDef] = {
        "endpoint": {"S": request.endpoint},
        "id": {"S": request.id},
        "kind": {"S": request.kind},
        "status": {"S": request.status},
        "principal": {"S": request.principal},
        "headers": _write_headers(request.headers),
        "body_key": {"S": request.body_key},
        "accepted_at": {"S": write_moment(request.accepted_at)},
        "expires_at": {"S": write_moment(request.expires_at)},
        "fingerprint": {"S": request.fingerprint},
        "revision": {"N": str(request.revision)},
        "tries": {"N": str(request.tries)},
        "is_published": {"BOOL": request.is_published},
        "is_cold": {"BOOL": request.is_cold},
        "purge_at": {"N": str(math.ceil(_purge_at(request, retention).timestamp()))},
    }
    texts = {
        "inference_id": request.inference_id,
        "input_location": request.input_location,
        "output_location": request.output_location,
        "failure_location": request.failure_location,
        "completion_topic": request.completion_topic,
        "claim": request.claim,
        "reason": request.reason,
    }
    item |= {name: {"S": text} for name, text in texts.items() if text is not None}
    moments = {
        "released_at": request.released_at,
        "claimed_until": request.claimed_until,
        "finished_at": request.finished_at,
    }
    item |= {name: {"S": write_moment(at)} for name, at in moments.items() if at is not None}
    if request.result is not None:
        item["result"] = {
            "M": {
                "status": {"N": str(request.result.status)},
                "headers": _write_headers(request.result.headers),
                "body_key": {"S": request.result.body_key},
            }
        }
    queue = queue_of(request)
    if queue is not None:
        item["queue"] = {"S": _place(request, queue)}
    return item


def read_request(item: "Item") -> ParkedRequest:
    """Read what `write_request` wrote."""
    return ParkedRequest(
        endpoint=item["endpoint"]["S"],
        id=item["id"]["S"],
        kind=Kind(item["kind"]["S"]),
        status=Status(item["status"]["S"]),
        principal=item["principal"]["S"],
        headers=_read_headers(item["headers"]),
        body_key=item["body_key"]["S"],
        accepted_at=read_moment(item["accepted_at"]["S"]),
        expires_at=read_moment(item["expires_at"]["S"]),
        fingerprint=item["fingerprint"]["S"],
        revision=int(item["revision"]["N"]),
        inference_id=_text(item, "inference_id"),
        input_location=_text(item, "input_location"),
        output_location=_text(item, "output_location"),
        failure_location=_text(item, "failure_location"),
        completion_topic=_text(item, "completion_topic"),
        tries=int(item["tries"]["N"]),
        released_at=_moment(item, "released_at"),
        claim=_text(item, "claim"),
        claimed_until=_moment(item, "claimed_until"),
        finished_at=_moment(item, "finished_at"),
        reason=_text(item, "reason"),
        result=_read_result(item["result"]["M"]) if "result" in item else None,
        is_published=item["is_published"]["BOOL"],
        is_cold=item.get("is_cold", {"BOOL": False})["BOOL"],
    )


def _purge_at(request: ParkedRequest, retention: timedelta) -> datetime:
    if request.kind is Kind.HELD:
        return (request.finished_at or request.claimed_until or request.expires_at) + _HELD_KEPT
    return (request.finished_at or request.expires_at) + retention


def _place(request: ParkedRequest, queue: Queue) -> str:
    """Say where it stands: the order of these texts is the order of the queue."""
    model = request.target_model if queue is Queue.RELEASED else None
    return f"{_beginning(queue, model)}{write_moment(request.accepted_at)}#{request.id}"


def _beginning(queue: Queue, target_model: str | None) -> str:
    return f"{queue}#" if target_model is None else f"{queue}#{model_key(target_model)}#"


def _just_before(place: str) -> str:
    """Return a text behind every place that is before this one: ranges include their ends."""
    return place[:-1] + chr(ord(place[-1]) - 1) + "\N{DELETE}"


def _write_headers(headers: Mapping[str, str]) -> "AttributeValueTypeDef":
    return {"M": {name: {"S": value} for name, value in headers.items()}}


def _read_headers(value: "AttributeValueTypeDef") -> dict[str, str]:
    return {name: header["S"] for name, header in value["M"].items()}


def _read_result(fields: "Item") -> Result:
    return Result(
        status=int(fields["status"]["N"]),
        headers=_read_headers(fields["headers"]),
        body_key=fields["body_key"]["S"],
    )


def _key(endpoint: str, request_id: str) -> dict[str, "AttributeValueTypeDef"]:
    return {"endpoint": {"S": endpoint}, "id": {"S": request_id}}


def _is_key(text: str, at_most: int) -> bool:
    return text.isascii() and 0 < len(text) <= at_most


def _text(item: "Item", name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _moment(item: "Item", name: str) -> datetime | None:
    return read_moment(item[name]["S"]) if name in item else None
