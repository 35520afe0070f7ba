"""
Runs the tool's command line in processes that end themselves at a chosen instant.

``python zygote.py`` imports the tool once, then forks a child for each JSON line on stdin: ``{"arguments": [...],
"instant": N, "signal": 9, "host_now": ISO 8601}``. The child counts instants, one before and one after each request,
making of a file, write, fsync and rename. At instant N (0: never) it sends itself the signal; its clock shows
``host_now``. The answer is a JSON line with exit status (negative: killed by that signal), stdout, stderr and the
number of instants that passed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

import globus_sync_directory.sync.run  # noqa: F401  # loaded once, before any child is forked
from globus_sync_directory import cli
from globus_sync_directory.globus import clock, transport

STREAMS = 2  # descriptors up to this one are the report and the log, which count as nothing outside


class Instants:
    """Counts instants in a file that outlives the process, and sends it a signal at one of them."""

    def __init__(self, signal_at: int, number: int, counter: int) -> None:
        self._signal_at = signal_at
        self._number = number
        self._counter = counter
        self._lock = threading.Lock()
        self._passed = 0

    def pass_one(self) -> None:
        with self._lock:
            self._passed += 1
            os.pwrite(self._counter, str(self._passed).encode(), 0)
            if self._passed == self._signal_at:
                os.kill(os.getpid(), self._number)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.pass_one()
            answer = function(*args, **kwargs)
            self.pass_one()
            return answer

        return wrapped


def child(order: dict[str, Any], stdout: int, stderr: int, counter: int) -> None:
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    instants = Instants(order.get("instant", 0), order.get("signal", 9), counter)
    write = os.write
    os.write = lambda fd, data: write(fd, data) if fd <= STREAMS else instants.around(write)(fd, data)
    open_file = os.open
    os.open = lambda path, flags, *more, **named: (  # reading changes nothing outside
        (instants.around(open_file) if flags & os.O_CREAT else open_file)(path, flags, *more, **named)
    )
    os.fsync = instants.around(os.fsync)
    os.replace = instants.around(os.replace)
    os.rename = instants.around(os.rename)
    transport.MeteredAdapter.send = instants.around(transport.MeteredAdapter.send)  # type: ignore[method-assign]
    if order.get("no_locks"):
        fcntl.flock = fail_to_lock
    transport.LONGEST_PAUSE_SECONDS = 0
    host_now = datetime.fromisoformat(order["host_now"])
    mock.patch.object(clock, "datetime", SimpleNamespace(now=lambda _: host_now)).start()
    sys.argv[1:] = order["arguments"]
    cli.main()


def fail_to_lock(*_: object) -> None:
    """What flock does on a file system without locks."""
    raise OSError(37, "No locks available")


def serve() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        os.environ.update(order.get("environment", {}))
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
            stdout, stderr, counter = files
            pid = os.fork()
            if pid == 0:
                child(order, *(file.fileno() for file in files))
                os._exit(99)
            _, status = os.waitpid(pid, 0)
            for file in files:
                file.seek(0)
            answer = {
                "status": os.waitstatus_to_exitcode(status),
                "stdout": stdout.read().decode(),
                "stderr": stderr.read().decode(),
                "instants": int(counter.read() or b"0"),
            }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
