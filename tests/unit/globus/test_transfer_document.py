"""The transfer document: what a pair asks for, and whether an older document asks for the same."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from globus_sync_directory.globus.transfer_document import (
    NO_SUBMISSION_ID_YET,
    asks_for,
    build_document,
    deadline_in,
    with_deadline,
)
from globus_sync_directory.model.pair import Directory, Pair, SyncLevel

ONE, TWO = "763d50ee-e814-4080-878b-6a8be5cf7570", "9d6d994a-6d04-11e5-ba46-22000b92c6ec"
ID = "11111111-0000-4000-8000-00000000abcd"
NOW = datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC)
PAIR = Pair(
    name="lab: a", source=Directory(collection=ONE, path="/images"), destination=Directory(collection=TWO, path="/")
)


def test_the_whole_document() -> None:
    """Nothing is deleted, everything is verified, and one unreadable file does not stop the others."""
    document = build_document(PAIR, ID, SyncLevel.CHECKSUM, NOW)
    assert document == {
        "DATA_TYPE": "transfer",
        "submission_id": ID,
        "source_endpoint": ONE,
        "destination_endpoint": TWO,
        "label": f"lab_ a sync-{PAIR.fingerprint}-11111111",
        "sync_level": 3,
        "verify_checksum": True,
        "preserve_timestamp": True,
        "skip_source_errors": True,
        "notify_on_succeeded": False,
        "notify_on_failed": False,
        "notify_on_inactive": False,
        "store_base_path_info": True,
        "DATA": [
            {
                "DATA_TYPE": "transfer_item",
                "source_path": "/images/",
                "destination_path": "/",
                "recursive": True,
            }
        ],
    }
    assert json.loads(json.dumps(document)) == document


def test_filter_rules() -> None:
    """A pattern excludes names of files and directories; one with a slash at its end only directories."""
    document = build_document(replace(PAIR, exclude=("*.tmp", "scratch/")), ID, SyncLevel.SIZE, NOW)
    rule = {"DATA_TYPE": "filter_rule", "method": "exclude"}
    assert document["filter_rules"] == [{**rule, "name": "*.tmp"}, {**rule, "name": "scratch", "type": "dir"}]
    assert document["sync_level"] == 1


def test_deadline() -> None:
    """A time limit counts from the submission, however old the document is."""
    pair = replace(PAIR, time_limit=timedelta(minutes=300))
    document = build_document(pair, ID, SyncLevel.CHECKSUM, NOW)
    assert document["deadline"] == "2026-11-23T17:00:00+00:00"
    later = with_deadline(document, pair, NOW + timedelta(hours=1))
    assert deadline_in(later) == datetime(2026, 11, 23, 18, tzinfo=UTC)
    assert {**later, "deadline": None} == {**document, "deadline": None}
    assert deadline_in(with_deadline(document, PAIR, NOW)) is None
    assert document["deadline"] == "2026-11-23T17:00:00+00:00"


LIMITED = replace(PAIR, time_limit=timedelta(minutes=1))


@pytest.mark.parametrize(("level", "pair", "change", "expected"), [
    (SyncLevel.CHECKSUM, PAIR, {}, True),
    (SyncLevel.CHECKSUM, PAIR, {"deadline": "2026-11-23T17:00:00+00:00"}, True),
    (SyncLevel.CHECKSUM, LIMITED, {}, True),
    (SyncLevel.CHECKSUM, PAIR, {"label": "other", "submission_id": NO_SUBMISSION_ID_YET}, True),
    (SyncLevel.CHECKSUM, replace(PAIR, name="renamed"), {}, True),
    (SyncLevel.CHECKSUM, replace(PAIR, sync_level=SyncLevel.MTIME), {}, True),
    (SyncLevel.MTIME, replace(PAIR, sync_level=SyncLevel.MTIME), {}, True),
    (SyncLevel.MTIME, PAIR, {}, False),
    (SyncLevel.SIZE, replace(PAIR, sync_level=SyncLevel.MTIME), {}, False),
    (SyncLevel.CHECKSUM, PAIR, {"sync_level": None}, False),
    (SyncLevel.CHECKSUM, PAIR, {"sync_level": "3"}, False),
    (SyncLevel.CHECKSUM, replace(PAIR, exclude=("*.tmp",)), {}, False),
    (SyncLevel.CHECKSUM, replace(PAIR, source=PAIR.destination), {}, False),
    (SyncLevel.CHECKSUM, PAIR, {"delete_destination_extra": True}, False),
    (SyncLevel.CHECKSUM, PAIR, {"DATA": []}, False),
])  # fmt: skip
def test_asks_for(level: SyncLevel, pair: Pair, change: dict[str, Any], expected: bool) -> None:
    """A document is what the config asks for if it differs in its deadline, label or a stricter comparison only."""
    document = {**build_document(PAIR, ID, level, NOW), **change}
    assert asks_for(document, pair) is expected


def test_a_document_of_an_older_version() -> None:
    """What only tells more of a task makes a document no other one."""
    document = build_document(PAIR, ID, SyncLevel.CHECKSUM, NOW)
    del document["store_base_path_info"]
    assert asks_for(document, PAIR)


def test_an_older_exclude_is_another_request() -> None:
    """A pattern that the config has no more makes a document another one."""
    document = build_document(replace(PAIR, exclude=("*.tmp",)), ID, SyncLevel.CHECKSUM, NOW)
    assert not asks_for(document, PAIR)
