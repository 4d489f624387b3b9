"""Event source mappings of queues, where the emulator falls short of Lambda's. Runs in the emulator's process.

- ministack polls queues and streams in one thread, and runs the functions of streams in it: a slow `notify` would stop `approve`. On AWS
  each mapping has its own pollers (https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html). Here queues have a
  thread of their own.
- A template's parameter of type Number reaches the mapping as text, which ministack cannot compare.
- ministack removes messages by replacing the queue's list. A message that another thread adds at that moment would be lost.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import ministack.services.lambda_svc as lambda_svc
import ministack.services.sqs as sqs

POLL_SECONDS = 0.05

_move_dead_letters: Callable[[dict[str, Any]], None] = sqs._dlq_sweep
_concurrency: Callable[..., int] = lambda_svc._sqs_esm_concurrency


def install() -> None:
    """Replaces ministack's own polling and removal."""
    lambda_svc._sqs_esm_concurrency = concurrency
    sqs._dlq_sweep, sqs._delete_messages_for_esm = move_dead_letters, delete_messages
    poll, lambda_svc._poll_sqs = lambda_svc._poll_sqs, lambda: False
    threading.Thread(target=poll_queues, args=(poll,), name="queues", daemon=True).start()


def poll_queues(poll: Callable[[], bool]) -> None:
    """Polls all queues without end."""
    while True:
        try:
            found = poll()
        except Exception:
            logging.getLogger(__name__).exception("a queue could not be polled")
            found = False
        if not found:
            time.sleep(POLL_SECONDS)


def concurrency(mapping: dict[str, Any], *rest: Any) -> int:
    """The number of batches in progress at once."""
    scaling = {key: int(value) for key, value in (mapping.get("ScalingConfig") or {}).items()}
    return _concurrency(mapping | {"ScalingConfig": scaling}, *rest)


def move_dead_letters(queue: dict[str, Any]) -> None:
    """Moves the messages that were received too often. Touches the queue's list only if there is one."""
    received_max = json.loads(queue["attributes"].get("RedrivePolicy") or "{}").get("maxReceiveCount")
    if received_max and any(message.get("receive_count", 0) >= int(received_max) for message in list(queue["messages"])):
        _move_dead_letters(queue)


def delete_messages(url: str, receipts: set[str]) -> None:
    """Deletes received messages from the queue's list."""
    messages = sqs._get_q(url)["messages"]
    for message in [each for each in list(messages) if each.get("receipt_handle") in receipts]:
        messages.remove(message)
