"""Mail, through a real SMTP server: who gets which news, once, and what happens to mail that cannot be sent."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import errno
import os
import shlex
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from world import TASK_LIST, World, no_room

from globus_sync_directory import state
from globus_sync_directory.commands import wait
from globus_sync_directory.commands.options import Options
from globus_sync_directory.commands.sync import sync
from globus_sync_directory.config.load import load_settings
from globus_sync_directory.errors import Interrupted
from globus_sync_directory.notify import mail, smtp
from globus_sync_directory.standin import Fault

PASSWORD = "smtp-pass-word-0815"


@dataclass
class Post:
    """What a mail server took, and which recipients it rejects."""

    messages: list[tuple[str, EmailMessage]] = field(default_factory=list)
    rejected: set[str] = field(default_factory=set)
    answer: str = "250 OK"
    slowness: float = 0  # seconds before it takes a message
    port: int = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:
        if address in self.rejected:
            return "550 no such \x1b[31muser"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        await asyncio.sleep(self.slowness)
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            self.messages += [(address, message) for address in envelope.rcpt_tos]
        return self.answer

    def take(self) -> list[tuple[str, str, str]]:
        """Recipient, subject and text of each message since the last time."""
        taken = [(address, str(message["Subject"]), message.get_content()) for address, message in self.messages]
        self.messages.clear()
        return taken


@contextlib.contextmanager
def serving(post: Post, **options: Any) -> Iterator[Post]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        post.port = free.getsockname()[1]
    controller = Controller(post, hostname="127.0.0.1", port=post.port, **options)
    controller.start()
    try:
        yield post
    finally:
        controller.stop()


@pytest.fixture
def post() -> Iterator[Post]:
    with serving(Post()) as started:
        yield started


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(wait, "LONGEST_PAUSE_SECONDS", 0.05)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


def configure(world: World, post: Post, *more: str, to: str = "ops@example.org") -> None:
    whom = f"email = {to}" if to else ""
    lines = ["[notification]", whom, "smtp_host = 127.0.0.1", f"smtp_port = {post.port}", *more]
    world.write_config("\n".join(lines) + "\n")


def sync_without_signals(world: World, *, wait: bool = False) -> None:
    """Do a run in this thread, which need not be the main one: only that may deal with signals."""
    options = Options(config_file=world.config, secret_file=world.secret_file, wait=wait)
    sync(options, load_settings(options.config_file, options.secret_file))


def fail(world: World) -> None:
    """Let the live task fail."""
    world.globus.hold()
    world.run()
    world.globus.fail(world.live[0].id, "ENDPOINT_ERROR")
    world.globus.release()
    world.globus.wait()


def test_a_problem_once_and_its_recovery_once(world: World, post: Post) -> None:
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


def test_a_blocked_start(world: World, post: Post) -> None:
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


def test_a_failure_before_a_start_that_has_to_wait(world: World, post: Post) -> None:
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


def test_a_success_before_a_blocked_start_is_no_recovery(world: World, post: Post) -> None:
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


def test_a_start_that_fails_night_after_night(world: World, post: Post) -> None:
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


def test_new_files_only_to_the_pairs_own_address(world: World, post: Post) -> None:
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


def test_old_successes_are_no_news(world: World, post: Post) -> None:
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


def test_one_message_for_each_recipient(world: World, post: Post) -> None:
    """An address in both lists gets one message."""
    configure(world, post, to="ops@example.org, lab@example.org")
    world.pair("microscope", email="lab@example.org", src_path="/missing")
    world.run()
    assert sorted(address for address, _, _ in post.take()) == ["lab@example.org", "ops@example.org"]


def test_wait_mails_at_its_end(world: World, post: Post) -> None:
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
def test_looking_sends_nothing(world: World, post: Post, argument: str) -> None:
    """-d, -n and check send no mail, whatever is wrong."""
    configure(world, post)
    world.pair("microscope", src_path="/missing")
    world.run(argument)
    assert post.take() == []


def test_too_old_and_sign_in_rejected(world: World, post: Post) -> None:
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


def test_unsent_mail_goes_out_with_the_next_run(world: World, post: Post) -> None:
    """A server that takes no mail is a warning and changes no outcome; the next run sends the same news."""
    post.answer = "451 try later"
    configure(world, post)
    fail(world)
    world.globus.hold()
    outcome = world.run()
    assert outcome.status == 0
    assert "WARNING mail to ops@example.org could not be sent: 127.0.0.1 port" in outcome.stderr
    assert "answered 451: try later" in outcome.stderr
    post.answer = "250 OK"
    assert world.run().statuses == {"microscope": "running"}
    assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: failed"]
    world.run()
    assert post.take() == []
    world.globus.release()


def test_one_rejected_recipient(world: World, post: Post) -> None:
    """The server rejects one of two: the other gets one mail, the first gets it from the next run."""
    configure(world, post, to="gone@example.org, ops@example.org")
    post.rejected = {"gone@example.org"}
    world.pair("microscope", src_path="/missing")
    outcome = world.run()
    assert outcome.status == 1
    assert "answered 550: no such [31muser" in outcome.stderr
    assert [address for address, _, _ in post.take()] == ["ops@example.org"]
    post.rejected = set()
    world.run()
    assert [address for address, _, _ in post.take()] == ["gone@example.org"]


def test_nobody_listens(world: World, post: Post) -> None:
    """A refused connection is a warning with the keys to check."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        post = Post(port=free.getsockname()[1])
    configure(world, post)
    world.pair("microscope", src_path="/missing")
    assert "connection refused; check smtp_host and smtp_port" in world.run().stderr


def test_silence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts and says nothing is left after the time limit."""
    monkeypatch.setattr(smtp, "STEP_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        configure(world, Post(port=silent.getsockname()[1]))
        world.pair("microscope", src_path="/missing")
        assert "no answer from 127.0.0.1 port" in world.run().stderr


def test_another_fix_is_another_problem(world: World, post: Post) -> None:
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


def test_a_slow_server_is_not_waited_for_by_every_recipient(
    world: World, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the time limit has passed no further message is begun; the next run sends the rest."""
    limit = smtp.LAST_START_SECONDS
    monkeypatch.setattr(smtp, "LAST_START_SECONDS", 0.1)
    post.slowness = 0.2
    configure(world, post, to="a@example.org, b@example.org, c@example.org")
    world.pair("microscope", src_path="/missing")
    assert world.run().stderr.count("is too slow; the next run tries again") == 2
    assert [address for address, _, _ in post.take()] == ["a@example.org"]
    monkeypatch.setattr(smtp, "LAST_START_SECONDS", limit)
    world.run()
    assert [address for address, _, _ in post.take()] == ["b@example.org", "c@example.org"]


def test_the_command_at_the_end_works(world: World, post: Post) -> None:
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


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_encrypted_with_a_password(world: World, authority: trustme.CA, trusted: None, tls: str) -> None:
    """STARTTLS and TLS, each with a user and a password from a file of its own."""
    asked: list[tuple[bytes, bytes]] = []

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        asked.append((data.login, data.password))
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    context = server_context(authority)
    options: dict[str, Any] = {"tls_context": context}
    if tls == "tls":  # for the server library a log-in is safe after STARTTLS only
        options = {"ssl_context": context, "auth_require_tls": False}
    with serving(Post(), authenticator=authenticate, auth_required=True, **options) as post:
        file = world.root / "smtp password"
        file.write_text(PASSWORD + "\n")
        file.chmod(0o600)
        configure(world, post, f"smtp_tls = {tls}", "smtp_user = robot", f"smtp_password_file = {file.name}")
        world.pair("microscope", src_path="/missing")
        outcome = world.run("-v")
        assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: blocked"]
        assert asked == [(b"robot", PASSWORD.encode())]
        assert PASSWORD not in outcome.stdout + outcome.stderr + world.state_file.read_text()
        file.write_text("another\n")
        checked = world.run("check", "--mail")
        assert checked.status == 1
        assert "does not accept smtp_user with the password in smtp_password_file" in checked.stdout


def test_a_certificate_that_cannot_be_verified(world: World, authority: trustme.CA) -> None:
    """A certificate that cannot be verified stops the mail, not the run."""
    with serving(Post(), tls_context=server_context(authority)) as post:
        configure(world, post, "smtp_tls = starttls")
        world.pair("microscope", src_path="/missing")
        assert "could not be verified" in world.run().stderr
        assert post.take() == []


def test_no_tls_although_configured(world: World, post: Post) -> None:
    """A server without STARTTLS gets no mail if the config asks for it."""
    configure(world, post, "smtp_tls = starttls")
    world.pair("microscope", src_path="/missing")
    assert "does not offer what smtp_tls or smtp_user ask for" in world.run().stderr


def test_check_mail(world: World, post: Post) -> None:
    """check --mail sends a test to every address, and reports each."""
    configure(world, post)
    world.pair("microscope", email="lab@example.org")
    outcome = world.run("check", "--mail")
    assert outcome.status == 0
    assert sorted(address for address, _, _ in post.take()) == ["lab@example.org", "ops@example.org"]
    assert "ok    127.0.0.1 accepted a test mail to lab@example.org" in outcome.stdout
    world.write_config("")
    del world.pairs["microscope"]["email"]
    world.write_config()
    assert "the config has no mail address" in world.run("check", "--mail").stdout


def test_names_cannot_break_a_message(world: World, post: Post) -> None:
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


@pytest.mark.promise(9, "the password of the mail server")
@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["smtp_port = 0"], "is not a port number such as 587"),
        (["smtp_tls = startls"], "did you mean starttls?"),
        (["smtp_user = robot"], "smtp_password_file is missing"),
        (["smtp_password_file = x"], "smtp_user is missing"),
        (["from = nobody"], "is not a mail address"),
        (["from = a@example.org, b@example.org"], "is not exactly one mail address"),
        (
            ["smtp_host = mail.example.org", "smtp_user = a", "smtp_password_file = x"],
            "the password can be intercepted",
        ),
        (["smtp_tls = tls", "smtp_user = a", "smtp_password_file = nowhere"], "no such SMTP password file"),
    ],
)
def test_bad_config(world: World, lines: list[str], words: str) -> None:
    """Each bad value is status 2 with the reason, before anything is contacted."""
    world.write_config("[notification]\nemail = ops@example.org\n" + "\n".join(lines) + "\n")
    outcome = world.run()
    assert (outcome.status, world.asked()) == (2, [])
    assert words in outcome.stderr


def test_news_survive_a_kill_while_they_are_sent(world: World, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_lasting_problem_is_mailed_while_waiting(world: World, post: Post) -> None:
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


def test_first_sync_with_wait_brings_files(world: World, post: Post) -> None:
    """The very first sync, with -w, is mailed to the pair's own address."""
    configure(world, post, to="")
    world.pair("microscope", email="lab@example.org")
    world.run("-w")
    assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: 2 files copied"]


def test_another_run_mails_while_one_waits(world: World, post: Post) -> None:
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


def test_a_full_disk_is_no_flood(world: World, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_an_address_that_the_server_cannot_take(world: World) -> None:
    """Non-ASCII letters on a server without SMTPUTF8 are a problem of that recipient alone."""
    with serving(Post(), enable_SMTPUTF8=False) as post:
        configure(world, post, to="müller@example.org, ops@example.org")
        world.pair("microscope", src_path="/missing")
        assert "or what this address needs" in world.run().stderr
        assert [address for address, _, _ in post.take()] == ["ops@example.org"]


@pytest.mark.promise(4, "mail written beside another run without shared locks")
def test_mail_leaves_the_rest_of_an_entry_alone(world: World, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
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
