"""PutEvents to a bus of another account or Region, by the bus's ARN. ministack knows the buses of the caller's account and Region only.

The envelope names the account and the Region of the call. A forwarded event therefore names its consumer, as on AWS, and no caller can give an
event another account.
"""

from __future__ import annotations

import functools
import json
from contextvars import ContextVar
from typing import Any

import ministack.services.eventbridge as eventbridge
from ministack.core.responses import get_account_id, get_region, json_response, request_scope

Scope = tuple[str, str]  # account and Region
_sender: ContextVar[Scope | None] = ContextVar("sender", default=None)
_dispatch = eventbridge._dispatch_event


def install() -> None:
    """Patches ministack. Events with `source: aws.ec2` pass, because the stand-in plays CloudTrail, which is AWS."""
    put = functools.partial(eventbridge._put_events, allow_aws_source=True)
    eventbridge._put_events = functools.partial(_put_events, put)
    eventbridge._dispatch_event = _dispatch_with_sender


def _put_events(put: Any, data: dict[str, Any]) -> Any:
    own = (get_account_id(), get_region())
    entries = data.get("Entries", [])
    buses = [_scope(entry.get("EventBusName", ""), own) for entry in entries]
    if all(bus == own for bus in buses):
        return put(data)
    results: list[Any] = []
    for entry, bus in zip(entries, buses, strict=True):
        sender = _sender.set(own)
        try:
            with request_scope(*bus):
                _, _, body = put({"Entries": [entry]})
        finally:
            _sender.reset(sender)
        results += json.loads(body)["Entries"]
    return json_response({"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results})


def _scope(bus: str, own: Scope) -> Scope:
    parts = bus.split(":")
    return (parts[4], parts[3]) if len(parts) == 6 and parts[2] == "events" else own


def _dispatch_with_sender(event: dict[str, Any], view: Any = None) -> None:
    sender = _sender.get()
    if sender is not None:
        # The view was made with the account and the Region of the bus.
        event["Account"], event["Region"] = sender
        view = None
    _dispatch(event, view)
