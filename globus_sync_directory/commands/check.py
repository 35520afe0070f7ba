"""``check``: tests everything that a run needs. Each question is asked once, several at a time."""

from __future__ import annotations

import os
from datetime import datetime

from globus_sync_directory.commands.check_ends import ask_about_ends, describe_ends, fix_of_check, passed
from globus_sync_directory.commands.check_write import probe_writing
from globus_sync_directory.commands.inputs import choose_pairs, state_store, warn_of_interception
from globus_sync_directory.commands.options import Options
from globus_sync_directory.config.settings import Settings
from globus_sync_directory.errors import ExitStatus, worst
from globus_sync_directory.globus.clock import GlobusClock, host_now
from globus_sync_directory.globus.sign_in import sign_in
from globus_sync_directory.model.answer import Failure, Received, Rejected, Unavailable
from globus_sync_directory.model.report import Check, CheckResult, RunReport
from globus_sync_directory.notify.mail import send_test
from globus_sync_directory.state import StateStore
from globus_sync_directory.text import count

_NOT_PROBED = Check(
    result=CheckResult.NOTE,
    sentence="not checked: whether the application can write at the destinations",
    fix="run check --write-probe: it creates one directory at each destination and removes it",
)


def check(options: Options, settings: Settings) -> RunReport:
    """Return what ``check`` found: config, secret, state, sign-in, clock, collections, directories."""
    pairs = choose_pairs(settings, options.pairs)
    warn_of_interception()
    store = state_store(options, settings)
    checks = [
        passed(f"config file {settings.path.absolute()}: {count(len(settings.pairs), 'pair')}"),
        passed(f"secret file {options.secret_file.absolute()}: nobody else can read it"),
        check_state(store),
        *check_lock(store, host_now()),
    ]
    answer = sign_in(settings.client_id, settings.secret)
    if isinstance(answer, Received):
        with answer.value as client:
            checks += [passed(f"signed in as {settings.identity}"), check_clock(client.clock)]
            ends = ask_about_ends(pairs, client)
            checks += describe_ends(pairs, ends, settings.identity)
            known = [pair for pair in pairs if ends.knows(pair.destination)]
            checks += probe_writing(known, client, settings.identity) if options.write_probe else [_NOT_PROBED]
    else:
        checks.append(_failed_sign_in(answer))
    if options.test_mail:
        checks += _check_mail(settings)
    return RunReport(exit_status=worst(found.exit_status for found in checks), checks=tuple(checks))


def check_clock(clock: GlobusClock) -> Check:
    """Return how far this host's clock is from Globus' clock."""
    if clock.warning:
        fix = "set the clock of this host" + ("" if clock.is_believed else ", if it is the one that is wrong")
        return Check(result=CheckResult.NOTE, sentence=clock.warning, fix=fix)
    return passed(f"this host's clock differs from Globus' by {round(abs(clock.shown).total_seconds())} s")


def check_state(store: StateStore) -> Check:
    """Return whether the state file can be used."""
    loaded = store.read()
    shown = f"state file {store.path}"
    if loaded.problem:
        sentence = f"{shown} {loaded.problem}"
        if loaded.must_be_kept:
            fix = "the next run renames it, and asks Globus for our tasks"
            return Check(result=CheckResult.NOTE, sentence=sentence, fix=fix)
        fix = "make it readable, or choose another file with --state-file"
        return Check(result=CheckResult.FAIL, sentence=sentence, fix=fix)
    for path in (store.path, store.lock_path):
        if path.exists() and not os.access(path, os.W_OK):
            sentence = f"{shown} cannot be written: this user may not write {path}"
            fix = "if that file belongs to another user, choose another state file with --state-file"
            return Check(result=CheckResult.FAIL, sentence=sentence, fix=fix)
    if not os.access(store.path.parent, os.W_OK | os.X_OK):
        fix = "make its directory writable, or choose another file with --state-file"
        return Check(result=CheckResult.FAIL, sentence=f"{shown} cannot be written", fix=fix)
    if os.statvfs(store.path.parent).f_bavail == 0:
        fix = "free some space, or choose another file with --state-file"
        return Check(result=CheckResult.FAIL, sentence=f"{shown}: its disk is full", fix=fix)
    if loaded.is_missing:
        return passed(f"{shown}: does not exist yet; the first run creates it")
    return passed(f"{shown}: {count(len(loaded.records), 'pair')} remembered")


def check_lock(store: StateStore, now: datetime) -> list[Check]:
    """Return a failed check if a run holds the lock of the state file for so long that it seems to hang."""
    held = store.find_old_holder(now)
    if held is None:
        return []
    return [Check(result=CheckResult.FAIL, sentence=str(held), status_if_failed=held.exit_status)]


def _failed_sign_in(failure: Failure) -> Check:
    match failure:
        case Unavailable(is_sign_in=True, reason=reason, fix=fix):
            status = ExitStatus.SIGN_IN_REJECTED
        case Unavailable(reason=reason) | Rejected(message=reason):
            fix, status = fix_of_check(failure), ExitStatus.TRY_LATER
    return Check(result=CheckResult.FAIL, sentence=reason, fix=fix, status_if_failed=status)


def _check_mail(settings: Settings) -> list[Check]:
    if not settings.sends_mail:
        fix = "add email to [notification] or to a pair"
        return [Check(result=CheckResult.FAIL, sentence="the config has no mail address", fix=fix)]
    fix = "correct [notification] in the config file"
    return [
        Check(result=CheckResult.FAIL, sentence=f"the test mail to {address} was not sent: {problem}", fix=fix)
        if problem
        else passed(f"{settings.mail.host} accepted a test mail to {address}")
        for address, problem in send_test(settings, host_now()).items()
    ]
