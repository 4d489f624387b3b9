"""What a call to the emulator asks of IAM: the action, the resource and the condition keys that AWS would look at.

Works inside the emulator's process, whose own reading of requests it goes by. What that leaves out and the template's
conditions rest on, DynamoDB's partition keys, is added here.
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

Asked = tuple[str, str, dict[str, list[str]]]
LEADING_KEYS = "dynamodb:LeadingKeys"
# Where a request names its item, by what it does to it.
ITEM_IN = {"PutItem": "Item", "GetItem": "Key", "UpdateItem": "Key", "DeleteItem": "Key"}
# A transaction needs the rights of the actions in it.
ACTION_OF = {"Put": "PutItem", "Get": "GetItem", "Update": "UpdateItem", "Delete": "DeleteItem"}


class Witness:
    """Writes calls down as they come, a line of JSON each."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._lines = file.open("w", buffering=1)

    def note(self, session: str, service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> None:
        """One request of somebody with temporary credentials."""
        for action, resource, context in asked(service, method, path, headers, body, query):
            line = json.dumps({"session": session, "action": action, "resource": resource, "context": context})
            with self._lock:
                self._lines.write(line + "\n")


def asked(service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> list[Asked]:
    """Everything that IAM must allow for one request."""
    form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    parameters = {**parse_qs(body.decode()), **query} if form else query
    # A request that cannot be read is written down as it came: no statement allows it.
    action = iam_actions.extract_iam_action(service, method, path, headers, body, parameters) or f"{service}:{method} {path}"
    if action.startswith("dynamodb:"):
        return list(_of_items(action.removeprefix("dynamodb:"), json.loads(body)))
    return [(action, iam_actions.extract_resource_arn(service, method, path, headers, body, parameters, get_region(), get_account_id()), {})]


def _of_items(operation: str, request: dict[str, Any]) -> Iterator[Asked]:
    if operation != "TransactWriteItems":
        keys = _leading_key(operation, request)
        yield f"dynamodb:{operation}", _table(request), {LEADING_KEYS: keys} if keys else {}
        return
    # What is not named above (a ConditionCheck) is a right of its own that no statement has.
    items = [(ACTION_OF.get(kind, kind), detail) for member in request["TransactItems"] for kind, detail in member.items()]
    # Whether AWS looks at an item's key or at all of the transaction's is not documented: what is allowed all, is allowed each.
    keys = sorted({key for action, detail in items for key in _leading_key(action, detail)})
    yield from ((f"dynamodb:{action}", table, {LEADING_KEYS: keys}) for action, table in sorted({(action, _table(detail)) for action, detail in items}))


def _table(request: dict[str, Any]) -> str:
    """The table's ARN, or its index's."""
    index = f"/index/{request['IndexName']}" if "IndexName" in request else ""
    return f"arn:aws:dynamodb:{get_region()}:{get_account_id()}:table/{request.get('TableName')}{index}"


def _leading_key(operation: str, request: dict[str, Any]) -> list[str]:
    """The value of the partition key that the request is about; none, where it is about no one."""
    table = dynamodb._tables[request["TableName"]]
    indexes = {each["IndexName"]: each for each in table.get("GlobalSecondaryIndexes") or []}
    schema = (indexes[request["IndexName"]] if "IndexName" in request else table)["KeySchema"]
    name = next(key["AttributeName"] for key in schema if key["KeyType"] == "HASH")
    if operation in ITEM_IN:
        return [_text(request[ITEM_IN[operation]][name])]
    for said, value in re.findall(r"([#\w]+)\s*=\s*(:\w+)", request.get("KeyConditionExpression", "")):
        if (request.get("ExpressionAttributeNames") or {}).get(said, said) == name:
            return [_text(request["ExpressionAttributeValues"][value])]
    return []


def _text(value: dict[str, str]) -> str:
    (text,) = value.values()
    return text
