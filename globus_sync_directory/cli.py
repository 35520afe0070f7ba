"""The command line: options in, exit status out. Nothing else chooses an exit status."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from types import FrameType

import click

from globus_sync_directory.model.run_report import RunReport
from globus_sync_directory.text import sanitize
from globus_sync_directory.errors import (
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_ATTENTION,
    EXIT_OK,
    Interrupted,
    LockHeld,
    SyncError,
    UsageError,
)
from globus_sync_directory.output.log import log_to_stderr
from globus_sync_directory.output.terminal import complain, prepare_streams, tell
from globus_sync_directory.commands.sync import Options, work

PROGRAM = "globus-sync-directory"
_VARIABLE = "GLOBUS_SYNC_DIRECTORY_"
_SECTIONS = {
    "What to work on": ("config_file", "secret_file", "state_file", "pairs"),
    "What to do": ("dont_start", "dry_run", "wait"),
    "How to tell it": ("as_json", "verbose", "quiet"),
    "With check": ("write_probe", "mail"),
    "About": ("version", "_click_default_help", "help"),
}


class _Command(click.Command):
    """A command whose help lists the options by what they are for."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = {param.name: param.get_help_record(ctx) for param in self.get_params(ctx)}
        for title, names in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([record for name in names if (record := records.get(name))])


def _file(
    variable: str, help_text: str, *names: str, default: str | None = None
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    return click.option(
        *names,
        type=click.Path(path_type=Path, readable=False),
        metavar="FILE",
        default=default,
        show_default=default is not None,
        envvar=_VARIABLE + variable,
        show_envvar=True,
        help=help_text,
    )


@click.command(
    cls=_Command,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="""\b
    Examples
      globus-sync-directory                      start what is not running; report
      globus-sync-directory -d -p microscope     how is the last task of one pair?
      globus-sync-directory check --write-probe  is everything set up right?
    """,
)
@_file("CONFIG_FILE", "What to keep in step.", "-c", "--config-file", default="config.ini")
@_file(
    "SECRET_FILE",
    "Holds the client secret as its only line; nobody else may read it.",
    "-s",
    "--secret-file",
    default="~/.globus_sync_directory_secret",
)
@_file(
    "STATE_FILE",
    "What to remember between runs.  [default: the config file's name with .state.json]",
    "-t",
    "--state-file",
)
@click.option("-p", "--pair", "pairs", metavar="NAME", multiple=True, help="Only this pair; may be repeated.")
@click.option("-d", "--dont-start", is_flag=True, help="Report the current or last tasks; start and write nothing.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be started and why; start and write nothing.")
@click.option("-w", "--wait", is_flag=True, help="Wait until every task has ended; with -d only watch.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.option("-v", "--verbose", is_flag=True, help="Log every request on stderr.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing while all is well, else only what is wrong.")
@click.option("--write-probe", is_flag=True, help="Make a directory at each destination and remove it again.")
@click.option("--mail", is_flag=True, help="Send a test mail to every address in the config file.")
@click.version_option(version("globus_sync_directory"), prog_name=PROGRAM)
@click.argument("command", required=False, metavar="[COMMAND]", type=click.Choice(["check"]))
def command(
    config_file: Path,
    secret_file: Path,
    state_file: Path | None,
    pairs: tuple[str, ...],
    dont_start: bool,
    dry_run: bool,
    wait: bool,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    write_probe: bool,
    mail: bool,
    command: str | None,
) -> int:
    """
    Keep directories in step between Globus collections.

    For every pair in the config file, start one Globus transfer task unless its last one still runs; then report how
    each pair stands. Nothing at the source is changed, nothing at the destination is removed.

    \b
    Command
      check  Look whether sign-in, clock, collections, paths and rights are
             as they must be, with the cure for what is not; start nothing.

    \b
    Exit status
      0    all is well: started, running, queued, succeeded, nothing to do
      1    a pair needs a person, or the state file cannot be written
      2    wrong usage, or a problem in the config or secret file
      3    a pair's last success is older than its max_age
      4    Globus refuses the sign-in
      70   a bug in this tool
      75   try again later: no network, Globus unavailable, or another run
           is at work
      130  interrupted
    """
    excluding = [
        ("--quiet", quiet, "--verbose", verbose),
        ("--dry-run", dry_run, "--dont-start", dont_start),
        ("--dry-run", dry_run, "--wait", wait),
        ("check", command == "check", "--dont-start", dont_start),
        ("check", command == "check", "--dry-run", dry_run),
        ("check", command == "check", "--wait", wait),
    ]
    for one, has_one, other, has_other in excluding:
        if has_one and has_other:
            raise click.UsageError(f"{one} and {other} exclude each other")
    for option, given in (("--write-probe", write_probe), ("--mail", mail)):
        if given and command != "check":
            raise click.UsageError(f"{option} goes with check")
    log_to_stderr(verbose=verbose, quiet=quiet)
    wish = Options(
        config_file=_expanded(config_file),
        secret_file=_expanded(secret_file),
        state_file=_expanded(state_file) if state_file else None,
        pairs=pairs,
        dont_start=dont_start,
        dry_run=dry_run,
        wait=wait,
        check=command == "check",
        write_probe=write_probe,
        test_mail=mail,
        shows_progress=not (quiet or as_json),
    )
    try:
        answer = work(wish)
    except LockHeld as held:
        if quiet:
            return held.exit_status
        answer = RunReport(status=held.exit_status, errors=(str(held),))
    return tell(answer, quiet=quiet, as_json=as_json)


def main() -> None:
    """Run the command line of this process and end it with the exit status."""
    status = invoke(sys.argv[1:])
    if status == EXIT_INTERRUPTED:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)  # requests under way are not waited for; what they may start is on disk as reserved
    sys.exit(status)


def invoke(arguments: Sequence[str]) -> int:
    """Return the exit status of one command line; what there is to tell has been told by then."""
    prepare_streams()
    with _signals_interrupt():
        try:
            return _told(arguments)
        except Interrupted:  # while it was being told
            return EXIT_INTERRUPTED


def _told(arguments: Sequence[str]) -> int:
    try:
        status = command.main(args=list(arguments), prog_name=PROGRAM, standalone_mode=False)
        return status if isinstance(status, int) else EXIT_OK
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        if "--json" not in arguments:
            with contextlib.suppress(OSError):
                error.show()
            return error.exit_code
        answer = RunReport(status=error.exit_code, errors=(sanitize(error.format_message()),))
    except SyncError as error:
        answer = RunReport(status=error.exit_status, errors=tuple(str(error).splitlines()))
    except Interrupted as interrupted:
        answer = RunReport(status=EXIT_INTERRUPTED, errors=tuple(str(interrupted).splitlines()))
    except Exception as error:  # noqa: BLE001  # the last resort: a bug of ours ends with a status of its own
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:  # of stdout, for --help and --version
            complain(f"the answer cannot be written: {error.strerror}")
            return EXIT_ATTENTION
        complaint = "this is a bug in globus_sync_directory; please report it with the traceback on stderr"
        answer = RunReport(status=EXIT_BUG, errors=(complaint,))
        with contextlib.suppress(OSError):
            traceback.print_exc()
    return tell(answer, quiet=False, as_json="--json" in arguments)


def _expanded(path: Path) -> Path:
    try:
        expanded = path.expanduser()
        expanded.absolute()
    except RuntimeError:
        raise UsageError(f"{sanitize(path)}: there is no home directory; name the file in full") from None
    except FileNotFoundError:
        raise UsageError(f"{sanitize(path)}: the current directory is gone; name the file in full") from None
    return expanded


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Within the block the first SIGINT, SIGTERM or SIGHUP raises Interrupted; those after it are ignored."""

    def interrupt(number: int, _: FrameType | None) -> None:
        for other in before:
            signal.signal(other, signal.SIG_IGN)
        raise Interrupted(f"interrupted by {signal.Signals(number).name}")

    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup and its like have asked for SIGHUP to be ignored; that stays.
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
