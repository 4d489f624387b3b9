"""Lambda's queue of asynchronous events, which ministack lacks.

SNS and EventBridge hand an event over and are done. It waits for a free environment, and is tried again when it fails, after as long
as Lambda waits; then it goes where the function's own settings say. ministack starts a thread and an environment for each at once,
however many there are. Works inside the emulator's process. Every step is written down, so that a backlog can be seen.
"""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ministack.services.eventbridge as eventbridge
import ministack.services.lambda_svc as lambda_svc
import ministack.services.sns as sns

RETRY_SECONDS = (60.0, 120.0)


class EventQueue:
    """For all functions together, as an account's concurrency is."""

    def __init__(self, journal: Path, environments: int) -> None:
        self._pool = ThreadPoolExecutor(environments)
        self._lines = journal.open("w", buffering=1)
        self._lock = threading.Lock()

    def install(self) -> None:
        """In place of what ministack does."""
        setattr(sns, "_deliver_to_lambda", self._from_sns)
        setattr(eventbridge, "_dispatch_to_lambda", lambda arn, payload: self._take(arn, json.loads(payload)))

    def _from_sns(self, function: str, envelope: str, _topic: str, subscription: str, *_: Any) -> None:
        self._take(function, {"Records": [{"EventVersion": "1.0", "EventSubscriptionArn": subscription, "EventSource": "aws:sns", "Sns": json.loads(envelope)}]})

    def _take(self, arn: str, event: dict[str, Any]) -> None:
        function, config, name = lambda_svc._get_func_record_for_ref(arn)
        self._note(step="taken", function=name)
        self._pool.submit(self._run, lambda_svc._execution_record_for_config(function, config), name, event, 1)

    def _run(self, function: dict[str, Any], name: str, event: dict[str, Any], attempt: int) -> None:
        result = lambda_svc._execute_function_with_config_scope(function, event)
        if not result.get("error"):
            self._note(step="done", function=name, attempt=attempt)
            return
        settings = lambda_svc._event_invoke_config(function, None) or {}
        why = str((result.get("body") or {}).get("errorType"))
        if attempt <= min(int(settings.get("MaximumRetryAttempts", 2)), len(RETRY_SECONDS)):
            self._note(step="failed", function=name, attempt=attempt, why=why)
            again = threading.Timer(RETRY_SECONDS[attempt - 1], self._pool.submit, (self._run, function, name, event, attempt + 1))
            again.daemon = True
            again.start()
            return
        self._note(step="given up", function=name, attempt=attempt, why=why)
        if target := settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"):
            lambda_svc._run_with_function_config_scope(function, lambda_svc._route_async_failure, target, name, event, result)

    def _note(self, **step: Any) -> None:
        with self._lock:
            self._lines.write(json.dumps(step | {"at": time.time()}) + "\n")
