"""The consumers' CloudTrail events: their envelope names the consumer's account and Region."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import ministack.services.eventbridge as eventbridge
import pytest
from harness.accounts import ALLOWED, PROVIDER, REGION, root_arn
from harness.processes import HOST, until
from ministack.core.responses import get_account_id, get_region, request_scope
from stand_in import cross_account_events
from stand_in.conftest import Start

ABROAD = "eu-west-1"
BUS = f"arn:aws:events:{REGION}:{PROVIDER}:event-bus/warden"
BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:{PROVIDER}:loadbalancer/net/redis/0a1b2c3d4e5f6071"


class Events:
    """An EventBridge that keeps what it gets. With `only_own`, it knows the buses of the caller's account only."""

    def __init__(self, only_own: bool) -> None:
        self.received: list[tuple[str, str, dict[str, Any]]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                account, _, region, *_ = self.headers["authorization"].partition("Credential=")[2].split("/")
                (entry,) = json.loads(self.rfile.read(int(self.headers["content-length"])))["Entries"]
                fails = only_own and entry["EventBusName"].startswith("arn:") and account != PROVIDER
                result = {"ErrorCode": "ResourceNotFoundException"} if fails else {"EventId": "1"}
                if not fails:
                    received.append((account, region, entry))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps({"FailedEntryCount": int(fails), "Entries": [result]}).encode())

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = HTTPServer((HOST, 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(params=[False, True], ids=["any bus", "own buses only"])
def events(request: pytest.FixtureRequest) -> Iterator[Events]:
    """The emulator's EventBridge."""
    made = Events(only_own=request.param)
    yield made
    made.server.shutdown()


def test_event_is_sent_by_the_consumer(start: Start, events: Events) -> None:
    local = start("--emulator", f"http://{HOST}:{events.server.server_port}", "--forward-events-to", f"{PROVIDER}=warden")
    provider = local.client("ec2", PROVIDER)
    service = provider.create_vpc_endpoint_service_configuration(NetworkLoadBalancerArns=[BALANCER], SupportedRegions=[ABROAD])["ServiceConfiguration"]
    provider.modify_vpc_endpoint_service_permissions(ServiceId=service["ServiceId"], AddAllowedPrincipals=[root_arn(ALLOWED)])
    consumer = local.client("ec2", ALLOWED, ABROAD)
    consumer.create_vpc_endpoint(VpcEndpointType="Interface", VpcId="vpc-0", ServiceName=service["ServiceName"], ServiceRegion=REGION)
    account, region, entry = until("the event", 5, lambda: events.received)[0]
    detail = json.loads(entry["Detail"])
    assert (detail["awsRegion"], detail["recipientAccountId"]) == (ABROAD, ALLOWED)
    direct, through_the_bus = (ALLOWED, ABROAD, BUS), (PROVIDER, REGION, "warden")
    assert (account, region, entry["EventBusName"]) in (direct, through_the_bus)


def test_emulator_takes_a_bus_of_another_account(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, str, dict[str, Any]]] = []
    monkeypatch.setattr(eventbridge, "_put_events", eventbridge._put_events)
    monkeypatch.setattr(eventbridge, "_dispatch_event", eventbridge._dispatch_event)
    monkeypatch.setattr(cross_account_events, "_dispatch", lambda event, view: seen.append((get_account_id(), get_region(), dict(event))))
    cross_account_events.install()
    entry = {"EventBusName": BUS, "Source": "aws.ec2", "DetailType": "x", "Detail": "{}"}
    with request_scope(ALLOWED, ABROAD):
        _, _, body = eventbridge._put_events({"Entries": [entry, {**entry, "EventBusName": "default"}]})
    assert json.loads(body)["FailedEntryCount"] == 0
    (bus_account, bus_region, event), (own_account, own_region, _) = seen
    assert (bus_account, bus_region, event["EventBusName"]) == (PROVIDER, REGION, "warden")
    assert (event["Account"], event["Region"]) == (ALLOWED, ABROAD)
    assert (own_account, own_region) == (ALLOWED, ABROAD)
