"""
The entry point of the tool, for ``python -m globus_sync_directory``, the console script and the wrapper.

It checks the installation before it imports the rest of the tool: a missing package is one sentence, not a traceback.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    # "python -m" searches the current directory first. It has found this package now, and a file such as signal.py,
    # click.py or simplejson.py there is none of its modules.
    del sys.path[0]

import contextlib
import os
import signal
from types import FrameType
from typing import NoReturn


def main(status_if_not_installed: int = 2) -> None:
    """
    Run the command line of this process and end the process.

    ``status_if_not_installed`` is the exit status if a package is missing; the wrapper uses another one.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end_at_signal)
    from globus_sync_directory import installation

    installation.exit_status_if_broken = status_if_not_installed
    try:
        problem = installation.find_problem()
        if problem:
            _end(status_if_not_installed, problem)
        from globus_sync_directory import cli
    except Exception as error:  # noqa: BLE001  # while modules are imported
        if installation.is_out_of_memory(error):
            _end(75, installation.OUT_OF_MEMORY)
        import traceback

        bug = f"this is a bug in globus_sync_directory; please report it with these lines\n{traceback.format_exc()}"
        problem = installation.explain(error)
        _end(status_if_not_installed if problem else 70, problem or bug)
    cli.main()


def _end_at_signal(number: int, _: FrameType | None) -> NoReturn:
    """End the process at once; the command line replaces this before it has anything to lose."""
    _say(f"interrupted by {signal.Signals(number).name} before anything was started")
    os._exit(130)


def _end(status: int, text: str) -> NoReturn:
    _say(text)
    if sys.argv[1:2] == ["--log-file"] and sys.argv[2:]:  # as the wrapper starts the tool
        with contextlib.suppress(Exception):  # the text is on stderr already
            import logging
            from pathlib import Path

            from globus_sync_directory.output.log import log_end, log_report, log_to

            log_to(stderr_level=logging.CRITICAL, file=Path(sys.argv[2]), arguments=sys.argv[1:])
            log_report(text.splitlines())
            log_end(status)
    sys.exit(status)


def _say(text: str) -> None:
    # Not through sys.stderr: on a full disk Python would try to write it again at exit, and change the exit status.
    with contextlib.suppress(OSError):
        os.write(2, f"globus-sync-directory: {text.rstrip()}\n".encode(errors="backslashreplace"))


if __name__ == "__main__":
    main()
