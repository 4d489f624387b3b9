"""A deployed stack for each process of the run. Each test creates services of its own on it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from harness.inbox import Inbox
from harness.stack import Stack
from iam.deployed_policies import denied_calls

# The files that take longest start first.
FIRST = ("test_alarms.py", "test_smoke.py", "test_slow_alarms.py", "test_policy.py", "test_up.py", "test_least_privilege.py", "test_deployment.py", "test_faults.py", "test_documents.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts the files for parallel runs."""
    items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The real template with the real binaries, in active mode, with a sweep every minute."""
    with Stack(f"test-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}") as running:
        running.deploy()
        yield running
        assert denied_calls(running) == set(), "the tests on this stack made calls that a role denies"


@pytest.fixture(scope="module")
def inbox(stack: Stack, request: pytest.FixtureRequest) -> Inbox:
    """The messages on the owners' topic since the file began."""
    return Inbox.subscribe(stack, stack.outputs["OwnersTopicArn"], f"inbox-{request.path.stem}")
