"""What is wrong with a pair, and what a person can do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """
    One problem: the reason, the fix, and the command that is the fix or part of it.

    ``is_permanent``: waiting cannot help. The texts may quote Globus or a server, and are not sanitised.
    """

    reason: str
    fix: str = ""
    command: str = ""
    is_permanent: bool = False
