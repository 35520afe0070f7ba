"""Pauses and cancels: who, on which side, and what they wrote."""

from __future__ import annotations

import pytest

from globus_sync_directory.model.task import Pause, Task
from globus_sync_directory.sync.people import explain_cancel, explain_pause

from .samples import ONE, TWO, ended, task

EITHER = f"the source collection {ONE} or the destination collection {TWO}"
BY_SOURCE, BY_DESTINATION = (
    f"by the administrator of the {side} collection {end}" for side, end in (("source", ONE), ("destination", TWO))
)
UNKNOWN = task(source_collection="", destination_collection="")
SAME = task(destination_collection=ONE)


def pause(collection: str, message: str = "") -> Pause:
    return Pause(collection=collection, message=message)


@pytest.mark.parametrize(("pauses", "found", "reason"), [
    ([], task(), f"by the administrator of {EITHER}"),
    ([], UNKNOWN, "by the administrator of one of its collections"),
    ([], task(destination_collection=""), "by the administrator of one of its collections"),
    ([pause(ONE)], task(), BY_SOURCE),
    ([pause(ONE)], SAME, f"by the administrator of the collection {ONE}"),
    ([pause("other", "m")], task(), f"by the administrator of {EITHER}: 'm'"),
    ([pause(TWO, "upgrade"), pause(ONE, "moving")], task(), f"{BY_DESTINATION}: 'upgrade'; and {BY_SOURCE}: 'moving'"),
    ([pause(TWO, "upgrade"), pause(ONE)], task(), f"{BY_DESTINATION}: 'upgrade'; and {BY_SOURCE}"),
    ([pause(ONE, "m"), pause(ONE)], task(), f"{BY_SOURCE}: 'm'"),
    ([pause(ONE, "m"), pause(ONE, "m")], task(), f"{BY_SOURCE}: 'm'"),
    ([pause(ONE, "a"), pause(ONE, "b")], task(), f"{BY_SOURCE}: 'a'; and {BY_SOURCE}: 'b'"),
    ([pause(ONE, f"{n}") for n in range(5)], task(),
     f"{BY_SOURCE}: '0'; and {BY_SOURCE}: '1'; and {BY_SOURCE}: '2'; and 2 more"),
    ([pause(ONE, f"{n}") for n in range(3)], task(), f"{BY_SOURCE}: '0'; and {BY_SOURCE}: '1'; and {BY_SOURCE}: '2'"),
    ([pause(ONE, "x" * 400)], task(), f"{BY_SOURCE}: '{'x' * 400}'"),
    ([pause(ONE, "x" * 600)], task(), f"{BY_SOURCE}: '{'x' * 499}…'"),
    ([pause(ONE, "Wed\r\n\x1b[31mnoon")], task(), f"{BY_SOURCE}: 'Wed [31mnoon'"),
])  # fmt: skip
def test_pause(pauses: list[Pause], found: Task, reason: str) -> None:
    """Every pause counts, once, with its collection and its message."""
    problem = explain_pause(pauses, found)
    assert problem.reason == f"paused {reason}"
    assert problem.fix == "nothing to do during maintenance; if this persists, ask that administrator"


@pytest.mark.parametrize(("by", "message", "reason"), [
    ("SOURCE", "no room", f"an administrator of the source collection {ONE} cancelled it: 'no room'"),
    ("DESTINATION", "", f"an administrator of the destination collection {TWO} cancelled it, and left no message"),
    ("DESTINATION", " \n", f"an administrator of the destination collection {TWO} cancelled it, and left no message"),
    ("BOTH", "m", f"an administrator of {EITHER.replace(' or ', ' and ')} cancelled it: 'm'"),
    ("SOMEBODY", "m", "an administrator of one of its collections cancelled it: 'm'"),
    ("", "m", "an administrator of one of its collections cancelled it: 'm'"),
    ("SOURCE", "a\x1b[31m\u202eb" * 200,
     f"an administrator of the source collection {ONE} cancelled it: '{('a [31m b' * 200)[:499]}…'"),
])  # fmt: skip
def test_cancelled_by_an_administrator(by: str, message: str, reason: str) -> None:
    """Which side's administrator, and the message, whatever the log says; the fix is to speak to that person."""
    problem = explain_cancel(ended(status="FAILED", cancelled_by=by, cancel_message=message), "Canceled")
    assert problem.reason == reason
    assert problem.fix.startswith("speak to that administrator first: each run starts this pair again")


@pytest.mark.parametrize(("said", "reason"), [
    ("Canceled by the task owner", "Canceled by the task owner"), ("", "somebody cancelled it"),
])  # fmt: skip
def test_cancelled_by_its_owner(said: str, reason: str) -> None:
    """No administrator: what the log says, and nothing to do."""
    problem = explain_cancel(ended(status="FAILED"), said)
    assert (problem.reason, problem.fix) == (reason, "nothing to do, unless this was unintended")
