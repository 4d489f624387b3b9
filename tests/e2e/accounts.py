"""Who is who. On one machine an account is a 12-digit access key id."""

from __future__ import annotations

PROVIDER = "123456789012"
A = "111122223333"  # in the group `redis-consumers` of policies/groups.json
B = "444455556666"  # may ask, stands in no policy
C = "777788889999"  # may not even ask
REGION = "us-east-1"
NAMES = {PROVIDER: "provider", A: "A", B: "B", C: "C"}


def root_arn(account: str) -> str:
    """The principal that stands for a whole account."""
    return f"arn:aws:iam::{account}:root"
