"""Promise 4: one live task a pair, with lost replies, lost state, changes of the config, and other hosts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world import NOBODY, SUBMIT, TASK_LIST, World, tree

from globus_sync_directory.model.pair import fingerprint_in
from globus_sync_directory.standin import Fault


def test_one_live_task_a_pair(world: World) -> None:
    """Promise 4: while a task is live a run starts nothing for its pair, says how it is doing, and ends with 0."""
    world.globus.hold()
    first, second, third = world.run(), world.run(), world.run("-d")
    assert (first.status, second.status, third.status) == (0, 0, 0)
    assert second.stdout.startswith("microscope: running, since ")
    assert len(world.tasks) == 1
    world.globus.release()


@pytest.mark.promise(4, "state file gone, empty, half, garbage, newer, of another client")
@pytest.mark.parametrize("damage", ["gone", "empty", "half", "garbage", "newer", "foreign"])
def test_lost_state_never_doubles_a_task(world: World, damage: str) -> None:
    """Promise 4: without a usable state file the live task is found and adopted, and the damaged file is kept."""
    world.globus.hold()
    world.run()
    whole = world.state_file.read_bytes()
    damaged = {
        "empty": b"",
        "half": whole[: len(whole) // 2],
        "garbage": b"\x00\xff",
        "newer": whole.replace(b'"version": 2', b'"version": 3'),
        "foreign": whole.replace(world.client_id.encode(), NOBODY.encode()),
    }.get(damage)
    world.state_file.unlink()
    if damaged is not None:
        world.state_file.write_bytes(damaged)
    outcome = world.run()
    assert outcome.status == 0
    assert outcome.stdout.startswith("microscope: running")
    assert len(world.tasks) == 1
    assert world.state()["microscope"]["task"]["task_id"] == world.tasks[0].id
    kept = [path for path in world.root.iterdir() if ".unusable-" in path.name]
    assert [path.read_bytes() for path in kept] == ([] if damaged is None else [damaged])
    if damaged is not None:
        assert "was renamed to" in outcome.stderr
    world.globus.release()


def test_lost_state_keeps_last_task_and_success(world: World) -> None:
    """Without a state file the last task and the last success come from Globus' own records."""
    world.sync()
    world.state_file.unlink()
    look = world.run("-d")
    assert look.stdout.startswith("microscope: succeeded")
    world.run()
    assert world.state()["microscope"]["success"]["task_id"] == world.tasks[0].id


def test_answer_lost_after_the_submission(world: World) -> None:
    """Promise 4: a start whose answer was lost is confirmed by the next run under the same id: one task."""
    world.globus.hold()
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, times=3, when="after", cut=True))
    first = world.run()
    assert first.status == 75
    assert "microscope: start unconfirmed" in first.stdout
    look = world.run("-d")
    assert (look.status, look.stdout.splitlines()[0].split(",")[0]) == (0, "microscope: running")
    second = world.run()
    assert (second.status, len(world.tasks)) == (0, 1)
    assert world.state()["microscope"]["pending"] is None
    world.globus.release()


def test_submission_that_never_arrived(world: World) -> None:
    """A start that did not reach Globus shows as unconfirmed, and the next run sends the same id again."""
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, times=3, cut=True))
    first = world.run()
    assert (first.status, len(world.tasks)) == (75, 0)
    reserved = world.state()["microscope"]["pending"]["submission_id"]
    look = world.run("-d")
    assert look.status == 75
    assert "start unconfirmed" in look.stdout
    assert "the next run resolves it" in look.stdout
    second = world.sync()
    assert second.status == 0
    assert [task.submission.submission_id for task in world.tasks] == [reserved]
    assert tree(world.archive) == tree(world.images)


def test_accepted_task_that_ended_before_it_was_found(world: World) -> None:
    """The task behind an unanswered start may have ended: it counts as the last one, and a new one is started."""
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, times=3, when="after", cut=True))
    world.sync()
    assert len(world.tasks) == 1
    outcome = world.sync()
    assert outcome.stdout.startswith("microscope: started")
    assert len(world.tasks) == 2
    assert world.state()["microscope"]["success"]["task_id"] == world.tasks[0].id


def test_config_changed_with_a_pending_submission(world: World) -> None:
    """A pending submission of an old config is dropped once Globus would list its task; then the new task starts."""
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, times=3, cut=True))
    world.run()
    world.pair("microscope", exclude="a.txt")
    assert world.run().statuses == {"microscope": "start unconfirmed"}
    world.clock.advance(610)
    outcome = world.sync()
    assert outcome.status == 0
    assert "dropped the pending submission" in outcome.stderr
    assert "Globus has no task of it, and the config has changed since" in outcome.stderr
    assert len(world.tasks) == 1
    assert tree(world.archive) == {"deep/b b.txt": b"second"}


def test_config_changed_and_the_submission_had_arrived(world: World) -> None:
    """A pending submission of an old config whose task exists is found by its label, whatever the task's status."""
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, times=3, when="after", cut=True))
    world.sync()
    world.pair("microscope", exclude="a.txt")
    outcome = world.sync()
    assert outcome.status == 0
    assert "dropped" not in outcome.stderr
    assert len(world.tasks) == 2
    assert world.state()["microscope"]["pending"] is None


@pytest.mark.promise(4, "two hosts, one after the other")
def test_two_state_files_one_task(world: World) -> None:
    """Promise 4: two hosts that share nothing but the config start one task between them, and both know it."""
    world.globus.hold()
    first = world.run("-t", str(world.root / "one.json"))
    second = world.run("-t", str(world.root / "two.json"))
    assert (first.status, second.status, len(world.tasks)) == (0, 0, 1)
    assert second.stdout.startswith("microscope: running")
    world.globus.release()


@pytest.mark.promise(4, "two hosts at the same moment")
def test_race_with_another_host(world: World) -> None:
    """When another host starts the pair between our snapshot and our submission, its task is adopted."""
    world.globus.hold()
    other = str(world.root / "other.json")
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, action=lambda: world.process("-t", other)))
    outcome = world.run()
    assert (outcome.status, len(world.tasks)) == (0, 1)
    assert outcome.stdout.startswith("microscope: running")
    assert world.state()["microscope"]["task"]["task_id"] == world.tasks[0].id
    world.globus.release()


def test_same_paths_by_somebody_else(world: World) -> None:
    """A live task with these paths that this tool did not start: rejected, with its name and the fix; status 1."""
    world.globus.hold()
    world.run()
    task = world.tasks[0]
    task.label = "by hand in the web app"
    world.state_file.unlink()
    outcome = world.run()
    assert outcome.status == 1
    assert "microscope: rejected" in outcome.stdout
    assert "another task with the same paths is running, and this tool did not start it" in outcome.stdout
    assert task.id in outcome.stdout
    assert "by hand in the web app" in outcome.stdout
    world.globus.release()


def test_many_pairs_one_task_each(world: World) -> None:
    """Twenty pairs: twenty tasks, each with its own fingerprint; the next run starts none."""
    world.globus.hold()
    for number in range(19):
        world.pair(f"p{number}")
    assert world.run().status == 0
    assert world.run().status == 0
    assert len(world.tasks) == 20
    assert len({fingerprint_in(task.label) for task in world.tasks}) == 20
    world.globus.release()


def test_renamed_pair_keeps_its_task(world: World) -> None:
    """A pair is known by its four ends: a new name starts nothing and loses nothing."""
    world.globus.hold()
    world.run()
    world.pairs["renamed"] = world.pairs.pop("microscope")
    world.write_config()
    outcome = world.run()
    assert outcome.stdout.startswith("renamed: running")
    assert len(world.tasks) == 1
    world.globus.release()


def test_repointed_pair_waits_for_the_earlier_task(world: World) -> None:
    """A pair with a new source waits for its earlier task to the same destination, which is reported until it ends."""
    world.globus.hold()
    world.run()
    (world.root / "source" / "other").mkdir()
    world.pair("microscope", src_path="/other")
    outcome = world.run()
    assert outcome.status == 0
    assert outcome.stdout.startswith("microscope: waiting for the earlier task")
    assert outcome.statuses["orphaned task of [microscope]"] == "running"
    assert len(world.tasks) == 1
    world.globus.release()
    world.globus.wait()
    assert world.sync().stdout.startswith("microscope: started")
    assert len(world.state()) == 1


@pytest.mark.slow
def test_room_for_a_hundred(world: World) -> None:
    """Pairs beyond Globus' room wait with status 0, and who waited goes first when there is room."""
    world.globus.hold()
    for number in range(101):
        world.pair(f"p{number}")
    outcome = world.run()
    waiting = [name for name, status in outcome.statuses.items() if status == "waiting for room"]
    assert outcome.status == 0
    assert (len(waiting), len(world.live)) == (2, 100)
    world.pair("a new one")
    live = next(task for task in world.live if fingerprint_in(task.label) != world.named("a new one").fingerprint)
    world.globus.cancel(live.id)
    world.clock.advance(1)
    world.run("-p", waiting[0], "-p", "a new one")
    assert fingerprint_in(world.tasks[-1].label) == world.named(waiting[0]).fingerprint
    world.globus.release()


def test_task_gone_from_globus_records(world: World) -> None:
    """A remembered task that Globus has no record of is reported as such, and the next run starts a new one."""
    world.sync()
    world.globus.forget(world.tasks[0].id)
    world.clock.advance(3600)
    look = world.run("-d")
    assert (look.status, look.stdout.splitlines()[0].split(",")[0]) == (0, "microscope: unknown to Globus")
    assert world.sync().stdout.startswith("microscope: started")


@pytest.mark.parametrize("identical_paths_refused", [True, False])
def test_young_task_that_globus_does_not_list_yet(world: World, identical_paths_refused: bool) -> None:
    """Within ten minutes of its start a task that no answer shows still counts as live."""
    world.globus.behaviour = replace(world.globus.behaviour, identical_paths_refused=identical_paths_refused)
    world.globus.hold()
    world.run()
    gone = {"DATA_TYPE": "task_list", "DATA": [], "length": 0, "limit": 1000, "offset": 0, "total": 0}
    world.globus.faults.add(Fault(path=TASK_LIST, body=gone, times=None))
    world.globus.faults.add(Fault(path="/v0.10/task/*", status=404, code="ClientError.NotFound", times=None))
    outcome = world.run()
    assert outcome.status == 0
    assert len(world.tasks) == 1
    assert "does not list this task yet" in outcome.stdout
    world.globus.faults.clear()
    world.globus.release()
