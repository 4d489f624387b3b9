"""A day of the deployed stack, for the picture of its dashboard: requests, a fault, two audits, an acceptance by hand.

The functions run, and their log lines and the queues make the metrics (`alarms/cloudwatch.py`). Only the clock is simulated, in steps of
half an hour, which is also the interval of the sweep.
"""

from __future__ import annotations

import json
from typing import Any

from alarms.cloudwatch import HOUR, CloudWatch
from harness.accounts import ALLOWED, UNLISTED
from harness.actions import Service, audit, await_record, create_endpoint, create_service, creation_event, put_event, send, sweep
from harness.fault_injection import THROTTLED, fail, lose_notifications, make_older
from harness.processes import until
from harness.stack import PARAMETERS, Stack

STEP = HOUR // 2
STEPS = 48
SETTINGS = PARAMETERS | {"SweepSchedule": f"rate({STEP // 60} minutes)"}
CLOSED = "000011112222"  # in the group `closed` of policies/groups.json
VERDICTS = {ALLOWED: "accepted", UNLISTED: "referred", CLOSED: "rejected"}
REQUESTS = {  # by step
    3: [ALLOWED],
    13: [ALLOWED, UNLISTED],
    15: [ALLOWED],
    16: [ALLOWED, CLOSED],
    18: [ALLOWED, ALLOWED, UNLISTED],
    21: [ALLOWED, UNLISTED],
    24: [ALLOWED],
    27: [ALLOWED, ALLOWED],
    30: [ALLOWED, CLOSED],
    33: [ALLOWED],
    40: [ALLOWED],
}
AUDITS = (4, 37)
THROTTLED_AT, UNREADABLE_AT, PURGED_AT, FORGED_AT, LOST_AT, BY_HAND_AT, ENDED_AT = 9, 17, 22, 25, 27, 36, 45


class Day(CloudWatch):
    """A day with its metrics and logged errors."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack, stack.deployment)
        self.stack = stack
        self.errors: list[tuple[int, dict[str, Any]]] = []  # second of the day and line, the oldest first
        self._pending: list[tuple[Service, str]] = []  # what waits for a person

    def add_lines(self, group: str, lines: list[str]) -> None:
        """Adds lines to a log group."""
        super().add_lines(group, lines)
        self.errors += [(self.now, json.loads(line)) for line in lines if '"level":"ERROR"' in line]

    def dashboard(self) -> list[dict[str, Any]]:
        """The widgets of the deployed dashboard."""
        client = self.stack.client("cloudwatch")
        body: str = client.get_dashboard(DashboardName=self.stack.outputs["DashboardName"])["DashboardBody"]
        widgets: list[dict[str, Any]] = json.loads(body)["widgets"]
        return widgets

    def run(self) -> None:
        """Plays the day."""
        services = [create_service(self.stack, list(VERDICTS)) for _ in range(4)]
        for step in range(STEPS):
            for number, account in enumerate(REQUESTS.get(step, ())):
                self.request(services[(step + number) % len(services)], account, lost=step == LOST_AT)
            self.happen(step)
            sweep(self.stack)
            if step in AUDITS:
                audit(self.stack)
            self.advance(STEP)
            for _, endpoint in self._pending:
                make_older(self.stack, endpoint, STEP // 60)

    def request(self, service: Service, account: str, lost: bool) -> None:
        """A request, answered at once or, if its notification is lost, by the sweep."""
        if lost:
            lose_notifications(self.stack)
        endpoint = create_endpoint(self.stack, account, service)
        if not lost:
            await_record(self.stack, service, endpoint, VERDICTS[account], seconds=60)
        if account == UNLISTED:
            self._pending.append((service, endpoint))

    def happen(self, step: int) -> None:
        """What else happens in a step."""
        ec2 = self.stack.client("ec2")
        if step == THROTTLED_AT:
            fail(self.stack, "DescribeVpcEndpointConnections", THROTTLED, 2)
        if step == UNREADABLE_AT:
            send(self.stack, "not readable")
            until("the dead letter", 30, lambda: self.depth("DeadLetters"))
        if step == PURGED_AT:
            self.purge()
        if step == FORGED_AT:
            put_event(self.stack, creation_event(*self._pending[0], owner=ALLOWED))
            await_record(self.stack, *self._pending[0], "disputed")
        if step == BY_HAND_AT:
            service, endpoint = self._pending.pop()
            ec2.accept_vpc_endpoint_connections(ServiceId=service.id, VpcEndpointIds=[endpoint])
        if step == ENDED_AT:
            service, endpoint = self._pending.pop(0)
            ec2.reject_vpc_endpoint_connections(ServiceId=service.id, VpcEndpointIds=[endpoint])

