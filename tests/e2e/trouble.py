"""What a person can do something about: one sentence, no stack trace."""

from __future__ import annotations


class Trouble(Exception):
    """A sentence for the terminal; the run ends with status 1."""
