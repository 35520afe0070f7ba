"""The command line: options in, report and exit status out. Nothing else prints or chooses an exit status."""

from __future__ import annotations

import contextlib
import difflib
import io
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from globus_sync_directory.clean import clean, quoted
from globus_sync_directory.config import Config, load_config
from globus_sync_directory.errors import (
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_NEEDS_A_PERSON,
    EXIT_OK,
    EXIT_TRY_AGAIN,
    ConfigError,
    Interrupted,
    LockHeld,
    NoAnswer,
    SecretError,
    SyncError,
)
from globus_sync_directory.logs import log_to_stderr
from globus_sync_directory.pairs import Pair
from globus_sync_directory.secret import read_secret

if TYPE_CHECKING:
    from globus_sync_directory.ledger import Ledger
    from globus_sync_directory.run import Result
    from globus_sync_directory.verdicts import Finding

PROGRAM = "globus-sync-directory"
_VARIABLE = "GLOBUS_SYNC_DIRECTORY_"

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Wish:
    """What the command line asks for."""

    config_file: Path
    secret_file: Path
    state_file: Path | None
    pairs: tuple[str, ...]
    dont_start: bool
    dry_run: bool
    quiet: bool


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "-c",
    "--config-file",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    default="config.ini",
    show_default=True,
    envvar=_VARIABLE + "CONFIG_FILE",
    show_envvar=True,
    help="What to keep in step.",
)
@click.option(
    "-s",
    "--secret-file",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    default="~/.globus_sync_directory_secret",
    show_default=True,
    envvar=_VARIABLE + "SECRET_FILE",
    show_envvar=True,
    help="Holds the client secret as its only line; nobody else may read it.",
)
@click.option(
    "-t",
    "--state-file",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    envvar=_VARIABLE + "STATE_FILE",
    show_envvar=True,
    help="What to remember between runs.  [default: the config file's name with .state.json]",
)
@click.option("-p", "--pair", "pairs", metavar="NAME", multiple=True, help="Only this pair; may be repeated.")
@click.option(
    "-d",
    "--dont-start",
    is_flag=True,
    help="Report the current or last task of each pair; start nothing, write nothing.",
)
@click.option(
    "-n",
    "--dry-run",
    is_flag=True,
    help="Do every check and print what would be submitted and why; start nothing, write nothing.",
)
@click.option("-v", "--verbose", is_flag=True, help="Log every request on stderr.")
@click.option(
    "-q",
    "--quiet",
    is_flag=True,
    help="Print nothing while all is well or another run is at work, else only what explains the exit status.",
)
@click.version_option(version("globus_sync_directory"), prog_name=PROGRAM)
def command(
    config_file: Path,
    secret_file: Path,
    state_file: Path | None,
    pairs: tuple[str, ...],
    dont_start: bool,
    dry_run: bool,
    verbose: bool,
    quiet: bool,
) -> int:
    """
    Keep directories in step between Globus collections.

    For every pair in the config file, start one Globus transfer task unless its last one still runs; then report
    how each pair stands. Nothing at the source is changed, nothing at the destination is removed.

    \b
    Exit status
      0    all is well: started, running, queued, succeeded, or nothing to do
      1    a pair needs a person, or the state file cannot be written
      2    wrong usage, or a problem in the config or secret file
      3    a pair's last success is older than its max_age
      4    Globus refuses the sign-in
      70   a bug in this tool
      75   try again later: no network, Globus unavailable, or another run is at work
      130  interrupted
    """
    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose exclude each other")
    if dry_run and dont_start:
        raise click.UsageError("--dry-run and --dont-start exclude each other")
    log_to_stderr(verbose=verbose, quiet=quiet)
    return _run(
        _Wish(
            config_file=_expanded(config_file),
            secret_file=_expanded(secret_file),
            state_file=_expanded(state_file) if state_file else None,
            pairs=pairs,
            dont_start=dont_start,
            dry_run=dry_run,
            quiet=quiet,
        )
    )


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
    """Return the exit status of one command line; what went wrong has been told on stderr by then."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a narrow locale must not stop the report
    try:
        with _signals_interrupt():
            status = command.main(args=list(arguments), prog_name=PROGRAM, standalone_mode=False)
        return status if isinstance(status, int) else EXIT_OK
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SyncError as error:
        for line in str(error).splitlines():
            _complain(line)
        return error.exit_status
    except Interrupted as interrupted:
        for line in str(interrupted).splitlines():
            _complain(line)
        return EXIT_INTERRUPTED
    except Exception:  # noqa: BLE001  # the last resort: a bug of ours ends with a status of its own
        _complain("this is a bug in globus_sync_directory; please report it with the lines below")
        traceback.print_exc()
        return EXIT_BUG


def _run(wish: _Wish) -> int:
    config, secret = _load(wish)
    pairs = _chosen(config, wish.pairs)
    _warn_of_open_door()

    # Here and not above: --help and a config error must not wait for the SDK.
    from globus_sync_directory.ledger import open_ledger
    from globus_sync_directory.run import Mode, run, unreached
    from globus_sync_directory.service import host_now, sign_in
    from globus_sync_directory.state import StateFile

    mode = Mode.LOOK if wish.dont_start else Mode.REHEARSE if wish.dry_run else Mode.START
    writes = mode is Mode.START
    path = wish.state_file or config.path.with_name(f"{config.path.stem}.state.json")
    for taken in (wish.config_file, wish.secret_file):
        if os.path.realpath(path) == os.path.realpath(taken):
            raise click.UsageError(f"{clean(path)} is the config or secret file; name another with --state-file")
    file = StateFile(path, config.client_id)
    ledger = None
    try:
        with file.lock(host_now()) if writes else contextlib.nullcontext():
            ledger = open_ledger(file)
            try:
                globus = sign_in(config.client_id, secret)
            except NoAnswer as trouble:
                return _tell(unreached(pairs, ledger, trouble), wish)
            with globus:
                if writes:
                    ledger.write_from_now_on(globus.now())
                result = run(config, pairs, globus, ledger, mode)
    except LockHeld as held:
        if not wish.quiet:
            _complain(str(held))
        return held.exit_status
    except Interrupted as interrupted:
        raise Interrupted(_left_behind(interrupted, ledger, pairs)) from None
    return _tell(result, wish)


def _load(wish: _Wish) -> tuple[Config, str]:
    """Return config and secret. Raises ConfigError with the problems of both."""
    problems: list[str] = []
    config = secret = None
    try:
        config = load_config(wish.config_file)
    except ConfigError as error:
        problems += error.problems
    try:
        secret = read_secret(wish.secret_file)
    except SecretError as error:
        problems.append(str(error))
    if config is None or secret is None:
        raise ConfigError(problems)
    return config, secret


def _chosen(config: Config, names: tuple[str, ...]) -> list[Pair]:
    """Return the pairs with these names, all for none. Raises BadParameter for a name that no pair has."""
    known = {pair.name: pair for pair in config.pairs}
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {quoted(close[0])}?" if close else "there are " + ", ".join(map(quoted, known))
            raise click.BadParameter(f"no pair {quoted(name)} in {clean(config.path)}; {hint}", param_hint="--pair")
    return [pair for pair in config.pairs if not names or pair.name in names]


def _tell(result: Result, wish: _Wish) -> int:
    """Print what there is to say about ``result`` and return its exit status."""
    from globus_sync_directory.report import describe, document_lines, summary

    status = result.status
    if result.trouble:
        _complain(str(result.trouble))
    if wish.quiet:
        told: Sequence[Finding] = [finding for finding in result.findings if finding.status != EXIT_OK]
    else:
        told = result.findings
    documents = {} if wish.quiet else result.documents
    colour = _wants_colour()
    try:
        for finding in told:
            headline, *details = describe(finding)
            hue = {EXIT_OK: "green", EXIT_TRY_AGAIN: "yellow"}.get(finding.status, "red")
            click.secho(headline, fg=hue, color=colour)
            for line in [*details, *document_lines(documents.get(finding.name))]:
                click.echo(line)
        if len(told) > 1 and not wish.quiet:
            click.echo(summary(told))
        if sys.stdout:
            sys.stdout.flush()
    except OSError as error:
        _silence_stdout()
        if not isinstance(error, BrokenPipeError):
            _complain(f"the report cannot be written: {error.strerror}")
            return status or EXIT_NEEDS_A_PERSON
    return status


def _silence_stdout() -> None:
    """Send what is left in stdout's buffer nowhere; Python would complain about it at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _wants_colour() -> bool:
    """Return whether somebody is watching who wants colour. Source: no-color.org."""
    watched = sys.stdout is not None and sys.stdout.isatty()
    return watched and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def _complain(line: str) -> None:
    with contextlib.suppress(OSError):
        click.echo(line, err=True)


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise click.UsageError(f"{clean(path)}: there is no home directory; name the file in full") from None


def _warn_of_open_door() -> None:
    if os.environ.get("GLOBUS_SDK_VERIFY_SSL", "").strip().lower() in ("0", "false", "no", "off"):
        log.warning(
            "GLOBUS_SDK_VERIFY_SSL is off: whoever sits between here and Globus can read the secret and the token; "
            "take it out of the environment"
        )


def _left_behind(interrupted: Interrupted, ledger: Ledger | None, pairs: Sequence[Pair]) -> str:
    """Return the sentences about what goes on after an interruption."""
    memories = [ledger.memories.get(pair.fingerprint) for pair in pairs] if ledger else []
    open_ones = [clean(memory.name) for memory in memories if memory and memory.reservation]
    lines = [f"{interrupted}: tasks that were started go on at Globus; see how they are doing with --dont-start"]
    if open_ones:
        lines.append(f"start unconfirmed, settled by the next run: {', '.join(open_ones)}")
    return "\n".join(lines)


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
