"""The decisions table in moto's DynamoDB, as template.yaml declares it."""

from typing import TYPE_CHECKING

from dormouse.adapters.history import DecisionsTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def decisions_table(client: "DynamoDBClient") -> DecisionsTable:
    """Create it, empty, beside the endpoints table."""
    client.create_table(
        TableName="decisions",
        AttributeDefinitions=[
            {"AttributeName": "endpoint", "AttributeType": "S"},
            {"AttributeName": "decided_at", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "endpoint", "KeyType": "HASH"},
            {"AttributeName": "decided_at", "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return DecisionsTable(client, "decisions")
