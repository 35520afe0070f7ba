"""What is imitated: its list, and the SDK's recorded documents held against our answers."""

import pkgutil
import re
from collections.abc import Callable
from typing import Any

import pytest
from globus_sdk import AccessTokenAuthorizer, AuthClient, DeleteData, GlobusAPIError, TransferClient

pytest.importorskip("responses", reason="the SDK's recordings need it")
import globus_sdk.testing.data.auth
import globus_sdk.testing.data.transfer
from globus_sdk.testing import get_response_set

from globus_sync_directory.standin.api.app import make_app

from .helpers import PAGE, World

ROWS = re.findall(r"^\| (Globus Auth|Transfer, \w+) \| `([A-Z]+ /\S+)` \| `(\w+)`(, until SDK 3)? \|$", PAGE, re.M)
METHODS = {method for _, _, method, old in ROWS if not old}
AUTH_METHODS = {method for service, _, method, _ in ROWS if service == "Globus Auth"}


def test_the_list_is_what_is_served(world: World) -> None:
    """docs/standin.md names exactly the routes of the server, apart from the control URLs, and methods of the SDK."""
    rules = {
        f"{method} {re.sub('<.*?>', 'ID', rule.rule)}"
        for rule in make_app().url_map.iter_rules() for method in (rule.methods or set()) - {"HEAD"}
        if not rule.rule.startswith("/standin/")
    }  # fmt: skip
    assert sorted(rules) == sorted(route for _, route, *_ in ROWS)
    for method in METHODS - AUTH_METHODS:
        assert hasattr(TransferClient, method)


def test_the_list_has_only_such_rows() -> None:
    """The table in docs/standin.md has rows of this kind and no others."""
    section = PAGE.partition("\n## What the stand-in imitates\n")[2].partition("\n## ")[0]
    head, line, *rows = [row for row in section.splitlines() if row.startswith("|")]
    assert (head, line) == ("| service | request | method of the SDK |", "| --- | --- | --- |")
    assert rows == [f"| {service} | `{route}` | `{method}`{old} |" for service, route, method, old in ROWS]


def userinfo(world: World, token: str) -> Any:
    with AuthClient(authorizer=AccessTokenAuthorizer(token), base_url=world.globus.url) as client:
        return client.userinfo()


def deletion(world: World) -> DeleteData:
    data = DeleteData(endpoint=world.dst.id)
    data.add_item("/x")
    return data


def transfer_of_nothing(world: World) -> Any:
    data = world.data()
    data["DATA"] = []
    return world.tc.submit_transfer(data)


def finished(world: World) -> Any:
    world.write("a")
    world.run(verify_checksum=True)
    return world.tc.task_list(limit=1000)


def cancelled(world: World) -> Any:
    world.globus.hold()
    return world.tc.cancel_task(world.submit())


def renamed(world: World) -> Any:
    world.write("old", at_target=True)
    return world.tc.operation_rename(world.dst.id, "/old", "/new")


def looked_at(world: World, path: str) -> Any:
    world.write("file1.txt")
    world.src.unreadable.add("/foo")
    return world.tc.operation_stat(world.src.id, path)


# How to get our answer to what was recorded, by method and case of the recording.
CASES: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("oauth2_client_credentials_tokens", "default"): lambda world: world.token(),
    ("oauth2_client_credentials_tokens", "openid"): lambda world: world.token(scope="openid"),
    ("oauth2_revoke_token", "default"): lambda world: world.revoke(world.token()["access_token"]),
    ("userinfo", "unauthorized"): lambda world: userinfo(world, "made-up"),
    ("userinfo", "forbidden"): lambda world: userinfo(world, world.token(scope="email")["access_token"]),
    ("get_submission_id", "default"): lambda world: world.tc.get_submission_id(),
    ("submit_transfer", "default"): lambda world: world.tc.submit_transfer(world.data()),
    ("submit_transfer", "failure"): transfer_of_nothing,
    ("submit_delete", "default"): lambda world: world.tc.submit_delete(deletion(world)),
    ("task_list", "default"): finished,
    ("cancel_task", "default"): cancelled,
    ("get_endpoint", "default"): lambda world: world.tc.get_endpoint(world.src.id),
    ("operation_mkdir", "default"): lambda world: world.tc.operation_mkdir(world.dst.id, "/a"),
    ("operation_rename", "default"): renamed,
    ("operation_stat", "default"): lambda world: looked_at(world, "/file1.txt"),
    ("operation_stat", "not_found"): lambda world: looked_at(world, "~/none"),
    ("operation_stat", "permission_denied"): lambda world: looked_at(world, "/foo"),
}
# Where ours differs: without an id_token the SDK asks for no keys, and newer services tell more than was recorded.
MISSING = {("oauth2_client_credentials_tokens", "openid"): {"id_token"}}
MORE = {("get_endpoint", "default"), ("task_list", "default"), ("get_submission_id", "default")}
STATUSES = {("operation_mkdir", "default"): 202}  # the SDK's recording has 200, and programs have met 202
SAME_VALUES = ("DATA_TYPE", "code", "message", "token_type", "resource_server", "active", "error")


def recordings() -> dict[tuple[str, str], Any]:
    """Return every recorded answer to a method that is imitated."""
    found: dict[tuple[str, str], Any] = {}
    for package, service in ((globus_sdk.testing.data.auth, "auth"), (globus_sdk.testing.data.transfer, "transfer")):
        for module in pkgutil.iter_modules(package.__path__):
            if module.name in METHODS:
                for case, response in get_response_set(f"{service}.{module.name}")._data.items():
                    found[module.name, case] = response
    return found


def test_every_recording_is_compared() -> None:
    """Each recorded case of each imitated method has a comparison here, and each comparison has a recording."""
    assert set(recordings()) == set(CASES)


def compare(ours: Any, theirs: Any, where: str, more: bool) -> None:
    """Assert the same keys, and values of the same types; null may stand for any type."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        assert set(theirs) - set(ours) == set(), where
        assert more or set(ours) - set(theirs) == set(), where
        for key in theirs:
            compare(ours[key], theirs[key], f"{where}.{key}", more)
    elif isinstance(theirs, list) and isinstance(ours, list):
        assert bool(ours) == bool(theirs), where
        for mine, other in zip(ours[:1], theirs[:1], strict=True):
            compare(mine, other, f"{where}[0]", more)
    elif theirs is not None and ours is not None:
        assert type(ours) is type(theirs), where


@pytest.mark.parametrize("name", CASES, ids="-".join)
def test_as_recorded(world: World, name: tuple[str, str]) -> None:
    """Our answer has the recorded status, keys and types, and the recorded codes and messages."""
    recorded = recordings()[name]
    try:
        answer = CASES[name](world)
        status, document = answer.http_status, answer.data
    except GlobusAPIError as error:
        status, document = error.http_status, error.raw_json
    assert status == STATUSES.get(name, recorded.status)
    expected = {key: value for key, value in recorded.json.items() if key not in MISSING.get(name, ())}
    compare(document, expected, name[0], name in MORE)
    codes = [[error["code"] for error in each.get("errors", [])] for each in (document, expected)]
    assert codes[0] == codes[1]
    for key in set(SAME_VALUES) & set(expected):
        mine, other = document[key], expected[key]
        if key == "message":  # what follows the first comma names collections and paths
            mine, other = mine.partition(",")[0], other.partition(",")[0]
        assert mine == other


def test_what_is_not_recorded_on_its_own(world: World) -> None:
    """get_task is like an entry of the recorded list, successful_transfers like the one for collection managers."""
    finished(world)
    recorded = recordings()["task_list", "default"].json["DATA"][0]
    (task,) = world.tc.task_list(limit=1)["DATA"]
    compare(world.tc.get_task(task["task_id"]).data, recorded, "task", more=True)
    managed: Any = get_response_set("transfer.endpoint_manager_task_successful_transfers").lookup("default")
    theirs = managed.json
    ours = world.tc.task_successful_transfers(task["task_id"]).data
    assert set(theirs) - set(ours) <= {"endpoint"}
    assert set(theirs["DATA"][0]) <= set(ours["DATA"][0])
