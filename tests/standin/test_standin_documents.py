"""The SDK's recorded documents, held against ours: the same keys, and values of the same types."""

import pytest
from globus_sdk import DeleteData, TransferAPIError

pytest.importorskip("responses", reason="the SDK's recordings need it")
from globus_sdk.testing import get_response_set


def recorded(method: str, case: str = "default"):
    return get_response_set(method).lookup(case).json


def shape(document):
    """Return what must agree: keys and the types of their values, null being any type."""
    if isinstance(document, dict):
        return {key: shape(value) for key, value in document.items()}
    return None if document is None else type(document)


def assert_alike(ours, theirs, *, where="document"):
    """Assert that ours has every key of theirs with a value of the same type, wherever both have one."""
    for key, value in theirs.items():
        assert key in ours, f"{where}: {key!r} is missing"
        mine = ours[key]
        if isinstance(value, dict) and isinstance(mine, dict):
            assert_alike(mine, value, where=f"{where}.{key}")
        elif isinstance(value, list) and value and isinstance(value[0], dict) and mine:
            assert_alike(mine[0], value[0], where=f"{where}.{key}[0]")
        elif value is not None and mine is not None:
            assert type(mine) is type(value), f"{where}.{key}"


def test_token(world):
    """The token document has exactly the recorded keys, for a service and for openid less the id_token."""
    ours = world.token().data
    theirs = recorded("auth.oauth2_client_credentials_tokens")
    assert shape(ours) == shape(theirs)
    assert {key: ours[key] for key in ("scope", "expires_in", "token_type", "resource_server", "other_tokens")} == {
        key: theirs[key] for key in ("scope", "expires_in", "token_type", "resource_server", "other_tokens")
    }
    openid = recorded("auth.oauth2_client_credentials_tokens", "openid")
    assert set(openid) - set(world.token(scope="openid").data) == {"id_token"}


def test_submissions(world):
    """Submission ids, transfers and deletes are answered with exactly the recorded keys, codes and messages."""
    assert_alike(world.tc.get_submission_id().data, recorded("transfer.get_submission_id"))
    transfer = world.tc.submit_transfer(world.data()).data
    data = DeleteData(endpoint=world.dst.id)
    data.add_item("/x")
    for ours, method in ((transfer, "submit_transfer"), (world.tc.submit_delete(data).data, "submit_delete")):
        theirs = recorded(f"transfer.{method}")
        assert shape(ours) == shape(theirs)
        for key in ("DATA_TYPE", "code", "message", "resource"):
            assert ours[key] == theirs[key]


def test_a_refused_submission(world):
    """A submission without items is refused with the recorded status, code and message."""
    response = get_response_set("transfer.submit_transfer").lookup("failure")
    data = world.data()
    data["DATA"] = []
    with pytest.raises(TransferAPIError) as caught:
        world.tc.submit_transfer(data)
    assert caught.value.http_status == response.status
    assert shape(caught.value.raw_json) == shape(response.json)
    assert (caught.value.code, caught.value.message) == (response.json["code"], response.json["message"])


def test_tasks(world):
    """A task list, and a task in it, have every recorded key."""
    world.write("a")
    task_id = world.run(label="x")["task_id"]
    assert_alike(world.tc.task_list().data, recorded("transfer.task_list"))
    finished = recorded("transfer.task_list")["DATA"][0]
    assert_alike(world.tc.get_task(task_id).data, finished)


def test_results_of_a_task(world):
    """successful_transfers has the recorded keys of the collection managers' form of it."""
    world.write("a")
    task_id = world.run(verify_checksum=True)["task_id"]
    theirs = recorded("transfer.endpoint_manager_task_successful_transfers")
    ours = world.tc.task_successful_transfers(task_id).data
    assert set(theirs) - set(ours) <= {"endpoint"}
    assert set(theirs["DATA"][0]) - set(ours["DATA"][0]) == set()


def test_cancel(world):
    """A cancelled task is answered with the recorded document."""
    world.globus.hold()
    task_id = world.submit()
    ours, theirs = world.tc.cancel_task(task_id).data, recorded("transfer.cancel_task")
    assert shape(ours) == shape(theirs)
    assert (ours["code"], ours["message"]) == (theirs["code"], theirs["message"])
    assert ours["resource"] == f"/task/{task_id}/cancel"


def test_endpoint(world):
    """A collection's document has every recorded key."""
    assert_alike(world.tc.get_endpoint(world.src.id).data, recorded("transfer.get_endpoint"))


def test_operations(world):
    """mkdir, rename and stat answer with exactly the recorded keys, and stat's refusals with status and code."""
    world.write("file1.txt", b"1234")
    made, renamed = world.tc.operation_mkdir(world.dst.id, "/a"), world.tc.operation_rename(world.dst.id, "/a", "/b")
    for ours, method in ((made.data, "operation_mkdir"), (renamed.data, "operation_rename")):
        theirs = recorded(f"transfer.{method}")
        assert shape(ours) == shape(theirs)
        assert (ours["code"], ours["message"]) == (theirs["code"], theirs["message"])
    ours = world.tc.operation_stat(world.src.id, "/file1.txt").data
    assert shape(ours) == shape(recorded("transfer.operation_stat"))
    world.src.unreadable.add("/foo")
    for path, case in (("~/foo2", "not_found"), ("/foo", "permission_denied")):
        response = get_response_set("transfer.operation_stat").lookup(case)
        with pytest.raises(TransferAPIError) as caught:
            world.tc.operation_stat(world.src.id, path)
        assert caught.value.http_status == response.status
        assert shape(caught.value.raw_json) == shape(response.json)
        assert caught.value.code == response.json["code"]
        assert caught.value.message.partition(",")[0] == response.json["message"].partition(",")[0]
