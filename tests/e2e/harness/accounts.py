"""The accounts of the scenarios. The emulator takes a 12-digit access key id for an account."""

from __future__ import annotations

PROVIDER = "123456789012"
ALLOWED = "111122223333"  # in the group `redis-consumers` of policies/groups.json
UNLISTED = "444455556666"  # an allowed principal of the services that no policy names
STRANGER = "777788889999"  # no allowed principal of the services
REGION = "us-east-1"


def root_arn(account: str) -> str:
    """The principal that stands for a whole account."""
    return f"arn:aws:iam::{account}:root"
