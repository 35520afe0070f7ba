"""An answer -> stdout and stderr, for a person or as JSON. Nothing else prints."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
from typing import IO

import click

from globus_sync_directory.model.run_report import RunReport, Check
from globus_sync_directory.output.as_json import to_json
from globus_sync_directory.text import sanitize
from globus_sync_directory.errors import EXIT_ATTENTION, EXIT_OK
from globus_sync_directory.output.text import document_lines, render, summary, wrapped

_MARKS = {True: ("ok", "green"), False: ("FAIL", "red"), None: ("note", "yellow")}


def prepare_streams() -> None:
    """Let what a narrow locale cannot show be escaped instead of stopping the report."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def complain(line: str) -> None:
    """Print one line on stderr; one that went away stops nothing."""
    with contextlib.suppress(OSError):
        click.echo(line, err=True)


def is_watched(stream: IO[str] | None) -> bool:
    """Return whether somebody is watching ``stream`` who wants colour and bars. Source: no-color.org."""
    watched = stream is not None and stream.isatty()
    return watched and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def tell(answer: RunReport, *, quiet: bool, as_json: bool) -> int:
    """Print ``answer`` and return its exit status; 1 where all was well but the report cannot be written."""
    try:
        if as_json:
            if not (quiet and answer.status == EXIT_OK):
                click.echo(to_json(answer), nl=False)
        else:
            for line in answer.errors:
                complain(line)
            for line in _lines(answer, quiet):
                click.echo(line, color=True)
        if sys.stdout:
            sys.stdout.flush()
    except OSError as error:
        _silence_stdout()
        if not isinstance(error, BrokenPipeError):
            complain(f"the report cannot be written: {error.strerror}")
            return answer.status or EXIT_ATTENTION
    return answer.status


def _lines(answer: RunReport, quiet: bool) -> list[str]:
    colour = is_watched(sys.stdout)
    width = shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None
    lines: list[str] = []
    for check in answer.checks:
        if not (quiet and check.good is not False):
            lines += _check_lines(check, width, colour)
    if answer.checks and not quiet:
        failed = sum(check.good is False for check in answer.checks)
        count = f"{len(answer.checks)} check{'' if len(answer.checks) == 1 else 's'}"
        lines.append(f"{count}: {f'{failed} failed' if failed else 'all is well'}")
    told = [finding for finding in answer.findings if not quiet or finding.status != EXIT_OK]
    if not answer.documents or quiet:
        lines += render(told, width=width, colour=colour)
    else:
        for finding in told:
            lines += render([finding], width=width, colour=colour)
            if finding.name in answer.documents:
                lines += document_lines(answer.documents[finding.name])
    if len(told) > 1 and not quiet:
        lines.append(summary(told))
    if answer.last_line and not quiet:
        lines.append(answer.last_line)
    return lines


def _check_lines(check: Check, width: int | None, colour: bool) -> list[str]:
    mark, hue = _MARKS[check.good]
    about = f"{sanitize(check.pair)}: " if check.pair else ""
    first, *more = wrapped(f"{mark:<4}  {about}{check.reason}", width, " " * 6)
    if colour:
        first = click.style(mark, fg=hue) + first.removeprefix(mark)
    lines = [first, *more]
    if check.fix:
        lines += wrapped(f"      cure: {check.fix}", width, " " * 12)
    if check.command:
        lines.append(f"      run:  {check.command}")
    return lines


def _silence_stdout() -> None:
    """Send what is left in stdout's buffer nowhere; Python would complain about it at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
