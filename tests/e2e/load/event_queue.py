"""Lambda's queue of asynchronous events, which ministack lacks.

SNS and EventBridge add an event to the queue. It waits for a free environment, is retried after as long as Lambda waits, and then goes to
the function's destination. ministack starts a thread and an environment for each event at once. Runs in the emulator's process.
"""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ministack.services.eventbridge as eventbridge
import ministack.services.lambda_svc as lambda_svc
import ministack.services.sns as sns

RETRY_SECONDS = (60.0, 120.0)


class EventQueue:
    """The queue of all functions, with the account's concurrency."""

    def __init__(self, environments: int) -> None:
        self._pool = ThreadPoolExecutor(environments)

    def install(self) -> None:
        """Replaces ministack's own invocation."""
        sns._deliver_to_lambda = self._from_sns
        eventbridge._dispatch_to_lambda = lambda arn, payload: self._add(arn, json.loads(payload))

    def _from_sns(self, function: str, envelope: str, _topic: str, subscription: str, *_: Any) -> None:
        self._add(function, {"Records": [{"EventVersion": "1.0", "EventSubscriptionArn": subscription, "EventSource": "aws:sns", "Sns": json.loads(envelope)}]})

    def _add(self, arn: str, event: dict[str, Any]) -> None:
        function, config, name = lambda_svc._get_func_record_for_ref(arn)
        self._pool.submit(self._run, lambda_svc._execution_record_for_config(function, config), name, event, 1)

    def _run(self, function: dict[str, Any], name: str, event: dict[str, Any], attempt: int) -> None:
        result = lambda_svc._execute_function_with_config_scope(function, event)
        if not result.get("error"):
            return
        settings = lambda_svc._event_invoke_config(function, None) or {}
        if attempt <= min(int(settings.get("MaximumRetryAttempts", 2)), len(RETRY_SECONDS)):
            again = threading.Timer(RETRY_SECONDS[attempt - 1], self._pool.submit, (self._run, function, name, event, attempt + 1))
            again.daemon = True
            again.start()
        elif target := settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"):
            lambda_svc._run_with_function_config_scope(function, lambda_svc._route_async_failure, target, name, event, result)
