"""Work at a steady rate, whoever waits for what: the next begins on time although the last has not ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
AT_ONCE_MAX = 32


def at_rate(rate: float, seconds: float, act: Callable[[int], T]) -> tuple[list[T], float]:
    """What each act came to, and by how many seconds the latest began too late."""
    start, late = time.monotonic() + 0.05, [0.0]

    def on_time(number: int) -> T:
        late[0] = max(late[0], time.monotonic() - start - number / rate)
        return act(number)

    with ThreadPoolExecutor(AT_ONCE_MAX) as pool:
        begun: list[Future[T]] = []
        for number in range(round(rate * seconds)):
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
            begun.append(pool.submit(on_time, number))
        return [one.result() for one in begun], late[0]
