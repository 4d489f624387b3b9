"""ministack with five patches. The stack runs this module as a program.

- PutEvents takes events with `source: aws.ec2`, because the stand-in plays CloudTrail, which is AWS, and reaches buses of other accounts.
- A function's session token is its role's ARN. On AWS its credentials are a session of the role. The token tells the role of each call.
- Scheduler invokes a function asynchronously, as on AWS: Lambda takes the event and retries it.
- Queues are polled as Lambda polls them (`event_sources.py`).
- Each call with temporary credentials is recorded with the IAM rights that it needs (`WARDEN_CALLS`).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import ministack.app as app
import ministack.services.eventbridge as eventbridge
import ministack.services.lambda_svc as lambda_svc
from harness import event_sources
from iam.iam_recorder import Recorder
from stand_in import cross_account_events

Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Any]]

_credentials, _dispatch = lambda_svc.execution_credentials, eventbridge._dispatch_to_lambda


def dispatch_to_lambda(arn: str, payload: str) -> None:
    """The invocation of a function by Scheduler. ministack reports a missing function itself."""
    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if function and config:
        lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(function, config), json.loads(payload))
    else:
        _dispatch(arn, payload)


def recorded(recorder: Recorder, service: str, handler: Handler) -> Handler:
    """The handler of a service, with its calls recorded."""

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        if session := headers.get("x-amz-security-token"):
            recorder.record(session, service, method, path, headers, body, query)
        return await handler(method, path, headers, body, query)

    return handle


if __name__ == "__main__":
    sys.argv = sys.argv[:1]
    cross_account_events.install()
    lambda_svc.execution_credentials = lambda config: _credentials(config) | {"AWS_SESSION_TOKEN": config["Role"]}
    # Scheduler's targets go through EventBridge's code.
    eventbridge._dispatch_to_lambda = dispatch_to_lambda
    if calls := os.environ.get("WARDEN_CALLS"):
        recorder = Recorder(Path(calls))
        app.SERVICE_HANDLERS.update({service: recorded(recorder, service, handler) for service, handler in app.SERVICE_HANDLERS.items()})
    event_sources.install()
    app.main()
