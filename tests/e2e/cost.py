"""Who used the processors, by the kernel's own count."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def processor_seconds(servers: dict[str, int]) -> dict[str, float]:
    """By server, with the functions apart, and of this very process. What ended is in its parent's count."""
    used: defaultdict[str, float] = defaultdict(float)
    for name, pid in servers.items():
        used[name] += _own(pid)
        for child in _children(pid):
            used[_function(child)] += _own(child)
    used["this driver"] = sum(os.times()[:2])
    return dict(used)


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _own(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _function(pid: int) -> str:
    """Lambda tells a function its name."""
    environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return next((entry.decode().partition("=")[2] for entry in environment if entry.startswith(b"AWS_LAMBDA_FUNCTION_NAME=")), "others")
