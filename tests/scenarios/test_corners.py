"""Corners that a hostile reader found: each was wrong once."""

from __future__ import annotations

import contextlib
import io
import os
import signal
from datetime import timedelta

import pytest
from world import NOBODY, SUBMIT, World

from globus_sync_directory import state
from globus_sync_directory.cli import invoke
from globus_sync_directory.globus import transport, worker_pool
from globus_sync_directory.standin import Behaviour, Fault
from globus_sync_directory.standin.storage import split_path

pytestmark = pytest.mark.promise(7, "corners found by a hostile review")


def trouble(world: World, collection: str, file: str, code: str = "PERMISSION_DENIED") -> str:
    """Give the live task an error about ``file``, let two hours pass, and return the look's report."""
    task = world.tasks[-1]
    details = (
        f"Error (transfer)\nEndpoint: Name ({collection})\nServer: localhost:2811\nFile: {file}\nMessage: x\n---\n"
    )
    with task.changed:
        task.error = task.add_event(code, details, is_error=True)
    world.clock.advance(2 * 3600)
    report = world.run("-d").stdout
    world.globus.release()
    return report


def test_corrected_typo_starts_at_once(world: World) -> None:
    """An earlier spelling of a path that never could be started blocks nothing."""
    world.pair("microscope", src_path="/imagess")
    world.run()
    world.pair("microscope", src_path="/images")
    assert world.run().stdout.startswith("microscope: started")


def test_forgotten_left_over_blocks_nothing(world: World) -> None:
    """A left-over whose task Globus knows no more is over."""
    world.sync()
    world.globus.forget(world.tasks[0].id)
    world.clock.advance(86400)
    (world.root / "source" / "new").mkdir()
    world.pair("microscope", src_path="/new")
    assert world.run().stdout.startswith("microscope: started")


@pytest.mark.parametrize("state_is_lost", [False, True])
def test_left_over_task_of_another_host_blocks(world: World, state_is_lost: bool) -> None:
    """A repointed pair waits also for a task that another host started, or that is known by its label alone."""
    world.sync()
    world.globus.hold()
    world.run("-t", str(world.root / "other.json"))
    if state_is_lost:
        world.state_file.unlink()
    (world.root / "source" / "new").mkdir()
    world.pair("microscope", src_path="/new")
    outcome = world.run()
    assert outcome.stdout.startswith("microscope: waiting for the earlier task")
    assert len(world.live) == 1
    world.globus.release()


def test_partial_run_with_lost_state_recovers_all_pairs(world: World) -> None:
    """-p with a lost state file does not make the other pairs forget what Globus still knows."""
    world.pair("second")
    world.sync()
    world.state_file.unlink()
    world.run("-p", "microscope")
    assert world.run("-d").statuses["second"] == "succeeded"


def test_wrong_client_id_keeps_the_state(world: World) -> None:
    """A mistyped client id is refused by Globus, and costs no memory."""
    world.sync()
    before = world.state_file.read_bytes()
    good, world.client_id = world.client_id, NOBODY
    world.write_config()
    assert world.run().status == 4
    world.client_id = good
    world.write_config()
    assert world.state_file.read_bytes() == before


@pytest.mark.parametrize("name", ["config.ini", "secret"])
def test_state_file_that_is_another_file(world: World, name: str) -> None:
    """Config or secret named as the state file: a usage error, and neither is touched."""
    path = world.root / name
    before = path.read_bytes()
    link = world.root / "link"
    link.symlink_to(path)
    for named in (path, link):
        outcome = world.run("-t", str(named))
        assert outcome.status == 2
        assert "is the config or secret file" in outcome.stderr
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 502, "code": "EndpointError"},
        {"status": 200, "body": {"DATA_TYPE": "transfer_result", "code": "Accepted", "task_id": None}},
        {"status": 200, "body": {"code": "Accepted", "task_id": "x"}},
    ],
    ids=["502", "null", "no id"],
)
def test_unclear_answers_keep_the_reservation(world: World, fault: dict[str, object]) -> None:
    """Only a 4xx is a definite no, and only a UUID a task: after anything else the start is settled later."""
    world.globus.hold()
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, when="after", **fault))  # type: ignore[arg-type]
    outcome = world.run()
    assert outcome.status == 75
    assert world.state()["microscope"]["pending"] is not None
    assert world.run().status == 0
    assert len(world.tasks) == 1
    world.globus.release()


def test_submission_id_without_an_id(world: World) -> None:
    """A submission id that is none is no answer."""
    world.globus.faults.add(Fault(path="/v0.10/submission_id", body={"DATA_TYPE": "submission_id", "value": None}))
    assert world.run().status == 75
    assert world.sync().status == 0


def test_expired_submission_id(world: World) -> None:
    """A reserved id that Globus takes no more is given up, and the pair is started under a new one in the same run."""
    world.globus.behaviour = Behaviour(submission_id_lifetime=timedelta(hours=1))
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, times=3, cut=True))
    assert world.run().status == 75
    world.clock.advance(2 * 3600)
    outcome = world.run()
    assert outcome.stdout.startswith("microscope: started")
    assert len(world.tasks) == 1


def test_hung_collection_stops_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collection that never answers a look costs time, not the other pairs their start."""
    monkeypatch.setattr(wire, "TIMEOUT_SECONDS", 0.3)
    (world.root / "sick").mkdir()
    sick = world.globus.add_collection(world.root / "sick", permissions={world.client_id: "r"})
    world.pair("sick", src_endpoint=sick.id)
    world.globus.faults.add(Fault(path=f"*/endpoint/{sick.id}/*", times=None, delay=1.0))
    outcome = world.run()
    assert outcome.statuses == {"microscope": "started", "sick": "started"}
    assert f"could not look at '/sick' on collection {sick.id}" in outcome.stdout


def test_ended_task_is_not_the_one_with_these_paths(world: World) -> None:
    """A 409 is not explained by our own task of five minutes ago if that is known to have ended."""
    world.sync()
    world.globus.hold()
    world.run("-t", str(world.root / "other.json"))
    world.tasks[-1].label = "by hand"
    assert world.run().status == 1
    world.globus.release()


def test_disk_that_fills_up_stops_submitting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """When answers cannot be written down any more, no further submission is begun; the next run settles the rest."""
    for number in range(30):
        world.pair(f"p{number}")
    replace_durably = state._replace_durably
    writes: list[int] = []

    def full_after_two(path: object, data: bytes) -> None:
        writes.append(1)
        if len(writes) > 2:
            raise OSError(28, "No space left on device")
        replace_durably(path, data)  # type: ignore[arg-type]

    world.globus.hold()
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, times=None, delay=0.2))  # slower than any disk
    with monkeypatch.context() as patch:
        patch.setattr(state, "_replace_durably", full_after_two)
        outcome = world.run()
    assert outcome.status == 1
    assert len(world.tasks) <= 2 * worker_pool.AT_A_TIME
    assert "cannot be written: No space left on device" in outcome.stderr
    assert world.run().status == 0
    assert len(world.tasks) == 31
    world.globus.release()


def test_state_of_another_client_in_the_middle_of_a_run(world: World) -> None:
    """A state file that somebody else put there during the run is kept, under another name."""
    world.sync()
    foreign = world.state_file.read_bytes().replace(world.client_id.encode(), NOBODY.encode())
    put = Fault(path="/v0.10/submission_id", action=lambda: world.state_file.write_bytes(foreign))
    world.globus.faults.add(put)
    assert world.run().status == 0
    assert [path for path in world.root.glob("*.unusable-*") if path.read_bytes() == foreign]


def test_token_refused_for_good(world: World) -> None:
    """When Transfer refuses every token the status is that of a refused sign-in, and the start stays reserved."""
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, times=None, status=401, code="AuthenticationFailed"))
    outcome = world.run()
    assert outcome.status == 4
    assert world.state()["microscope"]["pending"] is not None


def test_two_live_tasks_are_told(world: World) -> None:
    """Should two tasks of one pair be live after all, both are named."""
    world.globus.hold()
    world.globus.behaviour = Behaviour(task_list_lag=timedelta(minutes=1), identical_paths_refused=False)
    world.run()
    world.run("-t", str(world.root / "other.json"))
    assert len(world.live) == 2
    world.clock.advance(120)
    report = world.run().stdout
    assert all(task.id in report for task in world.tasks)
    assert "another task of this pair is live too" in report
    world.globus.release()


def test_progress_behind_many_errors(world: World) -> None:
    """A task that got on a minute ago is not stuck, however many errors came since."""
    world.globus.hold()
    world.run()
    task = world.tasks[0]
    world.clock.advance(7200)
    with task.changed:
        task.add_event("PROGRESS")
    world.clock.advance(60)
    with task.changed:
        for _ in range(1200):
            task.error = task.add_event("VERIFY_CHECKSUM", "x", is_error=True)
    assert "running with errors" in world.run("-d").stdout
    world.globus.release()


def test_error_within_one_collection_names_the_side(world: World) -> None:
    """Where source and destination are on one collection the path tells the side."""
    world.source.rules[world.client_id, ()] = "rw"
    world.pair("microscope", dst_endpoint=world.source.id, dst_path="/copy")
    world.globus.hold()
    world.run()
    report = trouble(world, world.source.id, "/copy/")
    assert "permission denied for destination '/copy' on collection" in report
    assert "permission rw" in report


def test_text_of_a_log_never_gets_into_a_command(world: World) -> None:
    """A path that came from outside is shown, but stands in no command that a person may paste."""
    world.globus.hold()
    world.run()
    report = trouble(world, world.destination.id, "/archive/images/x'; touch y; '/")
    (cure,) = [line for line in report.splitlines() if "fix:  " in line]
    assert "touch" not in cure


def test_path_in_a_command_is_quoted(world: World) -> None:
    """The command in a cure quotes the config's path for the shell, blanks and all."""
    world.pair("microscope", src_path="/it's  here")
    (world.root / "source" / "it's  here").mkdir()
    world.source.rules.clear()
    assert f"--permissions r '{world.source.id}:/it'\"'\"'s  here/'" in world.run().stdout


def test_gap_names_collection_and_cure(world: World) -> None:
    """A gap tells its path, its collection and what to do, and does not ask for write permission at the source."""
    world.source.rules[world.client_id, split_path("/images/deep")] = ""
    world.sync()
    report = world.run("-d").stdout
    assert f"permission denied for source '/images/deep' on collection 'Microscope PC' ({world.source.id})" in report
    assert "permission rw" not in report


def test_missing_file_without_a_place(world: World) -> None:
    """A failure that does not say which side it is about accuses neither."""
    world.globus.hold()
    world.run()
    world.globus.fail(world.tasks[-1].id, "FILE_NOT_FOUND")
    report = world.run("-d").stdout
    assert "src_path" not in report
    assert "dst_path" not in report


def test_both_ends_wrong(world: World) -> None:
    """Two things that stop a start are both told."""
    world.pair("microscope", src_path="/nope")
    world.destination.rules.clear()
    report = world.run().stdout
    assert world.source.id in report
    assert world.destination.id in report


def test_previous_task_is_judged_by_the_deadline_it_had(world: World) -> None:
    """A task that Globus itself gave up is not called stopped at a time limit that was set only later."""
    world.globus.hold(after_files=1)
    world.sync()
    world.clock.advance(4 * 86400)
    world.globus.wait()
    world.pair("microscope", timelimitmins="300")
    report = world.run().stdout
    assert "the task before it: ran out of time without progress" in report
    world.globus.release()


def test_paused_since_its_pause(world: World) -> None:
    """A task that was paused ten minutes ago is not called paused since its submission."""
    world.globus.hold()
    world.run()
    world.clock.advance(23 * 3600)
    world.tasks[0].pause()
    world.clock.advance(630)
    assert "(10 min ago)" in world.run("-d").stdout
    world.globus.release()


def test_no_room_costs_one_write_for_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once Globus has no room the other pairs are neither asked for nor written down one by one."""
    for number in range(8):
        world.pair(f"p{number}")
    refusal = {"status": 409, "code": "ClientError.Conflict.TooManyPendingJobs"}
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, times=None, **refusal))  # type: ignore[arg-type]
    world.run()
    world.forget_requests()
    writes: list[int] = []
    replace_durably = state._replace_durably
    monkeypatch.setattr(state, "_replace_durably", lambda *a: (writes.append(1), replace_durably(*a)))
    assert world.run().stdout.count("waiting for room, since") == 9
    assert world.asked().count(f"POST {SUBMIT}") == 1
    assert len(writes) <= 4


def test_signal_while_the_log_is_written(world: World) -> None:
    """A signal that comes in the middle of a log line is not swallowed by the logging."""
    fired: list[int] = []

    class Stderr(io.StringIO):
        def write(self, text: str) -> int:
            if "started task" in text and not fired:
                fired.append(1)
                os.kill(os.getpid(), signal.SIGTERM)
            return super().write(text)

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(Stderr()):
        status = invoke(world.command())
    assert fired
    assert status == 130


def test_dropped_start_tells_the_true_reason(world: World) -> None:
    """An open start that another live task has made pointless is dropped with that reason."""
    world.globus.hold()
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, times=3, cut=True))
    world.run()
    world.run("-t", str(world.root / "other.json"))
    world.clock.advance(3600)
    outcome = world.run()
    assert f"Globus has no such task, and task {world.tasks[0].id} is at work" in outcome.stderr
    world.globus.release()
