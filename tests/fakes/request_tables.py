"""The tables of accepted requests in moto's DynamoDB, as template.yaml declares them."""

from datetime import timedelta
from typing import TYPE_CHECKING

from dormouse.adapters.requests import RequestsTable
from dormouse.adapters.usage import UsageTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RETENTION = timedelta(days=7)


def requests_table(client: "DynamoDBClient") -> RequestsTable:
    """Create it, empty, with its index."""
    client.create_table(
        TableName="requests",
        AttributeDefinitions=[
            {"AttributeName": "endpoint", "AttributeType": "S"},
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "queue", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "endpoint", "KeyType": "HASH"},
            {"AttributeName": "id", "KeyType": "RANGE"},
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "queue",
                "KeySchema": [
                    {"AttributeName": "endpoint", "KeyType": "HASH"},
                    {"AttributeName": "queue", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return RequestsTable(client, "requests", RETENTION)


def usage_table(client: "DynamoDBClient") -> UsageTable:
    """Create it, empty."""
    client.create_table(
        TableName="usage",
        AttributeDefinitions=[
            {"AttributeName": "endpoint", "AttributeType": "S"},
            {"AttributeName": "item", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "endpoint", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return UsageTable(client, "usage")
