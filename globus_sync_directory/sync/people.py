"""What people did to a task, a pause or a cancel, and the message that they left. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.task import Pause, Task
from globus_sync_directory.text import quote, shorten

_LONGEST_MESSAGE = 500  # characters; it may say whom to ask
_PAUSES_SHOWN = 3


def explain_pause(pauses: Sequence[Pause], task: Task) -> Problem:
    """Return why a task is paused: a task stays paused until all its pauses have ended, so each message counts."""
    explained = {pause.collection for pause in pauses if pause.message}
    telling = [pause for pause in pauses if pause.message or pause.collection not in explained]
    found = list(dict.fromkeys(telling or [Pause()]))
    by = [f"the administrator of {_where(pause.collection, task)}{_said(pause.message)}" for pause in found]
    more = f"; and {len(by) - _PAUSES_SHOWN} more" if len(by) > _PAUSES_SHOWN else ""
    return Problem(
        reason="paused by " + "; and by ".join(by[:_PAUSES_SHOWN]) + more,
        fix="nothing to do during maintenance; if this persists, ask that administrator",
    )


def explain_cancel(task: Task, said: str) -> Problem:
    """Return why a task was cancelled; ``said`` is what its log says of that."""
    if not (task.cancelled_by or task.cancel_message):
        return Problem(reason=shorten(said) or "somebody cancelled it", fix="nothing to do, unless this was unintended")
    message = _said(task.cancel_message) or ", and left no message"
    return Problem(
        reason=f"an administrator of {_cancelled_at(task)} cancelled it{message}",
        fix="speak to that administrator first: each run starts this pair again, unless you remove it from the config "
        "file",
    )


def _cancelled_at(task: Task) -> str:
    source = f"the source collection {task.source_collection}".rstrip()
    destination = f"the destination collection {task.destination_collection}".rstrip()
    at = {"SOURCE": source, "DESTINATION": destination, "BOTH": f"{source} and {destination}"}
    return at.get(task.cancelled_by, "one of its collections")


def _where(collection: str, task: Task) -> str:
    """Return the collection that is named, or the two of which it is one, or belongs to one."""
    ends = {"source ": task.source_collection, "destination ": task.destination_collection}
    sides = [side for side, end in ends.items() if end == collection]
    if collection and sides:
        return f"the {sides[0] if len(sides) == 1 else ''}collection {collection}"
    if not all(ends.values()):
        return "one of its collections"
    return " or ".join(f"the {side}collection {end}" for side, end in ends.items())


def _said(message: str) -> str:
    shown = shorten(message, _LONGEST_MESSAGE)
    return f": {quote(shown)}" if shown else ""
