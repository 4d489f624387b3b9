"""The IAM rights that each call to the emulator needs: the action, the resource and the condition keys that AWS would evaluate.

Runs in the emulator's process and uses its parser of requests. It adds DynamoDB's partition keys and the
sources of events, on which the template's conditions rest.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import dynamodb

Right = tuple[str, str, dict[str, list[str]]]  # action, resource, context
LEADING_KEYS = "dynamodb:LeadingKeys"
# The field that names the item, by operation.
ITEM_IN = {"PutItem": "Item", "GetItem": "Key", "UpdateItem": "Key", "DeleteItem": "Key", "ConditionCheckItem": "Key"}
# A transaction needs the rights of its members.
ACTION_OF = {"Put": "PutItem", "Get": "GetItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
SINGLE = {"sqs:SendMessageBatch": "sqs:SendMessage"}


class Recorder:
    """Writes each right that a call needs as a line of JSON."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._lines = file.open("w", buffering=1)

    def record(self, session: str, service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> None:
        """Records a request with temporary credentials."""
        for action, resource, context in rights(service, method, path, headers, body, query):
            line = json.dumps({"session": session, "action": action, "resource": resource, "context": context})
            with self._lock:
                self._lines.write(line + "\n")


def rights(service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> list[Right]:
    """All rights that a request needs."""
    form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    parameters = {**parse_qs(body.decode()), **query} if form else query
    # An unknown request is recorded as it is: no statement allows it.
    action = iam_actions.extract_iam_action(service, method, path, headers, body, parameters) or f"{service}:{method} {path}"
    if action.startswith("dynamodb:"):
        return list(_of_items(action.removeprefix("dynamodb:"), json.loads(body)))
    if action == "events:PutEvents":
        # One right for each bus, with the sources of all its entries.
        buses, entries = iam_actions.eventbridge_resource_arns(body, get_region(), get_account_id()), json.loads(body)["Entries"]
        return [(action, bus, {"events:source": sorted({entry["Source"] for entry in entries})}) for bus in buses]
    return [(SINGLE.get(action, action), iam_actions.extract_resource_arn(service, method, path, headers, body, parameters, get_region(), get_account_id()), {})]


def _of_items(operation: str, request: dict[str, Any]) -> Iterator[Right]:
    if operation == "BatchGetItem":
        # One right for all items of a table: as for a transaction, a right to all is a right to each.
        for table, wanted in request["RequestItems"].items():
            named = {"TableName": table}
            found = {value for key in wanted["Keys"] for value in _leading_key("GetItem", {**named, "Key": key})}
            yield f"dynamodb:{operation}", _table(named), {LEADING_KEYS: sorted(found)}
        return
    if operation != "TransactWriteItems":
        keys = _leading_key(operation, request)
        yield f"dynamodb:{operation}", _table(request), {LEADING_KEYS: keys} if keys else {}
        return
    # Each member needs the right of its own operation: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html.
    # AWS does not document if it evaluates the keys of an operation's items one by one or together. A right to all is a right to each.
    keys: dict[tuple[str, str], set[str]] = {}
    for kind, detail in (each for member in request["TransactItems"] for each in member.items()):
        keys.setdefault((ACTION_OF[kind], _table(detail)), set()).update(_leading_key(ACTION_OF[kind], detail))
    yield from ((f"dynamodb:{action}", table, {LEADING_KEYS: sorted(found)}) for (action, table), found in sorted(keys.items()))


def _table(request: dict[str, Any]) -> str:
    """The ARN of the table or of its index."""
    index = f"/index/{request['IndexName']}" if "IndexName" in request else ""
    return f"arn:aws:dynamodb:{get_region()}:{get_account_id()}:table/{request.get('TableName')}{index}"


def _leading_key(operation: str, request: dict[str, Any]) -> list[str]:
    """The value of the partition key in a request, or nothing if it names none, or no table."""
    table = dynamodb._tables.get(request["TableName"])
    if table is None:
        return []
    indexes = {each["IndexName"]: each for each in table.get("GlobalSecondaryIndexes") or []}
    schema = (indexes[request["IndexName"]] if "IndexName" in request else table)["KeySchema"]
    name = next(key["AttributeName"] for key in schema if key["KeyType"] == "HASH")
    if operation in ITEM_IN:
        return [*request[ITEM_IN[operation]][name].values()]
    for attribute, value in re.findall(r"([#\w]+)\s*=\s*(:\w+)", request.get("KeyConditionExpression", "")):
        if (request.get("ExpressionAttributeNames") or {}).get(attribute, attribute) == name:
            return [*request["ExpressionAttributeValues"][value].values()]
    return []
