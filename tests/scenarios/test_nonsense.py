"""What cannot be, and comes all the same: trickling replies, absurd values, special files, lists that never end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from world import SUBMIT, TASK_LIST, World

from globus_sync_directory.commands import sync as session
from globus_sync_directory.globus import transport
from globus_sync_directory.notify import mail as notify
from globus_sync_directory.output import terminal as output
from globus_sync_directory.standin import Fault

NO_ROOM: dict[str, Any] = {"method": "POST", "path": SUBMIT, "status": 409, "code": "ClientError.TooManyPendingJobs"}
DOCUMENT = {
    "status": "SUCCEEDED",
    "request_time": "2026-01-01T00:00:00+00:00",
    "completion_time": "2026-01-01T00:10:00+00:00",
}


@contextlib.contextmanager
def trickling(head: bytes, drop: bytes) -> Iterator[int]:
    """Give the port of a server that says ``head`` to each who comes, then ``drop`` every 50 ms for ever."""
    stop = threading.Event()

    def talk(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.sendall(head)
            while not stop.wait(0.05):
                connection.sendall(drop)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                talkers.append(threading.Thread(target=talk, args=(server.accept()[0],)))
                talkers[-1].start()

    talkers: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=serve)
        accepting.start()
        try:
            yield server.getsockname()[1]
        finally:
            stop.set()
            server.shutdown(socket.SHUT_RDWR)
            for thread in (accepting, *talkers):
                thread.join()


@pytest.mark.promise(7, "a reply that trickles in")
@pytest.mark.parametrize("service", ["AUTH", "TRANSFER"])
def test_a_reply_that_trickles_in(world: World, monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    """A reply that never comes to its end is given up like none at all, although no single read waits long."""
    monkeypatch.setattr(wire, "TIMEOUT_SECONDS", 0.4)
    with trickling(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" ") as port:
        monkeypatch.setenv(f"GLOBUS_SDK_SERVICE_URL_{service}", f"http://127.0.0.1:{port}")
        outcome = world.run()
    assert outcome.status == 75
    assert "no answer within" in outcome.stdout


@pytest.mark.promise(7, "a mail server that trickles")
def test_a_mail_server_that_trickles(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail server whose greeting never ends is left to itself: the run ends, and tells."""
    monkeypatch.setattr(notify, "PATIENCE_SECONDS", 0.2)
    with trickling(b"220-hello\r\n", b"220-hello\r\n") as port:
        mail = f"email = a@example.org, b@example.org\nsmtp_host = 127.0.0.1\nsmtp_port = {port}\n"
        world.write_config("[notification]\n" + mail)
        world.pair("microscope", src_path="/missing")
        outcome = world.run()
    assert outcome.status == 1
    assert outcome.stderr.count("is too slow; the next run tries again") == 2


@pytest.mark.promise(7, "blocked after there was no room")
def test_no_room_does_not_hide_what_came_later(world: World) -> None:
    """A pair that found no room, and then no source, is blocked for a look too."""
    world.globus.faults.add(Fault(**NO_ROOM))
    assert world.run().statuses == {"microscope": "waiting for room"}
    world.images.rename(world.images.with_name("gone"))
    assert world.run().status == 1
    assert world.run("-d").statuses == {"microscope": "blocked"}


@pytest.mark.promise(4, "an open start that the list does not show yet, and another config")
def test_a_start_that_may_have_arrived_is_not_dropped(world: World) -> None:
    """While a task may be missing from the list, nothing else is started to its place, and it is not forgotten."""
    world.globus.behaviour = replace(world.globus.behaviour, task_list_lag=timedelta(seconds=60))
    world.globus.hold()
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, when="after", cut=True, times=3))
    assert world.run().status == 75
    (task,) = world.tasks
    (world.root / "source" / "images2").mkdir()
    world.pair("microscope", src_path="/images2", dst_path="/archive/images")
    world.run()
    assert world.live == [task]
    world.clock.advance(120)
    world.run()
    assert task.id in world.state_file.read_text()
    assert len(world.tasks) == 1
    world.globus.release()


@pytest.mark.promise(4, "an open start that the list does not show yet, and another config")
def test_a_start_that_arrived_and_ended_unlisted_is_remembered(world: World) -> None:
    """Another exclude drops no start whose task has ended before any list shows it: its success is known later."""
    world.globus.behaviour = replace(world.globus.behaviour, task_list_lag=timedelta(seconds=60))
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, when="after", cut=True, times=3))
    world.sync()
    (task,) = world.tasks
    world.pair("microscope", src_path="/images", dst_path="/archive/images", exclude="*.tmp")
    assert world.run().statuses == {"microscope": "start unconfirmed"}
    world.clock.advance(120)
    world.run()
    assert world.state()["microscope"]["success"]["task_id"] == task.id


@pytest.mark.promise(4, "an open start that is not asked for again, for want of room")
def test_not_asked_is_not_refused(world: World) -> None:
    """Where another pair is turned away, an open start is not sent again and stays open: it may have arrived."""
    (world.root / "source" / "first").mkdir()
    world.pairs.clear()
    world.pair("first")
    world.pair("second", src_path="/images", dst_path="/archive/images")
    world.globus.faults.add(Fault(**NO_ROOM))
    world.run("-p", "first")
    world.globus.faults.clear()
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, status=503, times=3))
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, when="after", cut=True, nth=4, times=3))
    world.run()
    world.globus.faults.clear()
    world.globus.wait()
    (task,) = world.tasks
    world.globus.faults.add(Fault(**NO_ROOM))
    assert world.run().statuses["second"] == "start unconfirmed"
    world.run()
    assert world.state()["second"]["success"]["task_id"] == task.id


def test_state_that_goes_while_mail_is_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written after a mail holds all that was known, also where the file has gone in between."""
    world.sync()
    world.run("-d")
    world.write_config("[notification]\nemail = a@example.org\nsmtp_host = 127.0.0.1\n")
    world.pair("microscope", src_path="/missing")

    def take(*_: Any) -> Iterator[tuple[str, str]]:
        world.state_file.unlink()
        yield "a@example.org", ""

    monkeypatch.setattr(notify, "_send", take)
    world.run()
    assert world.state()["microscope"]["failed_start"]


@pytest.mark.promise(8, "a list with no end")
def test_a_list_with_no_end(world: World) -> None:
    """A list that claims a million tasks and shows the same one for ever is read twice."""
    world.globus.hold()
    world.run()
    (task,) = world.tasks
    same = {**world.globus.task_document(task), "deadline": None}
    world.globus.faults.add(Fault(path=TASK_LIST, body={"DATA": [same], "total": 10**9}, times=None))
    world.forget_requests()
    assert world.run("-d").statuses == {"microscope": "running"}
    assert world.asked().count(f"GET {TASK_LIST}") == 2
    world.globus.release()


@pytest.mark.promise(7, "a log text that is long and odd")
def test_a_long_text_in_the_log(world: World) -> None:
    """An entry of a task's log of many blanks is read at once."""
    world.sync()
    (task,) = world.tasks
    failed = {**world.globus.task_document(task), "status": "FAILED", "fatal_error": {"code": "X", "description": "d"}}
    details = f"Endpoint: x ({world.source.id})\nFile: a{' ' * 400_000}b"
    event = {"code": "FILE_NOT_FOUND", "is_error": True, "time": DOCUMENT["request_time"], "details": details}
    world.globus.faults.add(Fault(path=TASK_LIST, nth=2, body={"DATA": [failed], "total": 1}))
    world.globus.faults.add(Fault(path="*/event_list", body={"DATA": [event], "total": 1}))
    with world.start("-d") as process:
        try:
            process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 1


@pytest.mark.promise(6, "nonsense of every depth")
@pytest.mark.parametrize("path", [TASK_LIST, "/v2/oauth2/token", "*/stat"])
def test_deeply_nested_nonsense(world: World, path: str) -> None:
    """JSON that is nested beyond reason is nonsense like any other, with -v as well."""
    body = '{"DATA": [], "total": ' + "[" * 200_000
    world.globus.faults.add(Fault(path=path, body=body, times=None))
    assert world.run("-v").status in (0, 75)
    world.globus.wait()


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359"])
def test_a_date_of_another_age(world: World, date: str) -> None:
    """A Date that no clock can have is not believed."""
    world.pair("microscope", src_path="/images", dst_path="/archive/images", timelimitmins="300")
    world.globus.faults.add(Fault(path="/v2/oauth2/token", when="after", headers={"Date": date}))
    outcome = world.sync()
    assert (outcome.status, outcome.statuses) == (0, {"microscope": "started"})


def answer_with(world: World, **fields: Any) -> None:
    """Let the next question for ended tasks be answered with the newest one, changed like this."""
    task = world.tasks[-1]
    document = {**DOCUMENT, "task_id": task.id, "label": task.label, **fields}
    world.globus.faults.add(Fault(method="GET", path=TASK_LIST, nth=2, body={"DATA": [document], "total": 1}))


def test_an_absurd_count(world: World) -> None:
    """A number of bytes beyond all disks is shown as far as it can be, and remembered."""
    world.sync()
    answer_with(world, bytes_transferred=10**400)
    world.globus.hold()
    assert world.run().status == 0
    assert world.run("-d").status == 0
    world.globus.release()


@pytest.mark.parametrize("fault", [{"status": 403, "code": "PermissionDenied"}, {"body": {"DATA": []}}])
def test_gaps_that_nobody_names(world: World, fault: dict[str, Any]) -> None:
    """A success with gaps says how many, and where to look, also where Globus does not tell which."""
    world.sync()
    answer_with(world, subtasks_skipped_errors=7)
    world.globus.faults.add(Fault(path="*/skipped_errors", **fault))
    outcome = world.run("-d")
    assert outcome.status == 1
    assert "7 paths left out\n" in outcome.stdout
    assert "why:  Globus does not tell which" in outcome.stdout


@pytest.mark.promise(6, "one unreadable task among others")
def test_one_unreadable_task(world: World) -> None:
    """A task document that makes no sense is asked for by itself, and no other pair suffers from it."""
    world.pair("two", src_path="/images", dst_path="/archive/two")
    world.sync()
    shown = [world.globus.task_document(task) for task in world.tasks]
    shown[-1]["request_time"] = None
    world.globus.faults.add(Fault(method="GET", path=TASK_LIST, nth=2, body={"DATA": shown, "total": 2}))
    assert world.run("-d").statuses == {"microscope": "succeeded", "two": "succeeded"}


@pytest.mark.parametrize("kind", [None, 5])
def test_a_path_of_no_kind(world: World, kind: object) -> None:
    """A look that is answered with nonsense is a note, and the pair is started."""
    world.globus.faults.add(Fault(path="*/stat", body={"type": kind}))
    assert world.sync().statuses == {"microscope": "started"}


def test_a_refused_list_has_a_cure(world: World) -> None:
    """Where Globus does not tell us of our own tasks, that is said with what can be done about it."""
    world.globus.faults.add(Fault(path=TASK_LIST, status=403, code="PermissionDenied", message="no way"))
    outcome = world.run()
    assert (outcome.status, outcome.statuses) == (75, {"microscope": "not reached"})
    assert "fix:  the next run asks again; if it stays" in outcome.stdout


def test_waiting_asks_about_its_own_tasks_only(world: World) -> None:
    """With -w and -p, tasks of other pairs that Globus has forgotten are asked for once, not at each look."""
    world.pair("other", src_path="/images", dst_path="/archive/other")
    world.sync()
    world.globus.forget(next(task for task in world.tasks if task.label.startswith("other")).id)
    world.clock.advance(3600)
    world.globus.hold()
    world.run("-p", "microscope")
    world.forget_requests()
    threading.Timer(2.5, world.globus.release).start()
    assert world.run("-d", "-w", "-p", "microscope").status == 0
    assert len([line for line in world.asked() if "/v0.10/task/" in line]) == 1


@pytest.mark.parametrize("key", ["reservation", "task", "success", "setback"])
def test_an_empty_entry_in_the_state(world: World, key: str) -> None:
    """A state file with {} where something or null belongs is damaged, and is set aside."""
    world.sync()
    world.run("-d")
    document = json.loads(world.state_file.read_text())
    for entry in document["pairs"].values():
        entry[key] = {}
    world.state_file.write_text(json.dumps(document))
    outcome = world.sync()
    assert outcome.status == 0
    assert "is damaged" in outcome.stderr


def test_the_lock_is_never_somebody_elses_file(world: World) -> None:
    """A link in the place of the lock file is not followed: nothing is written to where it leads."""
    victim = world.root / "victim"
    victim.write_text("precious")
    world.state_file.with_name("config.state.json.lock").symlink_to(victim)
    outcome = world.run()
    assert outcome.status == 1
    assert "Remove the link" in outcome.stderr
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFSOCK])
def test_a_special_file_as_state(world: World, kind: int) -> None:
    """A state file that is no file is refused, neither waited for nor renamed."""
    place = world.root / "special"
    os.mknod(place, 0o600 | kind)
    outcome = world.run("-t", str(place))
    assert outcome.status == 1
    assert "is not a regular file" in outcome.stderr
    assert world.run("-d", "-t", str(place)).status == 0
    assert stat.S_IFMT(place.lstat().st_mode) == kind


@pytest.mark.parametrize(("argument", "stream", "status"), [("--help", "stdout", 1), ("--bogus", "stderr", 2)])
def test_a_full_disk_under_help(world: World, argument: str, stream: str, status: int) -> None:
    """Help that cannot be written is status 1 and a usage error stays 2; there is no traceback."""
    with open("/dev/full", "w") as full, world.start(argument, **{stream: full}) as process:
        out, err = process.communicate()
    assert process.returncode == status
    assert "Traceback" not in f"{out}{err}"


def test_a_directory_that_is_gone(world: World) -> None:
    """Where the current directory was removed, a path that hangs on it is a usage error."""
    lost = world.root / "lost"
    lost.mkdir()
    script = 'rmdir "$PWD"; exec "$0" -m globus_sync_directory'
    command = ["bash", "-c", script, sys.executable]
    ended = subprocess.run(command, cwd=lost, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "the current directory is gone" in ended.stderr


def test_two_configs_of_one_stem(world: World) -> None:
    """config.ini and config.cfg in one directory have a state file each."""
    world.sync()
    other = world.config.with_suffix(".cfg")
    other.write_text(world.config.read_text().replace("/archive/images", "/archive/other"))
    world.run("-c", str(other))
    world.globus.wait()
    assert other.with_name("config.cfg.state.json").exists()
    assert world.state()["microscope"]["task"]["task_id"] == world.tasks[0].id


@pytest.mark.promise(2, "swapped ends")
def test_swapped_ends_are_named_before_any_right_to_write(world: World) -> None:
    """Where the destination may not be written, the cure first asks whether the ends are swapped."""
    pair = world.pairs["microscope"]
    world.archive.mkdir(parents=True)
    other = {"src": "dst", "dst": "src"}
    world.pairs["microscope"] = {other[key[:3]] + key[3:]: value for key, value in pair.items()}
    world.write_config()
    outcome = world.run("check", "--write-probe")
    assert outcome.status == 1
    assert "fix:  if your data come from here, src_ and dst_ are swapped: exchange them and grant" in outcome.stdout


def test_an_empty_source_is_worth_a_word(world: World) -> None:
    """A success over nothing says so: the disk may not be mounted."""
    (world.root / "source" / "empty").mkdir()
    world.pair("microscope", src_path="/empty", dst_path="/archive/images")
    world.sync()
    assert "no file was found at the source" in world.run("-d").stdout


def test_a_doubt_about_a_start_is_one_sentence(world: World) -> None:
    """What did not stop a start stands in one line with its cure, and with Globus' own words."""
    world.source.online = False
    outcome = world.run()
    assert outcome.statuses == {"microscope": "started"}
    assert "does not work properly just now: Cannot connect to endpoint" in outcome.stdout
    assert "(fix:  wait; if it stays, ask the collection's administrator)" in outcome.stdout


def test_waiting_for_a_start_that_is_not_settled(world: World) -> None:
    """Where only an unanswered start is in the way, its last task has ended and is not what is waited for."""
    world.globus.hold()
    world.run()
    world.globus.cancel(world.tasks[0].id)
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, cut=True, times=3))
    world.run()
    (world.root / "source" / "other").mkdir()
    world.pair("microscope", src_path="/other", dst_path="/archive/images")
    outcome = world.run()
    assert outcome.statuses["microscope"] == "waiting for the earlier task"
    assert "a start of [microscope] that is not confirmed yet may write to the same destination" in outcome.stdout
    world.clock.advance(601)
    assert world.run().statuses["microscope"] == "started"
    world.globus.release()


def test_a_reservation_from_the_future(world: World) -> None:
    """A start that was reserved by a clock gone wrong is settled all the same."""
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, cut=True, times=3))
    world.run()
    document = json.loads(world.state_file.read_text())
    for entry in document["pairs"].values():
        entry["pending"]["reserved_at"] = "2037-01-01T00:00:00+00:00"
    world.state_file.write_text(json.dumps(document))
    world.pair("microscope", src_path="/images", dst_path="/archive/images", exclude="*.tmp")
    assert world.run().statuses == {"microscope": "started"}
    world.globus.wait()


@pytest.mark.promise(7, "waiting for a task that does not get on")
def test_waiting_for_a_task_that_waits_for_a_person(world: World) -> None:
    """Where a task known by its label alone is in the way and needs a person, so does the pair, for a look as well."""
    world.globus.hold()
    world.run()
    world.tasks[0].suspend()
    world.state_file.unlink()
    (world.root / "source" / "other").mkdir()
    world.pair("microscope", src_path="/other", dst_path="/archive/images")
    outcome = world.run()
    assert (outcome.status, outcome.statuses["microscope"]) == (1, "blocked")
    assert "and does not get on: it is suspended" in outcome.stdout
    assert world.run("-d").statuses["microscope"] == "blocked"
    world.globus.release()


def test_interrupted_twice_while_it_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second Ctrl-C while the first is told changes nothing: status 130, no traceback."""
    monkeypatch.setattr(session, "_load", lambda _: os.kill(os.getpid(), signal.SIGINT))
    complain = output.complain

    def again(line: str) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        complain(line)

    monkeypatch.setattr(output, "complain", again)
    outcome = world.run()
    assert outcome.status == 130
    assert "interrupted by SIGINT" in outcome.stderr
