"""A client of DynamoDB with boto3's shapes that calls the simulated tables directly, so that what
stands in them is written by the adapters that write it in AWS.
"""

from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from benchmarks.reconcile.refusals import Refusal
from benchmarks.reconcile.tables import Tables

_OPERATIONS = {
    "get_item": "GetItem",
    "put_item": "PutItem",
    "update_item": "UpdateItem",
    "batch_write_item": "BatchWriteItem",
}


class _Exceptions:
    class ConditionalCheckFailedException(ClientError):
        """Raised where a condition does not hold."""


class SeedingClient:
    """What the adapters use of a client, to write."""

    exceptions = _Exceptions

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def __getattr__(self, name: str) -> Any:
        if name not in _OPERATIONS:
            raise AttributeError(name)
        return partial(self._call, _OPERATIONS[name])

    def _call(self, operation: str, **request: Any) -> Any:
        try:
            return self._tables.carry_out(operation, request)
        except Refusal as refusal:
            kind = (
                _Exceptions.ConditionalCheckFailedException
                if refusal.code == "ConditionalCheckFailedException"
                else ClientError
            )
            answer: Any = {"Error": {"Code": refusal.code, "Message": refusal.message}}
            raise kind(answer | dict(refusal.more), operation) from refusal
