"""Many consumers who ask for many services, four of five of them allowed."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from scenario import Service, ask, offer
from stack import Stack

ALLOWED = [f"10000000000{number}" for number in range(1, 9)]  # the group in policies/load/groups.json
STRANGERS = ["200000000001", "200000000002"]
# `approve` reads all connections of a service for each of its requests: a provider has many services before it has thousands of
# connections to one of them.
REQUESTS_PER_SERVICE = 150
SERVICES_MIN = 5


@dataclass(frozen=True)
class Request:
    """An endpoint that was created, and when that began."""

    service: Service
    endpoint: str
    allowed: bool
    at: float  # seconds of the epoch


@dataclass
class Crowd:
    """Asks, and remembers every request."""

    stack: Stack
    services: list[Service]
    requests: list[Request] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def of(cls, stack: Stack, requests: int) -> Crowd:
        """With services for so many requests."""
        services = max(SERVICES_MIN, math.ceil(requests / REQUESTS_PER_SERVICE))
        return cls(stack, [offer(stack, ALLOWED + STRANGERS, events=["Connect"]) for _ in range(services)])

    def ask(self) -> None:
        """Creates the next endpoint: five for each service in turn, the fifth by a stranger."""
        number = next(self._numbers)
        turn, allowed = number // 5, number % 5 != 4
        service = self.services[turn % len(self.services)]
        account = ALLOWED[number % len(ALLOWED)] if allowed else STRANGERS[turn % len(STRANGERS)]
        at = time.time()
        self.requests.append(Request(service, ask(self.stack, account, service), allowed, at))
