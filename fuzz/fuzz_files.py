"""
Feeds made-up bytes to everything that reads a file or a reply: config, secret, state, Globus' documents, labels.

    pip install atheris && python fuzz/fuzz_files.py -max_total_time=600

It ends with status 0 if each of them did what it promises: no unexpected error, no secret in a sentence, no state that
is read but cannot be written again.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports():
    from globus_sync_directory.config.load import load_settings
    from globus_sync_directory.config.secret_file import CLIENT_SECRET, parse_secret
    from globus_sync_directory.errors import ConfigError
    from globus_sync_directory.globus import documents
    from globus_sync_directory.model.pair import LABEL_LENGTH, fingerprint_in, name_in, task_label
    from globus_sync_directory.model.task import Event, SkippedPath, Task
    from globus_sync_directory.state import StateStore, decode
    from globus_sync_directory.text import is_unprintable, sanitize

CLIENT = "3f2a0c52-0000-4000-8000-0000000000aa"
SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTAxMjM="  # noqa: S105  # made up
HEAD = f"[globus]\nclientid = {CLIENT}\n[lab]\nsrc_endpoint = {CLIENT}\n".encode()
DIRECTORY = Path(tempfile.mkdtemp())  # only its owner may read it, as a secret file
LONGEST_COINCIDENCE = 8  # characters of a secret that a sentence may hold by chance


def expect(is_right: bool, what: object) -> None:
    if not is_right:
        raise AssertionError(repr(what))


def read_config(data: bytes) -> None:
    config, secret = DIRECTORY / "config.ini", DIRECTORY / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    for content in (data, HEAD + data, HEAD + f"src_path = {SECRET}\n".encode() + data):
        config.write_bytes(content)
        try:
            load_settings(config, secret)
        except ConfigError as error:
            for line in error.lines:
                expect("\n" not in line and SECRET not in line, line)


def read_secret(data: bytes) -> None:
    try:
        secret = parse_secret(Path(), CLIENT_SECRET, DIRECTORY.stat(), data)
        expect(secret.isascii() and not any(map(is_unprintable, secret)), secret)
    except ConfigError as error:
        content = data.decode(errors="replace").strip()
        expect(len(content) <= LONGEST_COINCIDENCE or content not in str(error), error)


def read_state(data: bytes) -> None:
    for version in (1, 2):
        start = f'{{"version": {version}, "client_id": "{CLIENT}", "pairs": {{"f": '.encode()
        for content in (data, start + data + b"}}"):
            records = decode(content, CLIENT).records
            if records:
                store = StateStore(DIRECTORY / "state.json", CLIENT)
                with store.edit() as edited:
                    edited |= records
                expect(store.read().records == records, records)
                store.path.unlink()


def read_documents(data: bytes) -> None:
    provider = atheris.FuzzedDataProvider(data)
    text = provider.ConsumeUnicode(200)
    entry = {
        "task_id": text if provider.ConsumeBool() else CLIENT,
        "status": text,
        "request_time": text if provider.ConsumeBool() else "2026-11-24T00:00:00+00:00",
        "completion_time": text,
        "label": text,
        "files": provider.ConsumeInt(9),
        "fatal_error": {"code": text, "description": text} if provider.ConsumeBool() else text,
        "time": text,
        "code": text,
        "details": text,
    }
    document: dict[str, Any] = {"DATA": [entry, text], "total": text}
    with contextlib.suppress(documents.UnexpectedReply):
        line = sanitize(documents.read(Task, entry).label)
        expect(not any(map(is_unprintable, line)), line)
    documents.read_list(Task, document, skip_unreadable=True)
    for kind in (Event, SkippedPath):
        documents.read_list(kind, document, skip_unreadable=True)


def make_label(data: bytes) -> None:
    name = data.decode(errors="surrogateescape")
    label = task_label(name, "0123456789abcdef", CLIENT)
    expect(fingerprint_in(label) == "0123456789abcdef" and len(label) <= LABEL_LENGTH, label)
    name_in(name)


def one_input(data: bytes) -> None:
    for target in (read_config, read_secret, read_state, read_documents, make_label):
        target(data)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
