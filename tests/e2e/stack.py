"""The platform on one machine: ministack, the stand-in for PrivateLink before it, and the real template with the real binaries."""

from __future__ import annotations

import fcntl
import functools
import json
import os
import shutil
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import artifacts
import boto3
import botocore.config
from accounts import PROVIDER, REGION
from botocore.exceptions import ClientError
from places import E2E, RUN, TARGET, TEMPLATE, shown
from ports import HOST, free_port, require_free
from processes import Server, until
from trouble import Trouble

NAME = "warden"
BUCKET = "warden-artifacts"
SERVICES = "cloudformation,lambda,events,scheduler,sns,sqs,dynamodb,dynamodbstreams,s3,iam,sts,logs,ec2,ssm,tagging,monitoring,cloudtrail"
START_SECONDS, DEPLOY_SECONDS = 60.0, 90.0
SETTLE_MS = 500  # how long the stand-in lets an accepted connection be `pending`
PARAMETERS = {"Mode": "active", "ServiceScope": "all", "Architecture": "x86_64", "SweepSchedule": "rate(1 minute)", "AuditSchedule": "rate(1 day)", "PolicyHome": "policies/"}


class Stack:
    """Use as a context: leaves nothing running."""

    def __init__(self, name: str, port: int | None = None) -> None:
        if port is not None:
            require_free(port, "make up PORT=…")
        self._home = RUN / name
        self.calls = self._home / "calls.jsonl"  # what functions asked of the emulator
        self.port = port or free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._emulator_url = f"http://{HOST}:{free_port()}"
        self._servers: list[Server] = []
        self._lock: TextIO | None = None
        self.outputs: dict[str, str] = {}

    def __enter__(self) -> Stack:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()

    @functools.cache
    def client(self, service: str, account: str = PROVIDER) -> Any:
        """An ordinary SDK client with an account's credentials."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=account,
            aws_secret_access_key="on-one-machine",
            config=botocore.config.Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=30),
        )

    def deploy(self, **parameters: str) -> None:
        """Creates or updates the stack from infra/template.yaml."""
        # Not target/lambda: what `make package` made for AWS must not be replaced by debug binaries.
        artifacts.lay_out(TARGET / "debug", self._home / "lambda")
        # By its URL, as `sam deploy` does: a request's own text ends at 51,200 bytes, and the template is longer.
        body = self._packaged().encode()
        self.client("s3").put_object(Bucket=BUCKET, Key="template.yaml", Body=body)
        cloudformation = self.client("cloudformation")
        values = [{"ParameterKey": key, "ParameterValue": value} for key, value in (PARAMETERS | parameters).items()]
        arguments = {"StackName": NAME, "TemplateURL": f"{self.url}/{BUCKET}/template.yaml", "Parameters": values, "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]}
        try:
            (cloudformation.update_stack if self.outputs else cloudformation.create_stack)(**arguments)
        except ClientError as error:
            if "No updates" not in str(error):
                raise
        described = until("the deployment", DEPLOY_SECONDS, self._settled)
        if not described["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise Trouble(f"The template did not deploy ({described['StackStatus']}): {self._why()}")
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}

    def stand(self) -> None:
        """Returns never; complains when a server ends."""
        while True:
            for server in self._servers:
                server.check()
            time.sleep(1)

    def local(self, path: str, post: bool = False, **query: str) -> Any:
        """The stand-in's own door, for what AWS has no call for."""
        url = f"{self.url}/_local/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        with urllib.request.urlopen(urllib.request.Request(url, method="POST" if post else "GET"), timeout=10) as response:
            body = response.read()
        return json.loads(body) if body[:1] in (b"[", b"{") else body.decode()

    def _packaged(self) -> str:
        """The template as `sam package` would leave it: code on S3."""
        body = TEMPLATE.read_text()
        s3 = self.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        for function in artifacts.FUNCTIONS:
            key, uri = f"{function}.zip", f"CodeUri: ../target/lambda/{function}/"
            s3.put_object(Bucket=BUCKET, Key=key, Body=artifacts.zip_of(self._home / "lambda" / function, fast=True))
            if body.count(uri) != 1:
                raise Trouble(f"infra/template.yaml should say `{uri}` once.")
            body = body.replace(uri, f"CodeUri: s3://{BUCKET}/{key}")
        return body

    def _settled(self) -> Any:
        described = self.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"][0]
        return None if described["StackStatus"].endswith("IN_PROGRESS") else described

    def _why(self) -> str:
        events = self.client("cloudformation").describe_stack_events(StackName=NAME)["StackEvents"]
        failed = [event for event in events if "FAILED" in event["ResourceStatus"]]
        return "; ".join(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}" for event in failed) or "no reason given"

    def _start(self) -> None:
        self._lock = alone(self._home)
        scratch = self._home / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        environment = quiet_environment() | self._emulator_environment(scratch)
        emulator = Server("ministack", [sys.executable, str(E2E / "emulator.py")], environment, self._home / "ministack.log")
        self._servers.append(emulator)
        emulator.await_health(f"{self._emulator_url}/_ministack/health", START_SECONDS)
        local = Server("local", self._local_command(), quiet_environment() | {"RUST_BACKTRACE": "1"}, self._home / "local.log")
        self._servers.append(local)
        local.await_health(f"{self.url}/_local/health", START_SECONDS)

    def _emulator_environment(self, scratch: Path) -> dict[str, str]:
        return {
            "BIND_HOST": HOST,
            "GATEWAY_PORT": self._emulator_url.rpartition(":")[2],
            "SERVICES": SERVICES,
            "LAMBDA_EXECUTOR": "local",
            "IOT_MTLS_ENABLED": "0",
            "WARDEN_CALLS": str(self.calls),
            # Functions inherit these: EC2 and Organizations are the stand-in's, the rest is ministack's.
            "AWS_ENDPOINT_URL": self._emulator_url,
            "AWS_ENDPOINT_URL_EC2": self.url,
            "AWS_ENDPOINT_URL_ORGANIZATIONS": self.url,
            "TMPDIR": str(scratch),
            "S3_DATA_DIR": str(scratch / "s3"),
            "STATE_DIR": str(scratch / "state"),
        }

    def _local_command(self) -> list[str]:
        options = {"listen": f"{HOST}:{self.port}", "emulator": self._emulator_url, "region": REGION, "settle-ms": str(SETTLE_MS), "forward-events-to": f"{PROVIDER}={NAME}"}
        return [str(TARGET / "debug" / "local"), *(word for key, value in options.items() for word in (f"--{key}", value)), "--control"]

    def _stop(self) -> None:
        if self._lock is None:
            return
        while self._servers:
            self._servers.pop().stop()
        for folder in ("tmp", "lambda"):
            shutil.rmtree(self._home / folder, ignore_errors=True)


def alone(home: Path) -> TextIO:
    """A lock on a run's folder, held until the process ends, however it ends."""
    home.mkdir(parents=True, exist_ok=True)
    lock = (home / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Trouble(f"Another run is at work in {shown(home)}: wait for it, or stop it with Ctrl-C.") from error
    return lock


def quiet_environment() -> dict[str, str]:
    """This process's environment without a trace of the user's own AWS set-up or proxies: nothing here may reach the real AWS."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_") and key.lower() not in ("http_proxy", "https_proxy", "all_proxy")}
    return kept | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "*"}


def forget_the_users_aws() -> None:
    """The same for the clients of this very process. Call it before the first client is made."""
    quiet = quiet_environment()
    os.environ.clear()
    os.environ.update(quiet)
