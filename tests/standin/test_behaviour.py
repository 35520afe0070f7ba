"""What nobody knows for sure can be set both ways: from Python, on serve's command line, and by curl."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from globus_sdk import GlobusAPIError

from globus_sync_directory.standin.behaviour import OPTION_NAMES, Behaviour, with_option

from .helpers import PAGE, Served, World


def outcome(call: Callable[[], Any]) -> Any:
    """Return the result of a call, or the HTTP status of its error."""
    try:
        return call()
    except GlobusAPIError as error:
        return error.http_status


def twice(world: World, wait: float = 0.0, **changes: Any) -> Any:
    """Submit a document, let time pass, submit it again with changes; return the second code."""
    data = world.data()
    world.tc.submit_transfer(data)
    world.globus.wait()
    world.clock.advance(wait)
    data.update(changes)
    return outcome(lambda: world.tc.submit_transfer(data)["code"])


def identical(world: World) -> Any:
    world.globus.hold()
    world.submit()
    try:
        return world.tc.submit_transfer(world.data())["code"]
    except GlobusAPIError as error:
        return error.code


def wrong_secret(world: World, read: Callable[[GlobusAPIError], Any]) -> Any:
    with pytest.raises(GlobusAPIError) as caught:
        world.token(secret="wrong")
    return read(caught.value)


def cancelled(world: World) -> Any:
    world.globus.hold()
    task_id = world.submit()
    world.tc.cancel_task(task_id)
    return world.tc.get_task(task_id)["fatal_error"] and "code"


def missing_file(world: World) -> Any:
    """Return the details of the event about a source that is not there."""
    return next(iter(world.tc.task_event_list(world.run("/none")["task_id"])))["details"]


def two_hundred_and_one(world: World) -> Any:
    for _ in range(200):
        world.tc.get_submission_id()
    return outcome(lambda: world.tc.get_submission_id().http_status)


def after_two_days(world: World) -> Any:
    task_id = world.run()["task_id"]
    world.clock.advance(2 * 24 * 3600)
    return outcome(lambda: world.sign_in().get_task(task_id)["status"])


# For each option: what to look at, and its value with each setting, the default first.
PROBES: dict[str, tuple[Callable[[World], object], dict[str, object]]] = {
    "changed-body": (lambda world: twice(world, label="x"), {"duplicate": "Duplicate", "refused": 400}),
    "own-submission-ids": (
        lambda world: outcome(lambda: world.tc.submit_transfer(world.data(submission_id=world.src.id))["code"]),
        {"yes": "Accepted", "no": 400},
    ),
    "submission-id-lifetime": (lambda world: twice(world, 3601), {"never": "Duplicate", "3600": 400}),
    "identical-paths-refused": (identical, {"yes": "Conflict", "no": "Accepted"}),
    "identical-paths-code": (identical, {"Conflict": "Conflict", "ClientError.Conflict": "ClientError.Conflict"}),
    "task-list-lag": (lambda world: world.submit() and world.tc.task_list()["total"], {"0": 1, "30": 0}),
    "unknown-task": (lambda world: outcome(lambda: world.tc.get_task(world.src.id)), {"404": 404, "403": 403}),
    "wrong-secret-status": (
        lambda world: wrong_secret(world, lambda error: error.http_status), {"401": 401, "400": 400}
    ),
    "wrong-secret-body": (
        lambda world: wrong_secret(world, lambda error: (error.raw_json or {})["error"]),
        {"globus": "unauthorized", "oauth": "invalid_client"},
    ),
    "accepted-status": (lambda world: world.tc.submit_transfer(world.data()).http_status, {"200": 200, "202": 202}),
    "label-limit": (
        lambda world: outcome(lambda: world.tc.submit_transfer(world.data(label="x" * 41))["code"]),
        {"128": "Accepted", "40": 400},
    ),
    "error-details": (
        lambda world: missing_file(world).lstrip()[:5], {"text": "Error", "json": '{"con'}
    ),
    "line-ends": (
        lambda world: missing_file(world).partition("c=PATH_NOT_FOUND")[2].partition("550-")[0],
        {"recorded": "\\r\\n", "percent": "%0D%0A", "crlf": "\r\n"},
    ),
    "stat-supported": (
        lambda world: outcome(lambda: world.tc.operation_stat(world.src.id, "/")["type"]), {"yes": "dir", "no": 409}
    ),
    "missing-source": (lambda world: world.run("/none")["status"], {"retried": "ACTIVE", "fatal": "FAILED"}),
    "cancel-error": (cancelled, {"canceled": "code", "none": None}),
    "rate-metering": (two_hundred_and_one, {"no": 200, "yes": 429}),
    "token-lifetime": (lambda world: world.token()["expires_in"], {"172800": 172800, "600": 600}),
    "records-kept": (after_two_days, {"7776000": "SUCCEEDED", "86400": 404}),
}  # fmt: skip
CASES = [(name, value) for name, (_, settings) in PROBES.items() for value in settings]


@pytest.mark.parametrize(("name", "value"), CASES, ids=lambda text: text.replace(" ", "-"))
def test_each_setting(world: World, name: str, value: str) -> None:
    """An option changes what clients see, from its default to the other setting; the default is the first setting."""
    probe, settings = PROBES[name]
    if value != next(iter(settings)):
        world.globus.behaviour = with_option(world.globus.behaviour, name, value)
        assert world.globus.behaviour != Behaviour()
    else:
        assert with_option(Behaviour(), name, value) == Behaviour()
    assert probe(world) == settings[value]


@pytest.mark.slow
def test_the_answer_to_one_request_too_many(world: World) -> None:
    """With metering, the answer to one request too many may be a 503 as well."""
    for name, value in (("rate-metering", "yes"), ("rate-limit-status", "503")):
        world.globus.behaviour = with_option(world.globus.behaviour, name, value)
    assert two_hundred_and_one(world) == 503


def test_every_option_is_tried_and_documented() -> None:
    """Each option has its test here and its row in the documentation, which names its settings."""
    assert set(OPTION_NAMES) == {*PROBES, "rate-limit-status"}
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*?) \|", PAGE, re.M)
    assert [name for name, _ in rows] == list(OPTION_NAMES)
    for name, settings in rows:
        for value in re.findall("`(.*?)`", settings):
            with_option(Behaviour(), name, value)


def test_on_the_command_line_and_by_curl(tmp_path: Path) -> None:
    """serve takes every option when it starts, and the control URL while it runs; both reject a wrong setting."""
    flipped = {name: list(settings)[1] for name, (_, settings) in PROBES.items()} | {"rate-limit-status": "503"}
    options = [option for name, value in flipped.items() for option in ("--behaviour", f"{name}={value}")]
    wanted = Behaviour()
    for name, value in flipped.items():
        wanted = with_option(wanted, name, value)
    with Served(f"{'0' * 8}-0000-4000-8000-{'0' * 12}={tmp_path}", *options) as served:
        url = served.value("export GLOBUS_SDK_SERVICE_URL_AUTH=") + "/standin/"
        told = requests.get(url, timeout=10).json()["behaviour"]
        assert told == {name.replace("_", "-"): str(value) for name, value in vars(wanted).items()}
        answer = requests.post(url + "behaviour", json={"unknown-task": 404}, timeout=10)
        assert answer.json()["behaviour"]["unknown-task"] == "404"
        assert requests.post(url + "behaviour", json={"unknown-task": "maybe"}, timeout=10).status_code == 400


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("unknown-tusk", "403", "unknown option 'unknown-tusk'; the options are changed-body"),
        ("unknown-task", "500", "404 or 403, not '500'"),
        ("stat-supported", "maybe", "yes or no, not 'maybe'"),
        ("submission-id-lifetime", "1h", "never or a number, not '1h'"),
        ("label-limit", "-1", "a number, not '-1'"),
        ("identical-paths-code", "", "not ''"),
        ("label-limit", "a number", "a number, not 'a number'"),
    ],
)
def test_wrong_settings(name: str, value: str, message: str) -> None:
    """The message about an unknown option or setting names the possible ones."""
    with pytest.raises(ValueError, match=re.escape(message)):
        with_option(Behaviour(), name, value)
