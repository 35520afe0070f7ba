"""--wait: until every task has ended, through outages, politely, and without touching the tasks."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable

import pytest
from world import TASK_LIST, World, assert_in_order, read_terminal

from globus_sync_directory.commands import wait
from globus_sync_directory.output import progress
from globus_sync_directory.standin import Fault


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(wait, "LONGEST_PAUSE_SECONDS", 0.05)


def after(seconds: float, action: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(seconds, action)
    timer.start()
    return timer


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def looks(world: World) -> int:
    """How often Globus was asked about tasks since the requests were forgotten."""
    return world.asked().count(f"GET {TASK_LIST}")


def wait_for_a_look(world: World) -> None:
    """Wait until a task was started, and was then asked about."""
    wait_until(lambda: bool(world.live))
    world.forget_requests()
    wait_until(lambda: looks(world) >= 1)


def after_looks(world: World, number: int, action: Callable[[], object]) -> threading.Thread:
    """Forget the requests so far; do ``action`` once tasks were asked about ``number`` times."""
    world.forget_requests()

    def work() -> None:
        wait_until(lambda: looks(world) >= number)
        action()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_waits_for_the_end(world: World) -> None:
    """-w starts the task, waits for its end, logs the change on stderr and ends with the last report."""
    world.globus.hold()
    timer = after(0.5, world.globus.release)
    begun = time.monotonic()
    outcome = world.run("-w")
    timer.join()
    assert time.monotonic() - begun >= 0.4
    assert (outcome.status, outcome.statuses) == (0, {"microscope": "succeeded"})
    assert "2 files copied" in outcome.stdout
    assert "INFO microscope: succeeded" in outcome.stderr
    assert len(world.tasks) == 1


def test_ends_with_the_status_of_the_end(world: World) -> None:
    """A task that fails while it is waited for gives status 1, with the reason."""
    world.globus.hold()
    timer = after(0.3, lambda: world.globus.fail(world.tasks[0].id, "PERMISSION_DENIED"))
    outcome = world.run("-w")
    timer.join()
    assert (outcome.status, outcome.statuses) == (1, {"microscope": "failed"})
    assert "why: " in outcome.stdout
    world.globus.release()


@pytest.mark.promise(5, "-d -w")
def test_task_before_is_part_of_the_report(world: World) -> None:
    """How the last task ended is reported with the end of the one that replaced it."""
    world.globus.hold()
    world.run()
    world.globus.fail(world.tasks[0].id, "ENDPOINT_ERROR")
    world.globus.release()
    outcome = world.run("-w")
    assert outcome.statuses == {"microscope": "succeeded"}
    assert "previous task: failed: " in outcome.stdout


def test_only_waits_with_d(world: World) -> None:
    """-d -w starts nothing and writes nothing, and waits for running tasks."""
    assert world.run("-d", "-w").statuses == {"microscope": "never run"}
    assert not world.state_file.exists()
    world.globus.hold()
    world.run()
    before = world.state_file.read_bytes()
    timer = after(0.3, world.globus.release)
    outcome = world.run("-d", "-w")
    timer.join()
    assert outcome.statuses == {"microscope": "succeeded"}
    assert world.state_file.read_bytes() == before
    assert len(world.tasks) == 1


def test_one_request_a_look(world: World) -> None:
    """All tasks are asked for in one request, however many pairs are waited for."""
    for number in range(9):
        world.pair(f"p{number}")
    world.globus.hold()
    world.run()
    releasing = after_looks(world, 6, world.globus.release)
    world.run("-d", "-w")
    releasing.join()
    asked = world.asked()
    assert set(asked) == {"POST /v2/oauth2/token", "GET /v0.10/task_list"}


@pytest.mark.promise(7, "the service away while -w waits")
def test_survives_an_outage(world: World) -> None:
    """Globus away in the middle: logged once, waited out, logged when it answers again; the report is right."""
    world.globus.hold()
    world.run()

    def fall() -> None:
        world.globus.faults.add(Fault(path="*", times=None, status=503, html=True))

    def rise() -> None:
        world.globus.faults.clear()
        world.globus.release()

    timers = [after(0.3, fall), after(1.2, rise)]
    outcome = world.run("-d", "-w")
    for timer in timers:
        timer.join()
    assert (outcome.status, outcome.statuses) == (0, {"microscope": "succeeded"})
    assert outcome.stderr.count("still waiting") == 1
    assert outcome.stderr.count("Globus answers again") == 1


class Hurried:
    """A clock on which each pause takes ten minutes and nothing else takes time; ``on_pause`` is done in each."""

    def __init__(self, on_pause: Callable[[int], object] = lambda _: None) -> None:
        self.pauses = 0
        self._on_pause = on_pause

    def monotonic(self) -> float:
        return 600.0 * self.pauses

    def sleep(self, _: float) -> None:
        self.pauses += 1
        self._on_pause(self.pauses)


GIVEN_UP = "for an hour no usable answer about this task came, so it was not waited for any longer"
NONSENSE = {"DATA": [{"task_id": "x"}], "total": 1}


@pytest.mark.promise(7, "no usable answer for good while -w waits")
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(path="/v0.10/task*", times=None, status=403, code="PermissionDenied"), "Globus rejected the request"),
        (Fault(path="/v0.10/task*", times=None, body=NONSENSE), "unexpected reply from Globus Transfer"),
        (Fault(path="*", times=None, status=503), "Globus Transfer answered 503"),
        (Fault(path="*", times=None, cut=True), "no answer from Globus Transfer"),
    ],
    ids=["403", "nonsense", "503", "cut"],
)
def test_no_usable_answer_for_good(world: World, monkeypatch: pytest.MonkeyPatch, fault: Fault, reason: str) -> None:
    """After an hour the waiting ends with 75 and says why; the task continues."""
    world.globus.hold()
    world.run()
    clock = Hurried(lambda pauses: world.globus.faults.add(fault) if pauses == 3 else None)
    monkeypatch.setattr(wait, "time", clock)
    monkeypatch.setattr(wait, "sleep", clock.sleep)
    outcome = world.run("-d", "-w")
    assert (outcome.status, outcome.statuses) == (75, {"microscope": "not reached"})
    assert GIVEN_UP in outcome.stdout
    assert reason in outcome.stdout
    assert world.tasks[0].id in outcome.stdout
    assert clock.pauses == 2 + 6
    assert len(world.live) == 1
    world.globus.faults.clear()
    world.globus.release()


@pytest.mark.promise(6, "no usable answer for good while -w waits")
def test_one_task_without_an_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The waiting for the others goes on."""
    world.pair("other")
    world.globus.hold()
    world.run()
    silent, told = sorted(world.tasks, key=lambda task: "microscope" in (task.label or ""))

    def act(pauses: int) -> None:
        if pauses == 12:
            world.globus.release()
            world.globus.wait()
        world.globus.faults.clear()
        documents = [world.globus.task_document(told)]
        world.globus.faults.add(Fault(path=TASK_LIST, times=None, body={"DATA": documents, "total": 1}))
        world.globus.faults.add(Fault(path=f"/v0.10/task/{silent.id}", times=None, status=403))

    clock = Hurried(act)
    monkeypatch.setattr(wait, "time", clock)
    monkeypatch.setattr(wait, "sleep", clock.sleep)
    outcome = world.run("-d", "-w")
    assert (outcome.status, outcome.statuses) == (75, {"microscope": "succeeded", "other": "not reached"})
    assert clock.pauses == 12
    assert outcome.stdout.count(GIVEN_UP) == 1


@pytest.mark.slow
@pytest.mark.promise(4, "a run during -w")
def test_a_run_while_another_waits(world: World) -> None:
    """-w has given the lock back: another run works, starts nothing twice, and may start a pair of its own."""
    world.globus.hold()
    with world.start("-w") as waiting:
        wait_for_a_look(world)
        assert world.run().statuses == {"microscope": "running"}
        world.pair("other")
        assert world.run().statuses == {"microscope": "running", "other": "started"}
        assert_in_order(world)
        assert len(world.tasks) == 2
        world.globus.release()
        stdout, _ = waiting.communicate(timeout=30)
    assert waiting.returncode == 0
    assert stdout.startswith("microscope: succeeded")
    world.globus.wait()
    assert len(world.tasks) == 2


@pytest.mark.promise(8, "Ctrl-C during -w")
def test_ctrl_c_stops_the_waiting_alone(world: World) -> None:
    """SIGINT while it waits: status 130, a line that says so, and the task continues."""
    world.globus.hold()
    with world.start("-w") as waiting:
        wait_for_a_look(world)
        waiting.send_signal(signal.SIGINT)
        _, stderr = waiting.communicate(timeout=30)
    assert waiting.returncode == 130
    assert "tasks that were started continue at Globus; -d shows how they are doing\n" in stderr
    assert len(world.live) == 1
    assert_in_order(world)
    world.globus.release()


def test_json_and_quiet_show_no_progress(world: World) -> None:
    """--json prints one object at the end; -q nothing at all when all went well."""
    world.globus.hold()
    timer = after(0.3, world.globus.release)
    outcome = world.run("-w", "--json", "-q")
    timer.join()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "", "")
    assert json.loads(world.run("-d", "-w", "--json").stdout)["pairs"][0]["status"] == "succeeded"


@pytest.mark.slow
def test_a_line_at_most_once_a_minute(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal a line comes at most once a minute, not with every look."""
    world.globus.hold()
    releasing = after_looks(world, 6, world.globus.release)
    assert "not ended" not in world.run("-w").stderr
    releasing.join()
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.3)
    world.globus.hold()
    releasing = after_looks(world, 15, world.globus.release)
    lines = [line for line in world.run("-w").stderr.splitlines() if "INFO 1 of 1 task has not ended" in line]
    releasing.join()
    assert 1 <= len(lines) < looks(world) / 2


@pytest.mark.slow
def test_bar_on_a_terminal(world: World) -> None:
    """On a terminal a bar with the files found and copied; it is gone before the report."""
    (world.images / "big").write_bytes(b"x" * 2_000_000)
    world.globus.hold(after_files=1)
    world.run()
    world.globus.wait()
    ours, theirs = os.openpty()
    releasing = after_looks(world, 2, world.globus.release)
    with world.start("-d", "-w", stderr=theirs, stdout=theirs, env={**os.environ, "TERM": "xterm"}) as process:
        os.close(theirs)
        text = read_terminal(ours)
        process.wait(timeout=30)
    releasing.join()
    assert process.returncode == 0
    assert re.search(r"microscope .*1 of 1 file found so far, 5 B", text)
    assert text.rindex("\x1b[2K") < text.rindex("succeeded")


def test_ended_tasks_are_asked_about_no_more(world: World) -> None:
    """A task that has failed costs its log once, not with every look at those that still run."""
    world.pair("other")
    world.globus.hold()
    world.run()

    def fail_then_release() -> None:
        world.globus.fail(world.tasks[0].id, "ENDPOINT_ERROR")
        wait_until(lambda: looks(world) >= 9)
        world.globus.release()

    failing = after_looks(world, 4, fail_then_release)
    outcome = world.run("-d", "-w")
    failing.join()
    assert sorted(outcome.statuses.values()) == ["failed", "succeeded"]
    assert len([line for line in world.asked() if line.endswith("/event_list")]) == 1


def test_a_terminal_that_goes_away(world: World) -> None:
    """When the terminal of the bar is closed the waiting continues, and the report arrives where stdout leads."""
    world.globus.hold()
    report = world.root / "report"
    ours, theirs = os.openpty()
    with (
        report.open("w") as stdout,
        world.start("-w", stderr=theirs, stdout=stdout, env={**os.environ, "TERM": "xterm"}) as process,
    ):
        os.close(theirs)
        written = b""
        while b"looking for files" not in written:
            written += os.read(ours, 4096)
        os.close(ours)
        wait_for_a_look(world)
        world.globus.release()
        assert process.wait(timeout=30) == 0
    assert report.read_text().startswith("microscope: succeeded")
