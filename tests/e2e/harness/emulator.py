"""ministack with four patches. The stack runs this module as a program.

- PutEvents takes events with `source: aws.ec2`, because the stand-in plays CloudTrail, which is AWS.
- A function's session token is its role's ARN. On AWS its credentials are a session of the role. The token tells the role of each call.
- SNS and EventBridge invoke a function asynchronously, as on AWS: Lambda takes the event and retries it.
- Each call with temporary credentials is recorded with the IAM rights that it needs (`WARDEN_CALLS`).
"""

from __future__ import annotations

import functools
import json
import os
import sys
import types
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import ministack.app as app
import ministack.services.eventbridge as eventbridge
import ministack.services.lambda_svc as lambda_svc
import ministack.services.sns as sns
from iam.iam_recorder import Recorder
from load.event_queue import EventQueue

Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Any]]

_credentials, _dispatch = lambda_svc.execution_credentials, eventbridge._dispatch_to_lambda


def dispatch_to_lambda(arn: str, payload: str) -> None:
    """The invocation of a function by EventBridge or Scheduler. ministack reports a missing function itself."""
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
    eventbridge._put_events = functools.partial(eventbridge._put_events, allow_aws_source=True)
    lambda_svc.execution_credentials = lambda config: _credentials(config) | {"AWS_SESSION_TOKEN": config["Role"]}
    # ministack's own asynchronous invocation has the template's retries and destination. It waits one and two seconds, AWS minutes. SNS
    # gets it under the name of the function that SNS calls.
    sns._lambda_svc = types.SimpleNamespace(**(vars(lambda_svc) | {"_execute_function_with_config_scope": lambda_svc.invoke_async_with_retry}))
    eventbridge._dispatch_to_lambda = dispatch_to_lambda
    if calls := os.environ.get("WARDEN_CALLS"):
        recorder = Recorder(Path(calls))
        app.SERVICE_HANDLERS.update({service: recorded(recorder, service, handler) for service, handler in app.SERVICE_HANDLERS.items()})
    if environments := os.environ.get("WARDEN_ENVIRONMENTS"):
        EventQueue(int(environments)).install()
    app.main()
