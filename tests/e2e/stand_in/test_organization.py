"""`DescribeAccount` of AWS Organizations."""

from __future__ import annotations

import pytest
from harness.accounts import ALLOWED, PROVIDER, UNLISTED
from stand_in.conftest import Start
from stand_in.running import Local, error_code

PATH = f"o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/{ALLOWED}/"


@pytest.mark.parametrize(("state", "status"), [("ACTIVE", "ACTIVE"), ("SUSPENDED", "SUSPENDED"), ("CLOSED", "SUSPENDED")])
def test_account_has_state_and_status(local: Local, state: str, status: str) -> None:
    local.control("organization", account=ALLOWED, name="shop", state=state, place=PATH)
    account = local.client("organizations", PROVIDER).describe_account(AccountId=ALLOWED)["Account"]
    assert (account["State"], account["Status"], account["Paths"]) == (state, status, [PATH])
    assert error_code(local.client("organizations", PROVIDER).describe_account, AccountId=UNLISTED) == "AccountNotFoundException"


def test_members_may_not_describe_accounts(start: Start) -> None:
    local = start("--organization-callers", PROVIDER)
    local.control("organization", account=ALLOWED, name="shop", state="ACTIVE", place=PATH)
    local.client("organizations", PROVIDER).describe_account(AccountId=ALLOWED)
    member = local.client("organizations", ALLOWED)
    assert error_code(member.describe_account, AccountId=ALLOWED) == "AccessDeniedException"
    local.control("organization-callers", accounts=f"{PROVIDER},{ALLOWED}")
    member.describe_account(AccountId=ALLOWED)
