"""One deployed stack for the whole session; each test makes services of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from inbox import Inbox
from processes import stop_on_signals
from stack import Stack, forget_the_users_aws


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Least privilege is judged by what all the others did."""
    items.sort(key=lambda item: item.path.name == "test_privilege.py")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The real template with the real binaries, in active mode, with a sweep every minute."""
    forget_the_users_aws()
    stop_on_signals()
    with Stack("test") as running:
        running.deploy()
        yield running


@pytest.fixture(scope="session")
def inbox(stack: Stack) -> Inbox:
    """What the owners get to read."""
    return Inbox.subscribe(stack, stack.outputs["OwnersTopicArn"])
