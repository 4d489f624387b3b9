"""The platform on one machine: ministack, the PrivateLink stand-in before it, and the real template with the real binaries."""

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

import boto3
import botocore.config
from harness.accounts import PROVIDER, REGION
from harness.cloudformation import BUCKET, Deployment
from harness.processes import HOST, Server, free_port, require_free
from tasks import artifacts
from tasks.errors import RunError
from tasks.paths import E2E, POLICIES, RUN, TARGET, shown

NAME = "warden"
SERVICES = "cloudformation,lambda,events,scheduler,sns,sqs,dynamodb,dynamodbstreams,s3,iam,sts,kms,logs,ec2,elasticloadbalancing,ssm,tagging,monitoring,cloudtrail"
START_SECONDS = 60.0
CALL_SECONDS = 130  # an audit of a test may take two minutes
SETTLE_MS = 500  # the time that an accepted connection is `pending` in the stand-in
PARAMETERS = {"Mode": "active", "ServiceScope": "all", "Architecture": "x86_64", "SweepSchedule": "rate(1 minute)", "AuditSchedule": "rate(1 day)", "PolicyHome": "policies/"}


class Stack:
    """A context that starts the platform and leaves nothing running. Its folder is `.run/NAME`."""

    def __init__(self, name: str, port: int | None = None, policies: Path = POLICIES, optimised: tuple[str, ...] = (), emulator: dict[str, str] | None = None, world: Path | None = None) -> None:
        if port is not None:
            require_free(port, "make up PORT=…")
        self._home = RUN / name
        self._policies, self._optimised = policies, optimised
        self._settings = emulator or {}  # further environment of the emulator
        self._world = world  # services and connections that exist from the start
        self.calls = self._home / "calls.jsonl"  # the functions' calls to the emulator
        self.port = port or free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._emulator_url = f"http://{HOST}:{free_port()}"
        self._servers: list[Server] = []
        self._lock: TextIO | None = None
        self.deployment = Deployment(NAME, self.client)

    def __enter__(self) -> Stack:
        # For the clients of this process, too.
        isolated = isolated_environment()
        os.environ.clear()
        os.environ.update(isolated)
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
        """The outputs of the deployed template."""
        return self.deployment.outputs

    @property
    def group(self) -> int:
        """The process group of the emulator and of the functions that it started."""
        return self._servers[0].group

    @functools.cache
    def client(self, service: str, account: str = PROVIDER, region: str = REGION) -> Any:
        """An SDK client with an account's credentials."""
        return self._client(service, self.url, account, region)

    @functools.cache
    def emulator_client(self, service: str) -> Any:
        """The provider's client of the emulator itself, past the stand-in."""
        return self._client(service, self._emulator_url, PROVIDER)

    def _client(self, service: str, url: str, account: str, region: str = REGION) -> Any:
        return boto3.client(
            service,
            endpoint_url=url,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key="on-one-machine",
            config=botocore.config.Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=CALL_SECONDS),
        )

    def deploy(self, settings: dict[str, str] = PARAMETERS, **parameters: str) -> None:
        """Creates or updates the stack from infra/template.yaml."""
        self.deployment.put(self.packaged, settings | parameters)

    @functools.cached_property
    def packaged(self) -> str:
        """The template as `sam package` would write it: with the code on S3."""
        # Not in target/lambda, where `make package` keeps the release.
        folder, s3 = self._home / "lambda", self.client("s3")
        artifacts.lay_out(TARGET / "debug", folder, self._policies, self._optimised)
        s3.create_bucket(Bucket=BUCKET)
        for function in artifacts.FUNCTIONS:
            s3.put_object(Bucket=BUCKET, Key=f"{function}.zip", Body=artifacts.zip_of(folder / function, fast=True))
        return artifacts.template_with_code({function: f"s3://{BUCKET}/{function}.zip" for function in artifacts.FUNCTIONS})

    def wait(self) -> None:
        """Waits without end. Raises an error when a server ends."""
        while True:
            for server in self._servers:
                server.check()
            time.sleep(1)

    def local(self, path: str, post: bool = False, **query: str) -> Any:
        """Calls the stand-in's own interface (`/_local/…`), which controls faults and lists calls."""
        url = f"{self.url}/_local/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        with urllib.request.urlopen(urllib.request.Request(url, method="POST" if post else "GET"), timeout=10) as response:
            body = response.read()
        return json.loads(body) if body[:1] in (b"[", b"{") else body.decode()

    def _start(self) -> None:
        self._lock = lock(self._home)
        scratch = self._home / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        environment = os.environ | self._emulator_environment(scratch)
        emulator = Server("ministack", [sys.executable, "-m", "harness.emulator"], environment, self._home / "ministack.log")
        self._servers.append(emulator)
        emulator.await_health(f"{self._emulator_url}/_ministack/health", START_SECONDS)
        local = Server("local", self._local_command(), os.environ | {"RUST_BACKTRACE": "1"}, self._home / "local.log")
        self._servers.append(local)
        local.await_health(f"{self.url}/_local/health", START_SECONDS)

    def _emulator_environment(self, scratch: Path) -> dict[str, str]:
        return {
            "PYTHONPATH": str(E2E),
            "BIND_HOST": HOST,
            "GATEWAY_PORT": self._emulator_url.rpartition(":")[2],
            "SERVICES": SERVICES,
            "LAMBDA_EXECUTOR": "local",
            "IOT_MTLS_ENABLED": "0",
            "WARDEN_CALLS": str(self.calls),
            # Functions inherit these. The stand-in answers EC2 and Organizations. It passes DynamoDB, SNS and SQS on, and can inject faults there.
            "AWS_ENDPOINT_URL": self._emulator_url,
            **{f"AWS_ENDPOINT_URL_{service}": self.url for service in ("EC2", "ORGANIZATIONS", "DYNAMODB", "SNS", "SQS")},
            "TMPDIR": str(scratch),
            "S3_DATA_DIR": str(scratch / "s3"),
            "STATE_DIR": str(scratch / "state"),
        } | self._settings

    def _local_command(self) -> list[str]:
        options = {"listen": f"{HOST}:{self.port}", "emulator": self._emulator_url, "region": REGION, "settle-ms": str(SETTLE_MS), "forward-events-to": f"{PROVIDER}={NAME}"}
        if self._world:
            options["load"] = str(self._world)
        return [str(TARGET / "debug" / "local"), *(word for key, value in options.items() for word in (f"--{key}", value)), "--control"]

    def _stop(self) -> None:
        if self._lock is None:
            return
        while self._servers:
            self._servers.pop().stop()
        for folder in ("tmp", "lambda"):
            shutil.rmtree(self._home / folder, ignore_errors=True)


def lock(home: Path) -> TextIO:
    """A lock on a run's folder, held until the process ends."""
    home.mkdir(parents=True, exist_ok=True)
    file = (home / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RunError(f"Another run uses {shown(home)}: wait for it, or stop it with Ctrl-C.") from error
    return file


def isolated_environment() -> dict[str, str]:
    """This process's environment without the user's AWS configuration and proxies, so that no call reaches the real AWS."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_") and key.lower() not in ("http_proxy", "https_proxy", "all_proxy")}
    return kept | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "*"}
