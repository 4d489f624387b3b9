"""`make up`: the platform at one URL until Ctrl-C, with the demo's service and the commands to try."""

from __future__ import annotations

import os

from harness.accounts import ALLOWED, PROVIDER, REGION, UNLISTED
from harness.actions import SUBNET, VPC, Service, create_service
from harness.stack import Stack
from tasks.console import Progress, note
from tasks.errors import RunError, run_program
from tasks.paths import ROOT


def commands(stack: Stack, service: Service) -> str:
    """The commands to paste into another terminal."""

    def aws(account: str) -> str:
        return f"AWS_ACCESS_KEY_ID={account} AWS_SECRET_ACCESS_KEY=x aws --endpoint-url {stack.url} --region {REGION}"

    warden = f"AWS_ACCESS_KEY_ID={PROVIDER} AWS_SECRET_ACCESS_KEY=x target/debug/warden --endpoint-url {stack.url} --region {REGION} --ledger {stack.outputs['LedgerName']}"
    create = f"ec2 create-vpc-endpoint --vpc-endpoint-type Interface --vpc-id {VPC} --subnet-ids {SUBNET} --service-name {service.name}"
    return f"""
The provider {PROVIDER} offers the service `redis` ({service.id}) to two accounts. An account's access key id is its number.

As {ALLOWED}, which the policy allows: accepted within seconds.
  {aws(ALLOWED)} {create}

As {UNLISTED}, which no policy names: stays pending, and its owner gets a message.
  {aws(UNLISTED)} {create}

As the provider: the connections, and the ledger.
  {aws(PROVIDER)} ec2 describe-vpc-endpoint-connections --filters Name=service-id,Values={service.id} --output table
  {aws(PROVIDER)} dynamodb scan --table-name {stack.outputs["LedgerName"]} --query 'Items[?kind.S==`decision`].[pk.S,sk.S,account.S]' --output text

The warden's own command line: what is pending and why, and whether everything is in place.
  {warden} plan
  {warden} doctor --topic {stack.outputs["ConnectionsTopicArn"]}

`. {ROOT / ".venv"}/bin/activate` puts an `aws` command on your PATH. Ctrl-C stops everything.
"""


def main() -> None:
    """Starts the platform, prints the commands, waits."""
    port = os.environ["PORT"]
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise RunError(f"PORT must be a number from 1 to 65535, not `{port}`.")
    with Stack("up", int(port)) as stack:
        with Progress("deploying infra/template.yaml into ministack, with the real binaries"):
            stack.deploy()
        note(commands(stack, create_service(stack, allowed=[ALLOWED, UNLISTED])))
        stack.wait()


if __name__ == "__main__":
    run_program(main, stopped="Stopped; nothing is left running.")
