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
from deployment import BUCKET, Deployment
from places import E2E, POLICIES, RUN, TARGET, TEMPLATE, shown
from ports import HOST, free_port, require_free
from processes import Server
from trouble import Trouble

NAME = "warden"
SERVICES = "cloudformation,lambda,events,scheduler,sns,sqs,dynamodb,dynamodbstreams,s3,iam,sts,kms,logs,ec2,elasticloadbalancing,ssm,tagging,monitoring,cloudtrail"
START_SECONDS = 60.0
CALL_SECONDS = 130  # an invocation of `approve` may take all of its two minutes
SETTLE_MS = 500  # how long the stand-in lets an accepted connection be `pending`
PARAMETERS = {"Mode": "active", "ServiceScope": "all", "Architecture": "x86_64", "SweepSchedule": "rate(1 minute)", "AuditSchedule": "rate(1 day)", "PolicyHome": "policies/"}


class Stack:
    """Use as a context: leaves nothing running."""

    def __init__(self, name: str, port: int | None = None, policies: Path = POLICIES, optimised: tuple[str, ...] = (), emulator: dict[str, str] | None = None) -> None:
        if port is not None:
            require_free(port, "make up PORT=…")
        self._home = RUN / name
        self._policies, self._optimised = policies, optimised
        self._settings = emulator or {}  # what the emulator is told besides
        self.calls = self._home / "calls.jsonl"  # what functions asked of the emulator
        self.port = port or free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._emulator_url = f"http://{HOST}:{free_port()}"
        self._servers: list[Server] = []
        self._lock: TextIO | None = None
        self.deployment = Deployment(NAME, self.client)

    def __enter__(self) -> Stack:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()

    @property
    def outputs(self) -> dict[str, str]:
        """What the template tells of itself."""
        return self.deployment.outputs

    @functools.cache
    def client(self, service: str, account: str = PROVIDER) -> Any:
        """An ordinary SDK client with an account's credentials."""
        return self._client(service, self.url, account)

    @functools.cache
    def beneath(self, service: str) -> Any:
        """The provider's client of the emulator itself, for what the stand-in would answer in its place."""
        return self._client(service, self._emulator_url, PROVIDER)

    def _client(self, service: str, url: str, account: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id=account,
            aws_secret_access_key="on-one-machine",
            config=botocore.config.Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=CALL_SECONDS),
        )

    def deploy(self, settings: dict[str, str] = PARAMETERS, **parameters: str) -> None:
        """Creates or updates the stack from infra/template.yaml."""
        # Not target/lambda: what `make package` made for AWS must not be replaced by debug binaries.
        artifacts.lay_out(TARGET / "debug", self._home / "lambda", self._policies, self._optimised)
        self.deployment.put(self.packaged(), settings | parameters)

    @property
    def group(self) -> int:
        """The process group of the emulator and of the functions that it started."""
        return self._servers[0].group

    def stand(self) -> None:
        """Returns never; complains when a server ends."""
        while True:
            for server in self._servers:
                server.check()
            time.sleep(1)

    def processes(self) -> dict[str, int]:
        """Servers by name, with their process ids."""
        return {server.name: server.pid for server in self._servers}

    def local(self, path: str, post: bool = False, **query: str) -> Any:
        """The stand-in's own door, for what AWS has no call for."""
        url = f"{self.url}/_local/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        with urllib.request.urlopen(urllib.request.Request(url, method="POST" if post else "GET"), timeout=10) as response:
            body = response.read()
        return json.loads(body) if body[:1] in (b"[", b"{") else body.decode()

    def packaged(self) -> str:
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
            # Functions inherit these: EC2 and Organizations are the stand-in's, the rest is ministack's; two of it through
            # the stand-in, which can keep these from going well.
            "AWS_ENDPOINT_URL": self._emulator_url,
            **{f"AWS_ENDPOINT_URL_{service}": self.url for service in ("EC2", "ORGANIZATIONS", "DYNAMODB", "SNS")},
            "TMPDIR": str(scratch),
            "S3_DATA_DIR": str(scratch / "s3"),
            "STATE_DIR": str(scratch / "state"),
        } | self._settings

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
