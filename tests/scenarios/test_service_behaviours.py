"""What nobody outside Globus knows for sure, each way: the promises hold however the service behaves."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from world import SUBMIT, World, assert_in_order, tree

from globus_sync_directory.standin import Behaviour, Fault
from globus_sync_directory.standin.behaviour import with_option

pytestmark = [pytest.mark.slow, pytest.mark.promise(4, "what is not known about the service, each way")]

BEHAVIOURS: dict[str, dict[str, Any]] = {
    "as expected": {},
    "changed body refused": {"changed_body": "refused"},
    "own ids refused": {"own_submission_ids": False},
    "ids expire after an hour": {"submission_id_lifetime": timedelta(hours=1)},
    "identical paths accepted": {"identical_paths_refused": False},
    "list lags by 30 s": {"task_list_lag": timedelta(seconds=30)},
    "unknown task is 403": {"unknown_task": 403},
    "wrong secret is 400": {"wrong_secret_status": 400},
    "wrong secret in the form of OAuth": {"wrong_secret_body": "oauth"},
    "accepted is 202": {"accepted_status": 202},
    "label of 64 characters": {"label_limit": 64},
    "no stat": {"stat_supported": False},
    "another code for identical paths": {"identical_paths_code": "ClientError.Conflict"},
    "errors told in JSON": {"error_details": "json"},
    "line ends as percent codes": {"line_ends": "percent"},
    "missing source is fatal": {"missing_source": "fatal"},
    "cancelled without an error": {"cancel_error": "none"},
    "records kept for 30 days": {"records_kept": timedelta(days=30)},
    "rate metering": {"rate_metering": True},
    "rate metering with 503": {"rate_metering": True, "rate_limit_status": 503},
}


@pytest.fixture(params=BEHAVIOURS)
def odd(world: World, request: pytest.FixtureRequest) -> World:
    """The world in which the service behaves in one other way."""
    world.globus.behaviour = replace(world.globus.behaviour, **BEHAVIOURS[request.param])
    return world


def let_the_list_catch_up(world: World) -> None:
    world.clock.advance(31)


def test_every_behaviour_is_tried() -> None:
    """No option of the stand-in is left out here, and each has another value than usual."""
    tried = {name for options in BEHAVIOURS.values() for name in options}
    assert tried | {"token_lifetime"} == set(Behaviour.__dataclass_fields__)
    usual = asdict(Behaviour())
    for options in BEHAVIOURS.values():
        for name, value in options.items():
            assert value != usual[name]
            assert with_option(Behaviour(), name.replace("_", "-"), as_text(value)) == Behaviour(**{name: value})


def as_text(value: Any) -> str:
    """Return the value of an option as ``with_option`` reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(int(value.total_seconds())) if isinstance(value, timedelta) else str(value)


def test_copying(odd: World) -> None:
    """First run, idle run, changed source: what differs arrives, nothing is removed."""
    assert odd.sync().status == 0
    let_the_list_catch_up(odd)
    assert tree(odd.archive) == tree(odd.images)
    assert odd.run("-d").statuses == {"microscope": "succeeded"}
    (odd.images / "a.txt").unlink()
    (odd.images / "new").write_bytes(b"new")
    assert odd.sync().status == 0
    assert odd.tasks[-1].files_transferred == 1
    assert {"a.txt", "new"} <= set(tree(odd.archive))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("hours", [0, 2])
def test_lost_answer(odd: World, when: Literal["before", "after"], hours: int) -> None:
    """A submission or its answer is lost, and resolved at once or hours later: one live task, remembered."""
    odd.globus.hold()
    odd.pair("microscope", timelimitmins="600")
    odd.globus.faults.add(Fault(method="POST", path=SUBMIT, times=3, when=when, cut=True))
    assert odd.run().status == 75
    odd.clock.advance(3600 * hours)
    outcome = odd.run()
    assert outcome.status == 0, outcome.stdout
    let_the_list_catch_up(odd)
    assert odd.run().status == 0
    assert len(odd.tasks) == 1
    assert_in_order(odd)


def test_lost_state(odd: World) -> None:
    """A state file lost while a task is live: the task is adopted."""
    odd.globus.hold()
    odd.run()
    let_the_list_catch_up(odd)
    odd.state_file.unlink()
    assert odd.run().statuses == {"microscope": "running"}
    assert len(odd.tasks) == 1


def test_two_runs_within_the_lag(odd: World) -> None:
    """A second run a moment after the first recognises the task of the first."""
    odd.globus.hold()
    odd.run()
    assert odd.run().status == 0
    assert len(odd.tasks) == 1


def test_forgotten_task(odd: World) -> None:
    """Globus has forgotten a task, whatever its words for that: the next run starts a new one."""
    odd.sync()
    odd.globus.forget(odd.tasks[0].id)
    odd.clock.advance(91 * 86400)
    assert odd.run("-d").statuses == {"microscope": "unknown to Globus"}
    assert odd.sync().statuses == {"microscope": "started"}


def test_wrong_secret(odd: World) -> None:
    """A wrong secret is status 4, whatever the reply of Globus Auth."""
    odd.secret_file.write_text("d3Jvbmctd3Jvbmctd3Jvbmc=")
    outcome = odd.run()
    assert outcome.status == 4
    assert "Globus Auth rejects the sign-in" in outcome.stdout


def test_missing_source(odd: World) -> None:
    """A missing source directory blocks the start, whichever way it is looked at."""
    odd.pair("microscope", src_path="/nowhere")
    outcome = odd.run()
    assert outcome.status == 1
    assert "there is no source directory '/nowhere'" in outcome.stdout


def test_cancelled(odd: World) -> None:
    """A cancelled task is status 1, and the next run starts a new one."""
    odd.globus.hold()
    odd.run()
    let_the_list_catch_up(odd)
    odd.globus.cancel(odd.tasks[0].id)
    odd.globus.release()
    report = odd.run("-d")
    assert (report.status, report.statuses) == (1, {"microscope": "cancelled"})
    assert odd.run().statuses == {"microscope": "started"}


def test_race_of_two_hosts(odd: World) -> None:
    """Another host starts the pair between our look and our submission: one live task, unless Globus accepts both."""
    odd.globus.hold()
    other = str(odd.root / "other.json")
    odd.globus.faults.add(Fault(method="POST", path=SUBMIT, action=lambda: odd.process("-t", other)))
    odd.run()
    let_the_list_catch_up(odd)
    outcome = odd.run()
    if odd.globus.behaviour.identical_paths_refused:
        assert len(odd.live) == 1
        assert outcome.status == 0
        assert_in_order(odd)
    else:
        assert len(odd.live) == 2
        assert "another task of this pair is running too" in outcome.stdout


def test_other_hosts(odd: World) -> None:
    """Hosts that share only the config, one after the other: one live task."""
    odd.globus.hold()
    odd.run("-t", str(odd.root / "one.json"))
    let_the_list_catch_up(odd)
    odd.run("-t", str(odd.root / "two.json"))
    assert len(odd.live) == 1
