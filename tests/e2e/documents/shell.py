"""A shell for the commands of a document. The programs that it finds first are those of this file."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

from documents.exceptions import NOT_RUN
from tasks.paths import ROOT, TARGET

# Commands that ask for a confirmation at a terminal.
ASKING = ("approve", "reject", "revoke", "policy publish", "doctor --fix notifications", "doctor --fix acceptance")
SECONDS = 120


class Shell:
    """One document's commands, in a folder with copies of the files that they name. Variables and functions last from one to the next."""

    def __init__(self, folder: Path, server: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._state = folder / ".state"
        self._environment = environment | {"PATH": f"{folder / '.bin'}:{os.environ['PATH']}", "HOME": str(folder)}
        (folder / ".bin").mkdir()
        for name, text in programs(server).items():
            program = folder / ".bin" / name
            program.write_text(text)
            program.chmod(0o755)
        built = folder / "target" / "debug" / "warden"
        built.parent.mkdir(parents=True)
        built.symlink_to(folder / ".bin" / "warden")

    def run(self, commands: str, **variables: str) -> tuple[int, str]:
        """Runs commands until one fails. Returns the status and the output."""
        # `set -a` exports each variable that the commands set, and `export -p` then writes them.
        keep = f"trap 'status=$?; {{ declare -f; export -p | grep -v \"^declare -[a-z]*r\"; }} > {self._state}.new; mv {self._state}.new {self._state}; exit $status' EXIT"
        load = f"if [ -e {self._state} ]; then . {self._state}; fi"
        script = "\n".join([load, keep, "set -aeuo pipefail", commands])
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self._environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return done.returncode, done.stdout


def programs(server: Path) -> dict[str, str]:
    """The programs: `aws` as a client of the server, `warden` against the stack, and what is not run."""
    python = f"#!{sys.executable} -ISE\n"
    aws = f"""
        import array, json, os, socket, sys
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.connect({str(server)!r})
            request = {{"arguments": sys.argv[1:], "environment": dict(os.environ), "folder": os.getcwd()}}
            socket.send_fds(server, [json.dumps(request).encode() + b"\\n"], [0, 1, 2])
            sys.exit(int(server.recv(16) or sys.exit("the server ended without a status")))
    """
    asking = "|".join(f'*" {words} "*' for words in ASKING)
    not_run = "|".join(f'*" {words.removeprefix("warden ")} "*' for words in NOT_RUN if words.startswith("warden ")) or "''"
    warden = f"""#!/usr/bin/env bash
        case " $* " in {not_run}) exit 0 ;; {asking}) set -- "$@" --yes ;; esac
        status=0
        {TARGET / "debug" / "warden"} --endpoint-url "$AWS_ENDPOINT_URL" "$@" || status=$?
        # 1: the command worked, and found differences.
        [ "$status" -le 1 ]
    """
    make = f"""#!/usr/bin/env bash
        for word in "$@"; do
          case "$word" in *=*) ;; *) grep -q "^$word:" {ROOT / "Makefile"} || {{ echo "make: no target $word"; exit 2; }} ;; esac
        done
    """
    other = f"""
        import sys
        line = " ".join([sys.argv[0].rpartition("/")[2], *sys.argv[1:]])
        sys.exit(0 if any(line == known or line.startswith(known + " ") for known in {list(NOT_RUN)!r}) else "not in NOT_RUN: " + line)
    """
    body = textwrap.dedent
    return {"aws": python + body(aws), "warden": body(warden), "make": body(make)} | {name: python + body(other) for name in ("sam", "git", "cargo")}


class AwsServer:
    """The process of `aws_cli.py`."""

    def __init__(self, path: Path, environment: dict[str, str]) -> None:
        self.path = path
        self._log = path.with_suffix(".log").open("w")
        self._process = subprocess.Popen([sys.executable, "-m", "documents.aws_cli", str(path)], env=environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT)

    def is_ready(self) -> bool:
        """Returns true once the process takes commands."""
        assert self._process.poll() is None, "the process of the aws command line has ended"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(str(self.path)) == 0

    def stop(self) -> None:
        """Ends the process."""
        self._process.terminate()
        self._process.wait()
        self._log.close()
