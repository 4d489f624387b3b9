"""`make up`: the platform at one URL until Ctrl-C, with the demo's service and the commands to try, or the services of a file and no warden."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from harness.accounts import ALLOWED, PROVIDER, REGION, UNLISTED
from harness.actions import SUBNET, VPC, Service, create_service
from harness.inbox import Inbox
from harness.policy_store import URI, publish
from harness.stack import NAME, Stack
from tasks.console import Progress, note
from tasks.errors import RunError, run_program
from tasks.paths import POLICIES, ROOT

VENV = ROOT / ".venv"
NEW_SET = ".run/policies-new"


def environment(stack: Stack) -> str:
    """The commands that point the `aws` command, and every other client, at the platform."""
    return f"""\
  . {shlex.quote(str(VENV))}/bin/activate
  export AWS_ENDPOINT_URL={stack.url} AWS_DEFAULT_REGION={REGION} AWS_SECRET_ACCESS_KEY=x AWS_ACCESS_KEY_ID={PROVIDER}"""


def commands(stack: Stack, service: Service, inbox: Inbox) -> str:
    """The commands to paste into another terminal. Each indented line is a command."""
    create = f"ec2 create-vpc-endpoint --vpc-endpoint-type Interface --vpc-id {VPC} --subnet-ids {SUBNET} --service-name {service.name}"
    return f"""
The provider {PROVIDER} offers the service `redis` ({service.id}) to two accounts. An account's access key id is its number.

First, in another terminal, in this folder: the `aws` command, and the warden's own command line.
{environment(stack)}
  export WARDEN_STACK={NAME} PATH="$PWD/target/debug:$PATH"

As {ALLOWED}, which the policy allows: accepted within seconds.
  AWS_ACCESS_KEY_ID={ALLOWED} aws {create}

As {UNLISTED}, which no policy names: stays pending, and its owner gets a message.
  AWS_ACCESS_KEY_ID={UNLISTED} aws {create}

As the provider: the connections, and the owner's messages. A queue subscribes to the owners' topic, as a mail address would.
  aws ec2 describe-vpc-endpoint-connections --filters Name=service-id,Values={service.id} --output table
  aws --endpoint-url {stack.url} sqs receive-message --queue-url {inbox.url} --max-number-of-messages 10 --query 'Messages[].Body' | python -c 'import json, sys; [print(json.loads(body)["text"]) for body in json.load(sys.stdin) or []]'

The warden's view: what is pending and why, what was decided, and whether everything is in place.
  warden plan
  warden history --service {service.id}
  warden doctor

Another policy set: allow {UNLISTED}, see what would change, and publish. Within two minutes, its request is available.
  mkdir -p {NEW_SET} && cp policies/* {NEW_SET} && sed -i 's/"{ALLOWED}"/"{ALLOWED}", "{UNLISTED}"/' {NEW_SET}/groups.json && rm {NEW_SET}/cases.json
  warden plan --policy {NEW_SET}
  warden --policies {NEW_SET} policy publish --yes

Ctrl-C stops everything.
"""


def account(stack: Stack, world: Path) -> str:
    """The commands for a provider's account without a warden."""
    return f"""
The provider {PROVIDER} has the services of {world}, and no warden. Install one by docs/operations.md.
An account's access key id is its number.

First, in another terminal, in this folder: the `aws` command.
{environment(stack)}

The connections of all services.
  aws ec2 describe-vpc-endpoint-connections --query 'VpcEndpointConnections[].[ServiceId,VpcEndpointOwner,VpcEndpointState]' --output text

For SQS, this version of `aws` does not read AWS_ENDPOINT_URL.
  aws --endpoint-url {stack.url} sqs list-queues

Ctrl-C stops everything.
"""


def main() -> None:
    """Starts the platform, prints the commands, waits."""
    port = os.environ["PORT"]
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise RunError(f"PORT must be a number from 1 to 65535, not `{port}`.")
    world = os.environ.get("WORLD")
    if world and not Path(world).is_file():
        raise RunError(f"WORLD={world} is no file.")
    with Stack("up", int(port), world=Path(world) if world else None) as stack:
        if world:
            note(account(stack, Path(world)))
            stack.wait()
        with Progress("deploying infra/template.yaml into ministack, with the real binaries"):
            publish(stack, [*POLICIES.glob("*.cedar"), POLICIES / "groups.json"])
            stack.deploy(PolicyUri=URI)
        inbox = Inbox.subscribe(stack, stack.outputs["OwnersTopicArn"])
        note(commands(stack, create_service(stack, allowed=[ALLOWED, UNLISTED]), inbox))
        stack.wait()


if __name__ == "__main__":
    run_program(main, stopped="Stopped; nothing is left running.")
