"""
Feeds made-up bytes to everything that reads a file or a reply: config, secret, state, task documents, labels.

    pip install atheris && python fuzz/fuzz_files.py -max_total_time=600

It ends with status 0 if nothing raised what it should not, and no message held a character that is not fit to print.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports():
    from globus_sync_directory.text import sanitize, is_unprintable
    from globus_sync_directory.config.load import load_config
    from globus_sync_directory.errors import ConfigError, SecretError
    from globus_sync_directory.model.pair import fingerprint_in, name_in, task_label
    from globus_sync_directory.config.secret import read_secret
    from globus_sync_directory.state import StateFile
    from globus_sync_directory.model.task import NotATask, read_event, read_task

CLIENT = "3f2a0c52-0000-4000-8000-0000000000aa"
HEAD = f"[globus]\nclientid = {CLIENT}\n[lab]\nsrc_endpoint = {CLIENT}\n".encode()
FOLDER = Path(tempfile.mkdtemp())


def fit(text: str) -> None:
    for line in text.splitlines():
        if any(is_unprintable(char) for char in line):
            raise AssertionError(f"not fit to print: {text!r}")


def config(data: bytes) -> None:
    path = FOLDER / "config.ini"
    for content in (data, HEAD + data):
        path.write_bytes(content)
        try:
            load_config(path)
        except ConfigError as error:
            for problem in error.problems:
                fit(problem)


def secret(data: bytes) -> None:
    path = FOLDER / "secret"
    path.write_bytes(data)
    path.chmod(0o600)
    try:
        fit(read_secret(path))
    except SecretError as error:
        fit(str(error))


def state(data: bytes) -> None:
    path = FOLDER / "state.json"
    for content in (data, b'{"version": 1, "client_id": "' + CLIENT.encode() + b'", "pairs": {"f": ' + data + b"}}"):
        path.write_bytes(content)
        fit(StateFile(path, CLIENT).read().trouble or "")


def documents(data: bytes) -> None:
    provider = atheris.FuzzedDataProvider(data)
    text = provider.ConsumeUnicode(200)
    document = {
        "task_id": text if provider.ConsumeBool() else CLIENT,
        "status": text,
        "request_time": text if provider.ConsumeBool() else "2026-11-24T00:00:00+00:00",
        "completion_time": text,
        "label": text,
        "files": provider.ConsumeInt(9),
        "fatal_error": {"code": text, "description": text} if provider.ConsumeBool() else text,
    }
    with contextlib.suppress(NotATask):
        fit(sanitize(read_task(document).label))
    read_event({"time": text, "code": text, "details": text})
    label = task_label(text, "0123456789abcdef", CLIENT)
    if fingerprint_in(label) != "0123456789abcdef" or len(label) > 128:
        raise AssertionError(f"not recognised: {label!r}")
    name_in(text)


def one_input(data: bytes) -> None:
    for target in (config, secret, state, documents):
        target(data)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
