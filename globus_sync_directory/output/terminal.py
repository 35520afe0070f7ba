"""
A report -> stdout and stderr, for a person or as JSON.

Whatever happens to the two streams (closed, full disk, a reader that has ended), the process ends with the exit
status of the report: a stream that cannot be written is silenced, else Python would end with 120.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import shutil
import sys
from typing import IO

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.report import RunReport
from globus_sync_directory.output.as_json import to_json
from globus_sync_directory.output.report_text import plain_lines
from globus_sync_directory.text import sanitize


def prepare_streams() -> None:
    """
    Make stdout and stderr able to take any text, and open what the caller has closed.

    A character that the locale cannot show is escaped instead of raising an error. Where Python chose ASCII, UTF-8 is
    written: that is a locale such as C, which says nothing about the terminal or file. A closed descriptor 0, 1 or 2
    is opened on /dev/null: otherwise the state file could become descriptor 2, and Python write errors into it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            is_ascii = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding="utf-8" if is_ascii else stream.encoding, errors="backslashreplace")
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one


def is_watched(stream: IO[str] | None) -> bool:
    """Return whether ``stream`` is a terminal for colour and bars. Source: no-color.org."""
    return _is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def show(report: RunReport, *, quiet: bool, as_json: bool) -> ExitStatus:
    """
    Print ``report`` and return its exit status, or ATTENTION where all was well but the report could not be written.

    With ``quiet`` nothing is printed at exit status OK, else only what explains it, and which mail was not sent: nobody
    may have learned of it.
    """
    if quiet and report.exit_status is ExitStatus.OK:
        return report.exit_status
    for line in () if as_json else report.errors:
        _print_error(line)
    for line in report.unsent_mail if quiet else ():
        _print_error(line)
    is_written = _write(to_json(report) if as_json else _text(report, quiet=quiet))
    return report.exit_status if is_written else report.exit_status or ExitStatus.ATTENTION


def flush_streams() -> bool:
    """
    Write out what either stream still holds; return False where text for stdout was lost.

    The last call of the process: a stream that cannot be flushed is silenced, so that Python, which flushes both
    once more, does not end with 120.
    """
    is_written = _write("")
    for stream in filter(None, (sys.stderr, sys.__stderr__, sys.__stdout__)):
        try:
            stream.flush()
        except (OSError, ValueError):
            silence(stream)
    return is_written


def _write(text: str) -> bool:
    """
    Write ``text`` to stdout at once; return False where it was lost, with a line on stderr that says so.

    If stdout is closed, or its reader has ended, nobody wants the text: that counts as written.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.write(text)
            sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)
    except (OSError, ValueError) as error:
        silence(sys.stdout)
        _print_error(f"standard output cannot be written: {getattr(error, 'strerror', None) or error}")
        return False
    return True


def _print_error(line: str) -> None:
    """Print one line on stderr, sanitised; errors of stderr are ignored."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(sanitize(line) + "\n")
        sys.stderr.flush()


def silence(stream: IO[str]) -> None:
    """Send what ``stream`` still holds, and all that is written to it from now on, to /dev/null."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
        stream.flush()


def _text(report: RunReport, *, quiet: bool) -> str:
    if not _is_terminal(sys.stdout):
        return "".join(f"{line}\n" for line in plain_lines(report, quiet=quiet))
    from globus_sync_directory.output.layout import lay_out  # here: importing rich takes time, only a terminal needs it

    return lay_out(report, quiet=quiet, width=shutil.get_terminal_size().columns, colour=is_watched(sys.stdout))


def _is_terminal(stream: IO[str] | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False
