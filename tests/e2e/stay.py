"""`make up`: the same platform, left standing at one URL until Ctrl-C, with the demo's service made and the commands to play with."""

from __future__ import annotations

import os
import sys

from accounts import A, B, PROVIDER, REGION
from console import Progress, note
from places import ROOT
from processes import stop_on_signals
from scenario import SUBNET, VPC, Service, offer
from stack import Stack, forget_the_users_aws
from trouble import Trouble

DEFAULT_PORT = "4566"


def commands(stack: Stack, service: Service) -> str:
    """What to paste into another terminal."""
    aws = f"aws --endpoint-url {stack.url} --region {REGION}"

    def acting_as(account: str) -> str:
        return f"AWS_ACCESS_KEY_ID={account} AWS_SECRET_ACCESS_KEY=x {aws}"

    warden = f"AWS_ACCESS_KEY_ID={PROVIDER} AWS_SECRET_ACCESS_KEY=x target/debug/warden --endpoint-url {stack.url} --region {REGION} --ledger {stack.outputs['LedgerName']}"
    create = f"ec2 create-vpc-endpoint --vpc-endpoint-type Interface --vpc-id {VPC} --subnet-ids {SUBNET} --service-name {service.name}"
    return f"""
The provider {PROVIDER} offers `redis` as {service.id}; A and B may ask. An account is its access key id.

As A ({A}), in the policy: accepted within seconds.
  {acting_as(A)} {create}

As B ({B}), in no policy: stays pending, and its owner is told.
  {acting_as(B)} {create}

As the provider: who is connected, and what stands on the record.
  {acting_as(PROVIDER)} ec2 describe-vpc-endpoint-connections --filters Name=service-id,Values={service.id} --output table
  {acting_as(PROVIDER)} dynamodb scan --table-name {stack.outputs["LedgerName"]} --query 'Items[].[connection.S,verdict.S,account.S]' --output text

The warden's own command line (`cargo build -p cli` makes it): what waits and why, and whether everything is in place.
  {warden} plan
  {warden} doctor --topic {stack.outputs["ConnectionsTopicArn"]}

No `aws` of your own? `. {ROOT / ".venv"}/bin/activate` has one. Ctrl-C takes everything down.
"""


def main() -> None:
    """Starts, says how to use it, waits."""
    stop_on_signals()
    forget_the_users_aws()
    port = os.environ.get("PORT") or DEFAULT_PORT
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise Trouble(f"PORT must be a number from 1 to 65535, not `{port}`.")
    with Stack("up", int(port)) as stack:
        with Progress("deploying infra/template.yaml into ministack, with the real binaries"):
            stack.deploy()
        note(commands(stack, offer(stack, allowed=[A, B])))
        stack.stand()


if __name__ == "__main__":
    try:
        main()
    except Trouble as trouble:
        sys.exit(f"\n{trouble}")
    except KeyboardInterrupt:
        note("\nTaken down; nothing is left running.")
