"""The `aws` command line in one process: it is loaded once and forked for each command, because a start takes more than a second.

`python -m documents.aws_cli SOCKET` listens; the program `aws` of `shell.py` hands over its arguments, environment, folder and streams.
Calls that the emulator cannot answer are checked against the API model by botocore, and answered from the model. The environment variable
`ONLY_CHECK` does that for each call.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

from awscli import clidriver
from documents.exceptions import NOT_CALLED

# Commands that are only checked still read the outputs of the stack.
ALWAYS_CALLED = ("cloudformation.DescribeStacks",)
# What the model does not say, by the member's name.
VALUES = {"Prefix": "x/", "Status": "CREATE_COMPLETE"}
# The services of most commands. A client loads its model and its endpoints, which the forks then have.
PRELOADED = ("cloudformation", "dynamodb", "ec2", "lambda", "logs", "s3", "scheduler", "sqs")
DEPTH_MAX = 6
# Without these, no paginator asks for more.
TOKEN = re.compile("Token|Marker|^LastEvaluated|^IsTruncated")


class Answer:
    """What botocore reads of an HTTP response."""

    status_code = 200
    headers: dict[str, str] = {}


def sample(shape: Any, member: str = "", depth: int = 0) -> Any:
    """An output as the model describes it: each list has one element."""
    if shape is None or depth > DEPTH_MAX:
        return {}
    if shape.type_name == "structure":
        return {name: sample(each, name, depth + 1) for name, each in shape.members.items() if not TOKEN.search(name)}
    if shape.type_name == "list":
        return [sample(shape.member, member, depth + 1)]
    known: dict[str, Any] = {"map": {}, "boolean": False, "integer": 1, "long": 1, "float": 1.0, "double": 1.0, "timestamp": "2026-01-01T00:00:00Z", "blob": b""}
    return known.get(shape.type_name, VALUES.get(member, "x"))


def answer(model: Any, **_: Any) -> Any:
    """Called before each call is sent, when its parameters are validated. Returns an answer, or None to send it."""
    name = f"{model.service_model.endpoint_prefix}.{model.name}"
    called = name in ALWAYS_CALLED or (name not in NOT_CALLED and "ONLY_CHECK" not in os.environ)
    return None if called else (Answer(), sample(model.output_shape))


def run(driver: Any, request: dict[str, Any], streams: list[int]) -> int:
    """Runs one command in this process, with the streams and the environment of the caller."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    try:
        # For SQS, version 1 of the command line does not heed the environment variable.
        status = driver.main([*request["arguments"], "--endpoint-url", os.environ["AWS_ENDPOINT_URL"]])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    return int(status or 0)


def show(error: BaseException, outfile: Any) -> None:
    """Writes an error whole. The command line writes its message alone, which may be empty."""
    outfile.write("".join(traceback.format_exception(error)))


def serve(path: Path) -> None:
    """Answers commands until the process is ended."""
    clidriver.write_exception = show
    driver = clidriver.create_clidriver()
    driver.session.register("before-call", answer)
    for service in PRELOADED:
        driver.session.create_client(service)
    # The garbage collector of a fork would copy the memory that it visits.
    gc.freeze()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen(16)
        # The kernel reaps the children.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            connection, _ = server.accept()
            # One process waits for the command, so that several commands of a pipe run side by side.
            if os.fork() == 0:
                server.close()
                answer_one(driver, connection)
                os._exit(0)
            connection.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def answer_one(driver: Any, connection: socket.socket) -> None:
    """Runs a client's command in a child, and sends its status."""
    body, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    while not body.endswith(b"\n"):
        more = connection.recv(1 << 20)
        if not more:
            return  # only a test if the server listens
        body += more
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        status = 255
        try:
            status = run(driver, json.loads(body), streams)
        except BaseException:
            traceback.print_exc()
        os._exit(status)
    _, ended = os.waitpid(child, 0)
    connection.sendall(str(os.waitstatus_to_exitcode(ended)).encode())


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
