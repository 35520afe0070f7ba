"""The command line: options in, exit status out. Nothing else chooses an exit status."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import click

from globus_sync_directory import installation
from globus_sync_directory.commands.options import Options
from globus_sync_directory.config.load import load_settings
from globus_sync_directory.config.settings import Settings
from globus_sync_directory.errors import (
    ConfigError,
    ExitStatus,
    Interrupted,
    LockHeld,
    NotInstalled,
    SyncError,
    UsageError,
)
from globus_sync_directory.model.report import Check, CheckResult, RunReport
from globus_sync_directory.output.log import log_end, log_report, log_to
from globus_sync_directory.output.report_text import plain_lines
from globus_sync_directory.output.terminal import flush_streams, is_watched, prepare_streams, show, silence

PROGRAM = "globus-sync-directory"
_FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_VARIABLE_PREFIX = "GLOBUS_SYNC_DIRECTORY_"
_SECTIONS = {
    "Files": ("config_file", "secret_file", "state_file", "log_file"),
    "What to do": ("pairs", "dont_start", "dry_run", "wait"),
    "Output": ("as_json", "verbose", "quiet"),
    "With check": ("write_probe", "mail"),
    "About": ("version", "_click_default_help", "help"),
}
_EXCLUSIVE = (
    ("quiet", "verbose"),
    ("dry_run", "dont_start"),
    ("dry_run", "wait"),
    ("check", "dont_start"),
    ("check", "dry_run"),
    ("check", "wait"),
)


class _Command(click.Command):
    """A command whose help groups the options by purpose."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = {param.name: param.get_help_record(ctx) for param in self.get_params(ctx)}
        for title, names in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([record for name in names if (record := records.get(name))])


def _path(value: str) -> Path:
    """Return a path, with ``~`` expanded."""
    path = Path(value)
    try:
        path.expanduser().absolute()
    except RuntimeError:
        raise UsageError(f"{path}: there is no home directory; give the file's full path") from None
    except FileNotFoundError:
        raise UsageError(f"{path}: the current directory was removed; give the file's full path") from None
    return path.expanduser()


def _file_option(*names: str, help: str, default: str | None = None, variable: bool = True) -> Callable[..., Any]:
    return click.option(
        *names,
        type=_path,
        metavar="FILE",
        default=default,
        show_default=default is not None,
        envvar=_VARIABLE_PREFIX + names[-1].removeprefix("--").replace("-", "_").upper() if variable else None,
        show_envvar=variable,
        help=help,
    )


_HELP = """
Keep directories in sync between Globus collections.

For every pair in the config file, start one Globus transfer task unless its last task is still running; then report
how each pair is doing. Nothing at the source is changed, nothing at the destination is removed.

\b
Command
  check  Check sign-in, clock, collections, paths and permissions, and
         say how to fix what is wrong; start nothing.

\b
Exit status
  0    all is well: started, running, queued, succeeded, nothing to do
  1    a pair needs attention, or the state file cannot be written
  2    wrong usage, or a problem in the config file, the secret file or
       this installation
  3    a pair's last success is older than its max_age
  4    Globus rejects the sign-in
  70   a bug in this tool
  75   try again later: no network, Globus unavailable, this host out of
       memory, or another run is working
  130  interrupted
"""


@click.command(
    cls=_Command,
    help=_HELP,  # not a docstring: python -OO removes those
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="""\b
    Examples
      globus-sync-directory                      start what is not running; report
      globus-sync-directory -d -p microscope     how is the last task of one pair?
      globus-sync-directory check --write-probe  is everything set up right?
    """,
)
@_file_option("-c", "--config-file", default="config.ini", help="File with the pairs to keep in sync.")
@_file_option(
    "-s",
    "--secret-file",
    default="~/.globus_sync_directory_secret",
    help="File that contains only the client secret; nobody else may read it.",
)
@_file_option(
    "-t",
    "--state-file",
    help="File for what to remember between runs.  [default: the config file's name with .state.json]",
)
@_file_option("--log-file", variable=False, help="Append the log and the report to this file, rotated by size.")
@click.option("-p", "--pair", "pairs", metavar="NAME", multiple=True, help="Only this pair; may be repeated.")
@click.option("-d", "--dont-start", is_flag=True, help="Report the current or last tasks; start and write nothing.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be started and why; start and write nothing.")
@click.option("-w", "--wait", is_flag=True, help="Wait until every task has ended; with -d only watch.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.option("-v", "--verbose", is_flag=True, help="Log every request on stderr.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing if all is well, else only what is wrong.")
@click.option("--write-probe", is_flag=True, help="Make a directory at each destination and remove it again.")
@click.option("--mail", is_flag=True, help="Send a test mail to every address in the config file.")
@click.version_option(package_name="globus_sync_directory", prog_name=PROGRAM)
@click.argument("command", required=False, metavar="[COMMAND]", type=click.Choice(["check"]))
def command(**given: Any) -> ExitStatus:
    """Parse one command line and do what it asks for; see ``_HELP``."""
    _reject_conflicts(given)
    quiet, verbose, as_json = given["quiet"], given["verbose"], given["as_json"]
    level = logging.DEBUG if verbose else logging.ERROR if quiet else logging.INFO
    log_to(stderr_level=level, file=given["log_file"], arguments=sys.argv[1:])
    options = Options(
        config_file=given["config_file"],
        secret_file=given["secret_file"],
        state_file=given["state_file"],
        pairs=given["pairs"],
        dont_start=given["dont_start"],
        dry_run=given["dry_run"],
        wait=given["wait"],
        shows_progress=is_watched(sys.stderr) and not (quiet or as_json or verbose),
        shows_documents=verbose or as_json,
        write_probe=given["write_probe"],
        test_mail=given["mail"],
    )
    try:
        report = _run_command(given["command"], options)
    except LockHeld as held:
        if quiet and not held.is_old:
            log_report(held.lines)
            return held.exit_status
        report = RunReport(exit_status=held.exit_status, errors=held.lines)
    return _show(report, quiet=quiet, as_json=as_json)


def _reject_conflicts(given: dict[str, Any]) -> None:
    is_check = given["command"] == "check"
    used = {name for name, value in given.items() if value} | ({"check"} if is_check else set())
    for one, other in _EXCLUSIVE:
        if {one, other} <= used:
            raise click.UsageError(f"{_option_name(one)} and {_option_name(other)} cannot be used together")
    for name in ("write_probe", "mail"):
        if name in used and not is_check:
            raise click.UsageError(f"{_option_name(name)} can only be used with check")


def _option_name(name: str) -> str:
    return name if name == "check" else f"--{name.replace('_', '-')}"


def _run_command(name: str | None, options: Options) -> RunReport:
    is_check = name == "check"
    try:
        settings = load_settings(options.config_file, options.secret_file)
    except ConfigError as error:
        if is_check:
            return _failed_checks(error)
        raise
    return _command_named(name)(options, settings)


def _command_named(name: str | None) -> Callable[[Options, Settings], RunReport]:
    """Import what the command needs: late, because --help and a config error must not wait for the SDK."""
    try:
        if name == "check":
            from globus_sync_directory.commands.check import check

            return check
        from globus_sync_directory.commands.sync import sync
    except Exception as error:
        problem = None if installation.is_out_of_memory(error) else installation.explain(error)
        if problem:
            raise NotInstalled(problem) from None
        raise
    return sync


def _failed_checks(error: ConfigError) -> RunReport:
    """Return the report of ``check`` where the config file cannot be used: one failed check for each problem."""
    failed = tuple(Check(result=CheckResult.FAIL, sentence=line) for line in error.lines)
    return RunReport(exit_status=error.exit_status, checks=failed)


def _show(report: RunReport, *, quiet: bool, as_json: bool) -> ExitStatus:
    log_report([*report.errors, *plain_lines(report, quiet=False)])
    return show(report, quiet=quiet, as_json=as_json)


def main() -> None:
    """Run the command line of this process and end it with the exit status."""
    status: int
    try:
        status = invoke(sys.argv[1:])
    except NotInstalled:
        status = installation.exit_status_if_broken
    _end_at_signals(status)
    log_end(status)
    if not flush_streams() and status is ExitStatus.OK:
        status = ExitStatus.ATTENTION
    if status is ExitStatus.INTERRUPTED:
        os._exit(status)  # without waiting for requests under way; what they may start is on disk as pending
    sys.exit(status)


def _end_at_signals(status: int) -> None:
    """From now on, let a signal end the process at once with this status, since requests under way may hang."""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: os._exit(status))


def invoke(arguments: Sequence[str]) -> ExitStatus:
    """Do what one command line asks for, print the report and return the exit status. Raises NotInstalled."""
    prepare_streams()
    with _signals_interrupt():
        try:
            return _invoke(arguments)
        except Interrupted:  # while the report was being printed
            return ExitStatus.INTERRUPTED
        except MemoryError:  # likewise
            return ExitStatus.TRY_LATER


def _invoke(arguments: Sequence[str]) -> ExitStatus:
    try:
        status = command.main(args=list(arguments), prog_name=PROGRAM, standalone_mode=False)
        return status if isinstance(status, ExitStatus) else ExitStatus.OK
    except click.exceptions.Exit as end:
        return ExitStatus(end.exit_code)
    except SystemExit:  # so click ends if the reader of --help, such as head, has ended
        return ExitStatus.OK
    except click.ClickException as error:
        if "--json" not in arguments:
            with contextlib.suppress(OSError):
                error.show()
            return ExitStatus.USAGE
        report = RunReport(exit_status=ExitStatus.USAGE, errors=(error.format_message(),))
    except NotInstalled as error:  # shown here; main() knows its exit status
        _show(RunReport(exit_status=error.exit_status, errors=error.lines), quiet=False, as_json="--json" in arguments)
        raise
    except (SyncError, Interrupted) as error:
        report = RunReport(exit_status=error.exit_status, errors=error.lines)
    except Exception as error:  # noqa: BLE001  # a bug of ours has an exit status of its own
        if isinstance(error, OSError) and error.errno in _FULL_DISK:  # of stdout, for --help and --version
            silence(sys.stdout)
            sentence = f"standard output cannot be written: {error.strerror}"
            report = RunReport(exit_status=ExitStatus.ATTENTION, errors=(sentence,))
        elif installation.is_out_of_memory(error):
            report = RunReport(exit_status=ExitStatus.TRY_LATER, errors=(installation.OUT_OF_MEMORY,))
        else:
            sentence = "this is a bug in globus_sync_directory; please report it with the traceback on stderr"
            report = RunReport(exit_status=ExitStatus.BUG, errors=(sentence,))
            log_report(traceback.format_exc().splitlines())
            with contextlib.suppress(OSError):
                traceback.print_exc()
    return _show(report, quiet=False, as_json="--json" in arguments)


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Within the block the first SIGINT, SIGTERM or SIGHUP raises Interrupted; those after it are ignored."""

    def interrupt(number: int, _: FrameType | None) -> None:
        for other in before:
            signal.signal(other, signal.SIG_IGN)
        raise Interrupted(f"interrupted by {signal.Signals(number).name}")

    before = {}
    for number in _SIGNALS:
        # A signal that is ignored, such as SIGHUP below nohup, stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
