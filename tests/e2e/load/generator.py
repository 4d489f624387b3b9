"""The load generator: consumers that create endpoints at a fixed rate, four of five of them allowed by the policy."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from harness.actions import Service, create_endpoint, create_service
from harness.stack import Stack

ALLOWED = [f"10000000000{number}" for number in range(1, 9)]  # the group in policies/groups.json
UNLISTED = ["200000000001", "200000000002"]
# `approve` reads all connections of a service for each request: a provider has many services before one has thousands of connections.
REQUESTS_PER_SERVICE = 150
SERVICES_MIN = 5
THREADS = 32


@dataclass(frozen=True)
class Request:
    """A created endpoint, and when its creation began."""

    service: Service
    endpoint: str
    allowed: bool
    at: float  # seconds of the epoch


@dataclass
class Generator:
    """Creates endpoints and keeps each request."""

    stack: Stack
    services: list[Service]
    requests: list[Request] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def of(cls, stack: Stack, requests: int) -> Generator:
        """A generator with services for so many requests."""
        services = max(SERVICES_MIN, math.ceil(requests / REQUESTS_PER_SERVICE))
        return cls(stack, [create_service(stack, ALLOWED + UNLISTED, events=["Connect"]) for _ in range(services)])

    def request(self) -> None:
        """Creates the next endpoint: five for each service in turn, the fifth by an account that no policy names."""
        number = next(self._numbers)
        turn, allowed = number // 5, number % 5 != 4
        service = self.services[turn % len(self.services)]
        account = ALLOWED[number % len(ALLOWED)] if allowed else UNLISTED[turn % len(UNLISTED)]
        at = time.time()
        self.requests.append(Request(service, create_endpoint(self.stack, account, service), allowed, at))


def at_rate(rate: float, seconds: float, act: Callable[[], None]) -> float:
    """An open loop: each act starts on time even if earlier ones have not ended. Returns the longest delay of a start."""
    start, late = time.monotonic() + 0.05, [0.0]

    def on_time(number: int) -> None:
        late[0] = max(late[0], time.monotonic() - start - number / rate)
        act()

    with ThreadPoolExecutor(THREADS) as pool:
        started: list[Future[None]] = []
        for number in range(round(rate * seconds)):
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
            started.append(pool.submit(on_time, number))
    for one in started:
        one.result()  # raises an error of the act
    return late[0]
