"""Lists of tasks and events: filters, order, pages, fields."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from globus_sdk import DeleteData, TransferAPIError

from .helpers import World


@pytest.fixture
def tasks(world: World) -> dict[str, str]:
    """Four finished tasks an hour apart, one cancelled, one of them a delete, and a live one; ids by label."""
    ids = {}
    for label in ("Lab sync-a", "lab sync-b", "other"):
        ids[label] = world.run("/", f"/{label}", label=label)["task_id"]
        world.clock.advance(3600)
    data = DeleteData(endpoint=world.dst.id, recursive=True, label="delete")
    data.add_item("/other")
    ids["delete"] = world.tc.submit_delete(data)["task_id"]
    world.globus.wait()
    world.globus.hold()
    ids["gone"] = world.submit("/", "/gone", label="gone")
    world.globus.cancel(ids["gone"])
    ids["live"] = world.submit("/", "/live", label="live")
    world.globus.wait()
    return ids


def labels(world: World, **query: Any) -> list[str]:
    return [task["label"] for task in world.tc.task_list(limit=1000, query_params=query)]


FILTERS = {
    "": {"Lab sync-a", "lab sync-b", "other", "gone", "live"},
    "type:TRANSFER,DELETE": {"Lab sync-a", "lab sync-b", "other", "gone", "live", "delete"},
    "type:DELETE": {"delete"},
    "status:ACTIVE,INACTIVE": {"live"},
    "status:FAILED/label:=gone": {"gone"},
    "label:~lab*": {"Lab sync-a", "lab sync-b"},
    "label:=lab sync-b,=other": {"lab sync-b", "other"},
    "label:!live": {"Lab sync-a", "lab sync-b", "other", "gone"},
    "label:!~*sync*": {"other", "gone", "live"},
    "request_time:2026-01-01 01:00:00,2026-01-01 02:30:00": {"lab sync-b", "other"},
    "request_time:2026-01-01T03:00:00+00:00,": {"gone", "live"},
    "completion_time:,2026-01-01 00:30:00": {"Lab sync-a"},
}


def test_task_filters(world: World, tasks: dict[str, str]) -> None:
    """Every clause must match, and one of the values of a clause is enough; deletes are listed only on request."""
    assert {text: set(labels(world, filter=text)) for text in FILTERS} == FILTERS


def test_tasks_by_id(world: World, tasks: dict[str, str], new_id: str) -> None:
    """A list of ids gives the tasks that exist, of whatever status; unknown ids are ignored."""
    text = f"task_id:{tasks['other']},{new_id},{tasks['live']}"
    assert set(labels(world, filter=text)) == {"other", "live"}


def test_wrong_queries(world: World) -> None:
    """An unknown filter, order or page is a 400, not an empty list."""
    world.submit()
    for query in [
        {"filter": "state:ACTIVE"}, {"filter": "status:DONE"}, {"filter": "label:bare"}, {"filter": "nonsense"},
        {"filter": "request_time:yesterday,"}, {"orderby": "beauty"}, {"limit": "many"}, {"offset": "-1"},
    ]:  # fmt: skip
        with pytest.raises(TransferAPIError) as caught:
            world.tc.task_list(query_params=query)
        assert caught.value.http_status == 400, query


def test_order_pages_and_fields(world: World, tasks: dict[str, str]) -> None:
    """Newest first by default, ten by default, and only the requested fields."""
    assert labels(world)[-1] == "Lab sync-a"
    assert labels(world, orderby="request_time ASC")[0] == "Lab sync-a"
    assert labels(world, orderby="label DESC")[0] == "other"
    page = world.tc.task_list(limit=2, offset=4, orderby="request_time,label", query_params={"fields": "label"})
    assert page.data["total"] == 5
    assert page.data["length"] == 1
    assert page["DATA"] == [{"label": "live"}]
    for n in range(10):
        world.submit("/", f"/{n}")
    assert len(world.tc.task_list()["DATA"]) == 10
    assert len(list(world.tc.paginated.task_list().items())) == 15


def test_others_see_nothing(world: World, tasks: dict[str, str]) -> None:
    """Only the identity that submitted a task can list it and ask for it."""
    stranger = world.sign_in(*world.globus.add_client())
    assert stranger.task_list()["total"] == 0
    with pytest.raises(TransferAPIError) as caught:
        stranger.get_task(tasks["live"])
    assert caught.value.http_status == 404
    world.globus.behaviour = replace(world.globus.behaviour, unknown_task=403)
    with pytest.raises(TransferAPIError) as caught:
        stranger.get_task(tasks["live"])
    assert caught.value.http_status == 403


def test_a_list_that_lags(world: World) -> None:
    """With a lag, a new task is missing from the list for a while, but can be asked for by id."""
    world.globus.behaviour = replace(world.globus.behaviour, task_list_lag=timedelta(seconds=30))
    task_id = world.submit()
    assert labels(world) == []
    assert world.tc.get_task(task_id)["task_id"] == task_id
    world.clock.advance(30)
    assert len(labels(world)) == 1


def test_events_newest_first_and_by_error(world: World) -> None:
    """Events come newest first, in pages, all of them or only errors."""
    task_id = world.run("/missing")["task_id"]
    newest = world.tc.task_event_list(task_id, limit=1)
    assert (newest["DATA"][0]["code"], newest["total"]) == ("FILE_NOT_FOUND", 2)
    assert "/missing" in newest["DATA"][0]["details"]
    assert world.events(task_id, query_params={"filter": "is_error:0"}) == ["STARTED"]
    assert world.events(task_id, query_params={"filter": ""}) == ["STARTED", "FILE_NOT_FOUND"]
