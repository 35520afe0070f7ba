"""What is wrong with a pair, and what a person can do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """
    One problem: the reason, the fix, and the command that is the fix or part of it.

    ``is_permanent``: waiting cannot help. Texts may hold what a remote side wrote, unsanitised.
    """

    reason: str
    fix: str = ""
    command: str = ""
    is_permanent: bool = False
