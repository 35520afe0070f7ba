"""
A stand-in for Globus on this computer: it answers what programs with a client secret ask, and copies real files.

- ``standin``: the running stand-in, as tests and ``serve`` use it
- ``http``: the server on 127.0.0.1, the request log, and faults
- ``api``: the routes, and the documents that they read and write
- ``engine``: accounts, collections, tasks and files, without HTTP
- ``storage``: file access that cannot leave the directory of a collection
- ``clock``, ``behaviour``: the time, and what nobody outside Globus knows for sure
- ``serve``, ``demo``: the commands

The tool and the stand-in do not import each other. The names below are loaded when they are first used, so that
``python -m globus_sync_directory.standin`` can say which package is missing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .behaviour import Behaviour
    from .clock import ManualClock
    from .engine.collection import Collection, PauseRule
    from .engine.task import Task
    from .http.faults import Fault
    from .standin import StandIn

__all__ = ["Behaviour", "Collection", "Fault", "ManualClock", "PauseRule", "StandIn", "Task"]

_MODULES = {
    "Behaviour": "behaviour", "Collection": "engine.collection", "Fault": "http.faults", "ManualClock": "clock",
    "PauseRule": "engine.collection", "StandIn": "standin", "Task": "engine.task",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
