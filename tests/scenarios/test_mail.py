"""News by mail, through a real SMTP server: who gets which news, and only once."""

from __future__ import annotations

import errno
import os
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mail_server import MailServer, configure, fail, serving
from world import TASK_LIST, World, no_room

from globus_sync_directory import state
from globus_sync_directory.commands import wait
from globus_sync_directory.commands.options import Options
from globus_sync_directory.commands.sync import sync
from globus_sync_directory.config.load import load_settings
from globus_sync_directory.errors import Interrupted
from globus_sync_directory.notify import mail, smtp
from globus_sync_directory.standin import Fault


@pytest.fixture
def post() -> Iterator[MailServer]:
    with serving(MailServer()) as started:
        yield started


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(wait, "LONGEST_PAUSE_SECONDS", 0.05)


def sync_without_signals(world: World, *, wait: bool = False) -> None:
    """Do a run in this thread, which need not be the main one: only that may deal with signals."""
    options = Options(config_file=world.config, secret_file=world.secret_file, wait=wait)
    sync(options, load_settings(options.config_file, options.secret_file))


def test_a_problem_once_and_its_recovery_once(world: World, post: MailServer) -> None:
    """A failure is mailed by the run that learns of it, not again while it lasts, and the recovery once."""
    configure(world, post)
    fail(world)
    assert post.take() == []
    fail(world)
    ((address, subject, text),) = post.take()
    assert (address, subject) == ("ops@example.org", "globus_sync_directory: microscope: failed")
    assert "why: " in text
    assert "https://app.globus.org/activity/" in text
    world.sync()
    assert post.take() == []
    world.sync()
    ((_, subject, text),) = post.take()
    assert subject == "globus_sync_directory: microscope: recovered"
    world.sync()
    assert post.take() == []
    fail(world)
    world.sync()
    assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: failed"]


def test_a_blocked_start(world: World, post: MailServer) -> None:
    """What blocks a start is mailed once with the fix, for all pairs in one message."""
    configure(world, post)
    world.pair("other")
    world.source.rules[world.client_id, ()] = ""
    world.run()
    ((_, subject, text),) = post.take()
    assert subject == "globus_sync_directory: 2 pairs changed"
    assert text.count("permission denied") == 2
    assert "globus endpoint permission create" in text
    world.run()
    assert post.take() == []


def test_a_failure_before_a_start_that_has_to_wait(world: World, post: MailServer) -> None:
    """How a task failed is mailed by the next run also where that cannot start another one, and not again then."""
    configure(world, post)
    fail(world)
    world.globus.faults.add(no_room())
    assert world.run().statuses == {"microscope": "waiting for room"}
    assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: failed"]
    assert "previous task: failed: " in world.run().stdout
    world.globus.faults.clear()
    world.sync()
    assert post.take() == []


def test_a_success_before_a_blocked_start_is_no_recovery(world: World, post: MailServer) -> None:
    """A task that had succeeded before a start was blocked says nothing about the time after it."""
    configure(world, post)
    world.sync()
    world.source.rules[world.client_id, ()] = ""
    world.run()
    assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: blocked"]
    world.source.rules[world.client_id, ()] = "r"
    world.globus.hold()
    world.run()
    assert post.take() == []
    world.globus.release()
    world.globus.wait()
    world.run()
    assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: recovered"]


def test_a_start_that_fails_night_after_night(world: World, post: MailServer) -> None:
    """An earlier success is no recovery: one mail, and one when a later task has succeeded."""
    configure(world, post)
    world.sync()
    world.run()
    world.globus.wait()
    world.source.rules[world.client_id, ()] = ""
    for _ in range(3):
        world.run()
        world.clock.advance(86400)
    assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: blocked"]
    world.source.rules[world.client_id, ()] = "r"
    world.sync()
    world.run()
    assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: recovered"]


def test_new_files_only_to_the_pairs_own_address(world: World, post: MailServer) -> None:
    """A sync that copied files is mailed to the pair's address alone, one that copied none to nobody."""
    configure(world, post)
    world.pair("microscope", email="lab@example.org")
    world.sync()
    world.sync()
    assert [(address, subject) for address, subject, _ in post.take()] == [
        ("lab@example.org", "globus_sync_directory: microscope: 2 files copied")
    ]
    world.sync()
    assert post.take() == []


def test_old_successes_are_no_news(world: World, post: MailServer) -> None:
    """An address that is added later gets no mail about an earlier success."""
    world.sync()
    configure(world, post, to="")
    world.pair("microscope", email="lab@example.org")
    world.sync()
    assert post.take() == []
    (world.images / "new").write_text("x")
    world.sync()
    world.run()
    assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: 1 file copied"]


def test_one_message_for_each_recipient(world: World, post: MailServer) -> None:
    """An address in both lists gets one message."""
    configure(world, post, to="ops@example.org, lab@example.org")
    world.pair("microscope", email="lab@example.org", src_path="/missing")
    world.run()
    assert sorted(address for address, _, _ in post.take()) == ["lab@example.org", "ops@example.org"]


def test_wait_mails_at_its_end(world: World, post: MailServer) -> None:
    """-w mails what it learned while it waited, in one message, and records that."""
    configure(world, post)
    world.globus.hold()
    timer = threading.Timer(0.3, lambda: world.globus.fail(world.tasks[0].id, "ENDPOINT_ERROR"))
    timer.start()
    assert world.run("-w").status == 1
    timer.join()
    assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: failed"]
    world.globus.release()
    world.sync()
    assert post.take() == []


@pytest.mark.promise(5, "-d, -n and check send nothing")
@pytest.mark.parametrize("argument", ["-d", "-n", "check"])
def test_looking_sends_nothing(world: World, post: MailServer, argument: str) -> None:
    """-d, -n and check send no mail, whatever is wrong."""
    configure(world, post)
    world.pair("microscope", src_path="/missing")
    world.run(argument)
    assert post.take() == []


def test_too_old_and_sign_in_rejected(world: World, post: MailServer) -> None:
    """An age that is too high is mailed also when Globus is away; a rejected sign-in is mailed once."""
    configure(world, post)
    world.pair("microscope", max_age="1h")
    world.sync()
    world.sync()
    world.secret_file.write_text("wrong")
    assert world.run().status == 4
    assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: sign-in rejected"]
    assert world.run().status == 4
    assert post.take() == []


def test_another_fix_is_another_problem(world: World, post: MailServer) -> None:
    """A problem with another fix is new although the status stays; each is mailed once until the pair is well."""
    configure(world, post)
    for code in ("QUOTA_EXCEEDED", "GC_NOT_CONNECTED", "QUOTA_EXCEEDED", "GC_NOT_CONNECTED"):
        world.globus.hold()
        world.run()
        world.globus.fail(world.live[0].id, code)
        world.globus.release()
        world.globus.wait()
    world.run()
    texts = [text for _, subject, text in post.take() if subject.endswith("microscope: failed")]
    assert ["no space or quota left" in text for text in texts] == [True, False]
    assert "is not connected" in texts[1]


def test_the_command_at_the_end_works(world: World, post: MailServer) -> None:
    """The command at the end of a message shows the same pairs, whatever files the run was given."""
    configure(world, post)
    world.pair("microscope", src_path="/missing")
    world.run()
    ((_, _, text),) = post.take()
    command = text.strip().splitlines()[-1]
    ended = subprocess.run(
        shlex.split(command), env=os.environ | world.globus.environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "microscope: blocked" in ended.stdout


def test_names_cannot_break_a_message(world: World, post: MailServer) -> None:
    """Hostile and long names stay within one subject and one text, without control characters."""
    name = "näme " + "x" * 200
    world.source.name = "evil\r\nBcc: x@example.org\x1b[31m\u202e"
    world.pair(name, src_path="/missing")
    configure(world, post, "from = Robot@example.org")
    world.run()
    ((_, message),) = post.messages
    assert message["From"] == "Robot@example.org"
    assert message["Bcc"] is None
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"]
    assert message["Message-ID"]
    assert "\n" not in message["Subject"]
    assert "\x1b" not in message.get_content() + message["Subject"]
    assert "\u202e" not in message.get_content()


def test_news_survive_a_kill_while_they_are_sent(
    world: World, post: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is stopped while it mails has the news on disk: the next run sends them, once."""
    configure(world, post)
    fail(world)

    def interrupted(*_: object) -> None:
        raise Interrupted("interrupted by SIGTERM")

    with monkeypatch.context() as patch:
        patch.setattr(mail, "deliver", interrupted)
        assert world.run().status == 130
    world.globus.wait()
    world.sync()
    ((_, subject, text),) = post.take()
    assert subject == "globus_sync_directory: microscope: recovered"
    assert text.index("microscope: failed, ") < text.index("microscope: succeeded, ")
    world.run()
    assert post.take() == []


def test_a_lasting_problem_is_mailed_while_waiting(world: World, post: MailServer) -> None:
    """-w mails at once what needs attention and does not end by itself, and what blocked a start."""
    configure(world, post)
    world.pair("bad", src_path="/missing")
    world.globus.hold()
    waiting = threading.Thread(target=sync_without_signals, args=[world], kwargs={"wait": True})
    waiting.start()
    wait_for(lambda: bool(post.messages))
    assert post.take()[0][1] == "globus_sync_directory: bad: blocked"
    world.tasks[0].pause("Maintenance")
    wait_for(lambda: bool(post.messages))
    assert post.take()[0][1] == "globus_sync_directory: microscope: paused"
    world.tasks[0].unpause()
    world.globus.release()
    waiting.join()
    assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: recovered"]


def test_first_sync_with_wait_brings_files(world: World, post: MailServer) -> None:
    """The very first sync, with -w, is mailed to the pair's own address."""
    configure(world, post, to="")
    world.pair("microscope", email="lab@example.org")
    world.run("-w")
    assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: 2 files copied"]


def test_another_run_mails_while_one_waits(world: World, post: MailServer) -> None:
    """What another run has mailed while -w waited is not mailed once more, and what is over by then not at all."""
    configure(world, post)
    world.pair("microscope", email="lab@example.org")
    world.sync()
    world.globus.hold()
    world.pair("bad", src_path="/missing")

    def other_runs() -> None:
        (world.root / "source" / "missing").mkdir()
        (world.images / "new").write_text("x")
        world.globus.release()
        world.globus.wait()
        for _ in range(2):
            sync_without_signals(world)
            world.globus.wait()

    # The third list is the first that is asked for while waiting.
    world.globus.faults.add(Fault(path=TASK_LIST, nth=3, action=other_runs))
    world.run("-w")
    subjects = [(address, subject.partition(": ")[2]) for address, subject, _ in post.take()]
    assert sorted(subjects) == [
        ("lab@example.org", "microscope: 1 file copied"),
        ("lab@example.org", "microscope: 2 files copied"),
        ("ops@example.org", "bad: blocked"),
        ("ops@example.org", "bad: recovered"),
    ]


def test_a_full_disk_is_no_flood(world: World, post: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """If what was mailed cannot be recorded, nothing is sent."""
    configure(world, post)
    fail(world)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(state, "_replace_durably", full)
        for _ in range(3):
            assert world.run().status == 1
    assert post.take() == []
    world.run()
    assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: failed"]


@pytest.mark.promise(4, "mail written beside another run without shared locks")
def test_mail_leaves_the_rest_of_an_entry_alone(
    world: World, post: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one run mails, another without a shared lock starts the pair: its task stays in the state file."""
    configure(world, post)
    world.sync()
    world.globus.hold()
    real = smtp._send
    secret = world.secret_file.read_text()
    world.secret_file.write_text("wrong")

    def slow(*arguments: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(smtp, "_send", real)
            patch.setattr("fcntl.flock", lambda *_: None)
            world.secret_file.write_text(secret)
            sync_without_signals(world)
        return real(*arguments)

    monkeypatch.setattr(smtp, "_send", slow)
    assert world.run().status == 4
    assert world.state()["microscope"]["task"]["task_id"] == world.tasks[-1].id
    assert len(world.tasks) == 2
    world.globus.release()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
