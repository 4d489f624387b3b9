"""ministack, with what only AWS itself can do.

Run as a program by the stack. CloudTrail's events carry `source: aws.ec2`, which PutEvents refuses, in ministack as in AWS;
the stand-in plays AWS's part, so here it may. And a function's credentials say whose they are: on AWS a session of its role,
here a session token that is the role's ARN, so that each of its calls can be written down with what it asks of IAM. And
SNS and EventBridge start a function as AWS has them do: Lambda takes the event, and tries again what failed.
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
from event_queue import EventQueue
from witness import Witness

Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Any]]

# `getattr`, so that a ministack without this internal starts all the same; then only the CloudTrail path is silent.
_put_events = getattr(eventbridge, "_put_events", None)
if _put_events is not None:
    setattr(eventbridge, "_put_events", functools.partial(_put_events, allow_aws_source=True))

_credentials = lambda_svc.execution_credentials
setattr(lambda_svc, "execution_credentials", lambda config: _credentials(config) | {"AWS_SESSION_TOKEN": config["Role"]})


# ministack's own asynchronous invocation, with the retries and the destination that the template sets; it waits one and two
# seconds where AWS waits minutes. SNS gets it under the name of the invocation that it makes.
setattr(sns, "_lambda_svc", types.SimpleNamespace(**vars(lambda_svc) | {"_execute_function_with_config_scope": lambda_svc.invoke_async_with_retry}))


_start = eventbridge._dispatch_to_lambda


def _dispatch_to_lambda(arn: str, payload: str) -> None:
    """EventBridge's and Scheduler's start of a function. Of one that is not there, ministack itself says so."""
    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if function and config:
        lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(function, config), json.loads(payload))
    else:
        _start(arn, payload)


setattr(eventbridge, "_dispatch_to_lambda", _dispatch_to_lambda)


def seen_by(witness: Witness, service: str, handler: Handler) -> Handler:
    """The handler of a service, with a witness."""

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        if session := headers.get("x-amz-security-token"):
            witness.note(session, service, method, path, headers, body, query)
        return await handler(method, path, headers, body, query)

    return handle


if __name__ == "__main__":
    sys.argv = sys.argv[:1]
    if calls := os.environ.get("WARDEN_CALLS"):
        witness = Witness(Path(calls))
        app.SERVICE_HANDLERS.update({service: seen_by(witness, service, handler) for service, handler in app.SERVICE_HANDLERS.items()})
    if events := os.environ.get("WARDEN_EVENTS"):
        EventQueue(Path(events), int(os.environ["WARDEN_ENVIRONMENTS"])).install()
    app.main()
