"""Unsent news -> mail: one message for each recipient, and a record of what the mail server has taken."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from globus_sync_directory.config.settings import Settings
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.notify.changes import recipients
from globus_sync_directory.notify.message import PairNews, compose, news_message
from globus_sync_directory.notify.smtp import deliver
from globus_sync_directory.state import StateStore

log = logging.getLogger(__name__)


def send_pending(settings: Settings, store: StateStore, status_command: str, now: datetime) -> None:
    """
    Send the unsent news of the config's pairs, and record what was taken.

    Each message ends with ``status_command``. A message that the mail server does not take is a warning; the next run
    sends it again. Raises StateError.
    """
    unsent = find_unsent(settings, store.records)
    messages = [news_message(settings, address, news, status_command, now) for address, news in unsent.items()]
    taken = set()
    try:
        for address, problem in deliver(settings.mail, settings.mail_password, messages):
            if problem:
                log.warning("mail to %s could not be sent: %s; the next run tries again", address, problem)
            else:
                taken.add(address)
    finally:  # also after an interruption: what was taken must not be sent twice
        with store.edit() as records:
            records.update(without_unsent(settings, records, taken))


def send_test(settings: Settings, now: datetime) -> dict[str, str]:
    """Send a test message to every address of the config; return the problem for each address, empty for none."""
    addresses = dict.fromkeys(address for pair in settings.pairs for address in recipients(settings, pair))
    text = "This is a test message of `check --mail`. Nothing has happened."
    messages = [compose(settings, address, "test message", [[text]], now) for address in addresses]
    return dict(deliver(settings.mail, settings.mail_password, messages))


def find_unsent(settings: Settings, records: Mapping[str, PairRecord]) -> dict[str, list[PairNews]]:
    """Return the unsent news by address, in the order of the pairs in the config."""
    unsent: dict[str, list[PairNews]] = {}
    for pair in settings.pairs:
        record = records.get(pair.fingerprint)
        mailed = record.mailed if record else {}
        for address in recipients(settings, pair):
            news = mailed[address].unsent if address in mailed else ()
            if news:
                unsent.setdefault(address, []).extend(PairNews(name=pair.name, news=one) for one in news)
    return unsent


def without_unsent(
    settings: Settings, records: Mapping[str, PairRecord], taken: Collection[str]
) -> dict[str, PairRecord]:
    """Return the records of the config's pairs once the mail server has taken the messages to ``taken``."""
    updated = {}
    for pair in settings.pairs:
        record = records.get(pair.fingerprint)
        if record:
            mailed = {
                address: replace(known, unsent=()) if address in taken else known
                for address, known in record.mailed.items()
            }
            updated[pair.fingerprint] = replace(record, mailed=mailed)
    return updated
