"""What one command line needs opened, in order: config and secret, state and lock, Globus; then its work is done."""

from __future__ import annotations

import contextlib
import difflib
import logging
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from globus_sync_directory.model.run_report import RunReport, Check
from globus_sync_directory.text import sanitize, quote
from globus_sync_directory.config.load import Config, load_config
from globus_sync_directory.errors import (
    EXIT_USAGE,
    ConfigError,
    Interrupted,
    LockHeld,
    ServiceUnavailable,
    SecretError,
    SignInRejected,
    StateError,
    UsageError,
    worst,
)
from globus_sync_directory.output.terminal import is_watched
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.config.secret import read_secret

if TYPE_CHECKING:
    from datetime import datetime

    from globus_sync_directory.sync.ledger import Ledger
    from globus_sync_directory.sync.run import Result
    from globus_sync_directory.state import StateFile
    from globus_sync_directory.model.status import PairReport

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line asks for; paths are as they were given, but for ``~``."""

    config_file: Path
    secret_file: Path
    state_file: Path | None
    pairs: tuple[str, ...] = ()
    dont_start: bool = False
    dry_run: bool = False
    wait: bool = False
    check: bool = False
    write_probe: bool = False
    test_mail: bool = False
    shows_progress: bool = False

    @property
    def status_command(self) -> str:
        """The command that shows, on this host, how the same pairs are doing."""
        words = [sys.executable, "-m", "globus_sync_directory", "-d", "-c", self.config_file.absolute()]
        words += ["-s", self.secret_file.absolute()]
        words += ["-t", self.state_file.absolute()] if self.state_file else []
        return shlex.join(map(sanitize, words))


def work(wish: Options) -> RunReport:
    """Do what is wished and return what there is to tell. Raises SyncError where the work could not be begun."""
    if wish.check:
        return _check(wish)
    config, secret, mail_password = _load(wish)
    pairs = _chosen(config, wish.pairs)
    _warn_of_open_door()

    # Here and not above: --help and a config error must not wait for the SDK.
    from globus_sync_directory.sync.ledger import open_ledger
    from globus_sync_directory.notify.changes import record_changes
    from globus_sync_directory.sync.run import Mode, run, unreached
    from globus_sync_directory.globus.client import host_now, sign_in
    from globus_sync_directory.commands.wait import watch

    mode = Mode.STATUS if wish.dont_start else Mode.DRY_RUN if wish.dry_run else Mode.START
    writes = mode is Mode.START
    file = _state_file(wish, config)
    ledger = None
    try:
        with contextlib.ExitStack() as stack:
            with file.lock(host_now()) if writes else contextlib.nullcontext():
                ledger = open_ledger(file)
                try:
                    globus = stack.enter_context(sign_in(config.client_id, secret))
                except ServiceUnavailable as trouble:
                    result = unreached(pairs, ledger, trouble)
                    if writes and ledger.usable:
                        ledger.write_from_now_on(host_now())
                        learned = {pair: [one] for pair, one in zip(pairs, result.findings, strict=True)}
                        record_changes(config, learned, ledger, host_now())
                        _mail(wish, config, mail_password, ledger, host_now())
                    return _answer(result)
                if writes:
                    ledger.write_from_now_on(globus.now())
                result = run(config, pairs, globus, ledger, mode)
                if writes and result.trouble is None:
                    _mail(wish, config, mail_password, ledger, globus.now())
            if wish.wait:
                ledger = open_ledger(file) if writes else ledger  # the lock is given back: from here on it is only read
                bar = is_watched(sys.stderr) and wish.shows_progress

                def mail(findings: Sequence[PairReport]) -> None:
                    if writes:
                        _mail_findings(wish, config, mail_password, findings, file, globus.now())

                result = watch(pairs, globus, ledger, result, bar=bar, on_lasting_trouble=mail)
                mail(result.findings)
    except Interrupted as interrupted:
        raise Interrupted(_left_behind(interrupted, ledger, pairs)) from None
    nothing = wish.dry_run and not result.documents
    return replace(_answer(result), last_line="nothing would be started" if nothing else "")


def _mail(wish: Options, config: Config, password: str | None, ledger: Ledger, now: datetime) -> None:
    """Send what news there is; trouble with that is a warning."""
    if not config.sends_mail:
        return
    from globus_sync_directory.notify.mail import send_pending

    try:
        send_pending(config, password, ledger, wish.status_command, now)
    except StateError as error:
        log.warning("who was mailed could not be remembered: %s", error)


def _mail_findings(
    wish: Options, config: Config, password: str | None, findings: Sequence[PairReport], file: StateFile, now: datetime
) -> None:
    """Take the lock once more, to remember and mail what was learned while waiting; another run may be at work."""
    from globus_sync_directory.sync.ledger import open_ledger
    from globus_sync_directory.notify.changes import record_changes

    if not config.sends_mail:
        return
    by_name = {pair.name: pair for pair in config.pairs}
    learned = {by_name[finding.name]: [finding] for finding in findings if not finding.left_over}
    try:
        with file.lock(now):
            ledger = open_ledger(file)
            ledger.write_from_now_on(now)
            record_changes(config, learned, ledger, now)
            _mail(wish, config, password, ledger, now)
    except LockHeld:
        log.info("no mail now, as another run is at work; the next run tells how these tasks ended")
    except StateError as error:
        log.warning("no mail was sent: %s", error)


def _answer(result: Result) -> RunReport:
    return RunReport(
        status=result.status,
        errors=tuple(str(result.trouble).splitlines()) if result.trouble else (),
        findings=result.findings,
        documents=result.documents,
    )


def _load(wish: Options) -> tuple[Config, str, str | None]:
    """Return config, secret, and the mail server's password if it has one. Raises ConfigError with all problems."""
    problems: list[str] = []
    config = secret = mail_password = None
    try:
        config = load_config(wish.config_file)
    except ConfigError as error:
        problems += error.problems
    try:
        secret = read_secret(wish.secret_file)
    except SecretError as error:
        problems.append(str(error))
    if config is not None and config.mail.password_file:
        try:
            mail_password = read_secret(config.mail.password_file, "SMTP password file", "password")
        except SecretError as error:
            problems.append(str(error))
    if config is None or secret is None or problems:
        raise ConfigError(problems)
    return config, secret, mail_password


def _chosen(config: Config, names: tuple[str, ...]) -> list[Pair]:
    """Return the pairs with these names, all for none. Raises UsageError for a name that no pair has."""
    known = {pair.name: pair for pair in config.pairs}
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {quote(close[0])}?" if close else "there are " + ", ".join(map(quote, known))
            raise UsageError(f"--pair: no pair {quote(name)} in {sanitize(config.path)}; {hint}")
    return [pair for pair in config.pairs if not names or pair.name in names]


def _state_file(wish: Options, config: Config) -> StateFile:
    from globus_sync_directory.state import StateFile

    own = config.path.stem if config.path.suffix == ".ini" else config.path.name  # a.ini and a.cfg share no state
    path = wish.state_file or config.path.with_name(f"{own}.state.json")
    for taken in (wish.config_file, wish.secret_file):
        if os.path.realpath(path) == os.path.realpath(taken):
            raise UsageError(f"{sanitize(path)} is the config or secret file; name another with --state-file")
    return StateFile(path, config.client_id)


def _check(wish: Options) -> RunReport:
    """Return what ``check`` found: config, secret, state, sign-in, clock, collections, directories."""
    try:
        config, secret, mail_password = _load(wish)
    except ConfigError as error:
        return RunReport(status=EXIT_USAGE, checks=tuple(Check(good=False, reason=line) for line in error.problems))
    pairs = _chosen(config, wish.pairs)
    _warn_of_open_door()

    from globus_sync_directory.commands.check import check_clock, check_pairs
    from globus_sync_directory.globus.client import sign_in

    count = f"{len(config.pairs)} pair{'' if len(config.pairs) == 1 else 's'}"
    checks = [
        Check(good=True, reason=f"config file {sanitize(config.path.absolute())}: {count}"),
        Check(good=True, reason=f"secret file {sanitize(wish.secret_file.absolute())}: yours alone"),
        _check_state(_state_file(wish, config)),
    ]
    try:
        globus = sign_in(config.client_id, secret)
    except ServiceUnavailable as trouble:
        cure = trouble.fix if isinstance(trouble, SignInRejected) else "check again later"
        checks.append(Check(good=False, reason=str(trouble), fix=cure))
        return RunReport(status=trouble.exit_status, checks=tuple(checks))
    with globus:
        checks.append(Check(good=True, reason=f"signed in as {globus.identity}"))
        checks.append(check_clock(globus.clock_offset))
        checks += check_pairs(pairs, globus, write_probe=wish.write_probe)
    if wish.test_mail:
        checks += _check_mail(config, mail_password)
    return RunReport(status=worst([check.status for check in checks]), checks=tuple(checks))


def _check_mail(config: Config, password: str | None) -> list[Check]:
    from globus_sync_directory.notify.mail import send_test
    from globus_sync_directory.globus.client import host_now

    if not config.sends_mail:
        cure = "add email to [notification] or to a pair"
        return [Check(good=False, reason="the config has no mail address", fix=cure)]
    problems = send_test(config, password, host_now())
    cure = "correct [notification] in the config"
    return [
        Check(good=False, reason=f"no test mail to {sanitize(address)}: {problem}", fix=cure)
        if problem
        else Check(good=True, reason=f"test mail to {sanitize(address)} was taken by {sanitize(config.mail.host)}")
        for address, problem in problems.items()
    ]


def _check_state(file: StateFile) -> Check:
    recall = file.read()
    shown = f"state file {sanitize(file.path)}"
    if recall.trouble:
        if recall.to_set_aside:
            cure = "the next run keeps it under another name, and asks Globus for what it held"
            return Check(good=None, reason=f"{shown} {recall.trouble}", fix=cure)
        return Check(good=False, reason=f"{shown} {recall.trouble}", fix="correct that")
    if not os.access(file.path.parent, os.W_OK | os.X_OK):
        cure = "make its directory writable, or name another file with --state-file"
        return Check(good=False, reason=f"{shown} cannot be written", fix=cure)
    if os.statvfs(file.path.parent).f_bavail == 0:
        return Check(good=False, reason=f"{shown}: its disk is full", fix="make room, or name another with --state-file")
    known = f"{len(recall.memories)} remembered" if recall.usable else "not there yet; the first run makes it"
    return Check(good=True, reason=f"{shown}: {known}")


def _warn_of_open_door() -> None:
    if os.environ.get("GLOBUS_SDK_VERIFY_SSL", "").strip().lower() in ("0", "false", "no", "off"):
        log.warning(
            "GLOBUS_SDK_VERIFY_SSL is off: whoever sits between here and Globus can read the secret and the token; "
            "take it out of the environment"
        )


def _left_behind(interrupted: Interrupted, ledger: Ledger | None, pairs: Sequence[Pair]) -> str:
    """Return the sentences about what goes on after an interruption."""
    memories = [ledger.memories.get(pair.fingerprint) for pair in pairs] if ledger else []
    open_ones = [sanitize(memory.name) for memory in memories if memory and memory.reservation]
    lines = [f"{interrupted}: tasks that were started go on at Globus; see how they are doing with --dont-start"]
    if open_ones:
        lines.append(f"start unconfirmed, settled by the next run: {', '.join(open_ones)}")
    return "\n".join(lines)
