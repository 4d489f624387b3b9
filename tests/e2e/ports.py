"""Ports on the loopback interface."""

from __future__ import annotations

import socket

from trouble import Trouble

HOST = "127.0.0.1"


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def require_free(port: int, how_to_choose: str) -> None:
    """A port somebody chose must be free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise Trouble(f"Port {port} on {HOST} is taken: stop what listens there, or choose another with `{how_to_choose}`.") from error
