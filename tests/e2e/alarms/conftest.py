"""A stack for each file of alarm tests, whose settings and functions the scenarios break."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from alarms.alarm_scenarios import Scenario
from alarms.cloudwatch import HOUR, CloudWatch
from harness.accounts import PROVIDER, REGION
from harness.actions import audit, sweep
from harness.cloudformation import Deployment
from harness.policy_store import URI, publish
from harness.stack import PARAMETERS, Stack
from tasks.paths import POLICIES, ROOT


@dataclass(frozen=True)
class Watched:
    """The stack, its metrics, and the alarms when it was new."""

    stack: Stack
    cloudwatch: CloudWatch
    initial: set[str]

    def run(self, scenario: Scenario) -> None:
        """Runs a scenario, and checks its alarms and queues."""
        alarms: set[str] = set()
        filled: set[str] = set()
        with contextlib.closing(scenario.run(self.stack, self.cloudwatch)) as steps:  # undoes the fault in any case
            for expected in steps:
                assert self.cloudwatch.alarming() == expected
                alarms |= expected
                filled |= self.cloudwatch.filled()
        assert (alarms, filled) == (scenario.alarms, scenario.fills)


@pytest.fixture(scope="module")
def watched(request: pytest.FixtureRequest) -> Iterator[Watched]:
    """The warden with its policy set in S3 and no schedule in the next hours, and a forwarder to a bus that does not exist."""
    with Stack(request.path.stem) as stack:
        publish(stack, [*POLICIES.glob("*.cedar"), POLICIES / "groups.json"])
        stack.deploy(PARAMETERS | {"PolicyUri": URI, "SweepSchedule": "rate(1 day)"})
        forwarder = Deployment("forwarder", stack.client)
        forwarder.put((ROOT / "infra" / "forwarder.yaml").read_text(), {"WardenBusArn": f"arn:aws:events:{REGION}:{PROVIDER}:event-bus/gone"})
        cloudwatch = CloudWatch(stack, stack.deployment, forwarder)
        cloudwatch.advance()
        yield Watched(stack, cloudwatch, cloudwatch.alarming())


@pytest.fixture
def quiet(watched: Watched) -> Iterator[Watched]:
    """No alarm before the test, and none again after it, once the fault is undone."""
    recover(watched)
    yield watched
    recover(watched)


def recover(watched: Watched) -> None:
    """The end of a runbook entry: empty queues, a sweep, an audit, and some time."""
    watched.cloudwatch.purge()
    sweep(watched.stack)
    audit(watched.stack)
    watched.cloudwatch.advance(HOUR)
    assert watched.cloudwatch.alarming() == set()
