"""A running stand-in, and the clients of its accounts: unmodified boto3."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError
from harness.accounts import REGION
from harness.processes import HOST


class Local:
    """A running stand-in."""

    def __init__(self, port: int) -> None:
        self.url = f"http://{HOST}:{port}"

    def client(self, service: str, account: str, region: str = REGION, session: str | None = None) -> Any:
        """An SDK client of an account, which its access key id names. The session token may be the ARN of a role session."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key="on-one-machine",
            aws_session_token=session,
            config=botocore.config.Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30),
        )

    def control(self, path: str, **query: str) -> str:
        """Changes a setting by a POST to `/_local/…`."""
        url = f"{self.url}/_local/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=10) as response:
            return str(response.read().decode())

    def show(self, path: str) -> Any:
        """Reads a list of `/_local/…`."""
        with urllib.request.urlopen(f"{self.url}/_local/{path}", timeout=10) as response:
            return json.loads(response.read())


def error_code(call: Callable[..., Any], **arguments: Any) -> str:
    """The error code of a call that must fail."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return str(error.value.response["Error"]["Code"])
