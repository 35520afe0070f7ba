"""The way to the mail server: TLS, passwords, servers that reject or hang, and mail that is sent later."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import AuthResult
from mail_server import MailServer, configure, fail, serving
from reliability_table import count_cases
from world import World

from globus_sync_directory.commands import wait
from globus_sync_directory.notify import smtp

PASSWORD = "smtp-pass-word-0815"


@pytest.fixture
def post() -> Iterator[MailServer]:
    with serving(MailServer()) as started:
        yield started


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


def test_unsent_mail_goes_out_with_the_next_run(world: World, post: MailServer) -> None:
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


@pytest.mark.promise(7, "a mail server that takes no mail")
@pytest.mark.parametrize("arguments", [("-q",), ("-q", "--json"), ("-q", "-w")])
def test_unsent_mail_is_told_under_quiet(world: World, post: MailServer, arguments: tuple[str, ...]) -> None:
    """Where a pair needs attention -q tells it too, once: nobody may have learned of the pair otherwise."""
    post.answer = "451 try \x1b[31mlater"
    configure(world, post)
    world.pair("microscope", src_path="/missing")
    outcome = world.run(*arguments)
    assert outcome.status == 1
    (line,) = outcome.stderr.splitlines()
    assert line.startswith("mail to ops@example.org could not be sent: 127.0.0.1 port ")
    assert line.endswith("; the next run tries again")
    assert "blocked" in outcome.stdout


@pytest.mark.parametrize("arguments", [(), ("-w",)])
def test_unsent_mail_and_nothing_wrong(
    world: World, post: MailServer, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """At status 0 -q stays silent; otherwise the warning comes once."""
    monkeypatch.setattr(wait, "FIRST_PAUSE_SECONDS", 0.05)
    configure(world, post)
    fail(world)
    world.sync()
    world.sync()
    post.take()
    post.answer = "451 try later"
    fail(world)
    quiet = world.run("-q", *arguments)
    assert (quiet.status, quiet.stdout, quiet.stderr) == (0, "", "")
    world.globus.wait()
    loud = world.run()
    assert (loud.status, loud.stderr.count("could not be sent")) == (0, 1)
    world.globus.wait()


def test_one_rejected_recipient(world: World, post: MailServer) -> None:
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


def test_nobody_listens(world: World) -> None:
    """A refused connection is a warning with the keys to check."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        post = MailServer(port=free.getsockname()[1])
    configure(world, post)
    world.pair("microscope", src_path="/missing")
    assert "connection refused; check smtp_host and smtp_port" in world.run().stderr


def test_silence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts and says nothing is left after the time limit."""
    monkeypatch.setattr(smtp, "STEP_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        configure(world, MailServer(port=silent.getsockname()[1]))
        world.pair("microscope", src_path="/missing")
        assert "no answer from 127.0.0.1 port" in world.run().stderr


@pytest.mark.slow
def test_a_slow_server_is_not_waited_for_by_every_recipient(
    world: World, post: MailServer, monkeypatch: pytest.MonkeyPatch
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


@pytest.mark.promise(9, "the password of the mail server: accepted, rejected")
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_encrypted_with_a_password(
    world: World, authority: trustme.CA, trusted: None, tls: str, request: pytest.FixtureRequest
) -> None:
    """STARTTLS and TLS, each with a user and a password from a file of its own; no output or file shows that."""
    count_cases(request, 2)
    asked: list[tuple[bytes, bytes]] = []

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        asked.append((data.login, data.password))
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    context = server_context(authority)
    options: dict[str, Any] = {"tls_context": context}
    if tls == "tls":  # for the server library a log-in is safe after STARTTLS only
        options = {"ssl_context": context, "auth_require_tls": False}
    with serving(MailServer(), authenticator=authenticate, auth_required=True, **options) as post:
        file = world.root / "smtp password"
        file.write_text(PASSWORD + "\n")
        file.chmod(0o600)
        configure(world, post, f"smtp_tls = {tls}", "smtp_user = robot", f"smtp_password_file = {file.name}")
        world.pair("microscope", src_path="/missing")
        log = world.root / "log"
        outcome = world.run("-v", "--log-file", str(log))
        assert [subject for _, subject, _ in post.take()] == ["globus_sync_directory: microscope: blocked"]
        assert asked == [(b"robot", PASSWORD.encode())]
        file.write_text(f"{PASSWORD}-of-yesterday\n")
        checked = world.run("check", "--mail", "-v", "--log-file", str(log))
        assert checked.status == 1
        assert "does not accept smtp_user with the password in smtp_password_file" in checked.stdout
        printed = outcome.stdout + outcome.stderr + checked.stdout + checked.stderr
        coded = base64.b64encode(f"\0robot\0{PASSWORD}".encode()).decode()[
            :-8
        ]  # as it is sent; what follows may differ
        for text in (printed, log.read_text(), world.state_file.read_text()):
            assert PASSWORD not in text
            assert coded not in text


def test_a_certificate_that_cannot_be_verified(world: World, authority: trustme.CA) -> None:
    """A certificate that cannot be verified stops the mail, not the run."""
    with serving(MailServer(), tls_context=server_context(authority)) as post:
        configure(world, post, "smtp_tls = starttls")
        world.pair("microscope", src_path="/missing")
        assert "could not be verified" in world.run().stderr
        assert post.take() == []


def test_no_tls_although_configured(world: World, post: MailServer) -> None:
    """A server without STARTTLS gets no mail if the config asks for it."""
    configure(world, post, "smtp_tls = starttls")
    world.pair("microscope", src_path="/missing")
    assert "does not offer what smtp_tls or smtp_user ask for" in world.run().stderr


def test_check_mail(world: World, post: MailServer) -> None:
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


@pytest.mark.promise(7, "settings of mail that cannot work")
@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["smtp_port = 0"], "is not a port number such as 587"),
        (["smtp_tls = startls"], "is not one of none, starttls, tls"),
        (["smtp_user = robot"], "smtp_password_file is missing"),
        (["smtp_password_file = x"], "smtp_user is missing"),
        (["from = nobody"], "is not a mail address"),
        (["from = a@example.org, b@example.org"], "is not a mail address"),
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


def test_an_address_that_the_server_cannot_take(world: World) -> None:
    """Non-ASCII letters on a server without SMTPUTF8 are a problem of that recipient alone."""
    with serving(MailServer(), enable_SMTPUTF8=False) as post:
        configure(world, post, to="müller@example.org, ops@example.org")
        world.pair("microscope", src_path="/missing")
        assert "does not offer what smtp_tls or smtp_user ask for, or what this address needs" in world.run().stderr
        assert [address for address, _, _ in post.take()] == ["ops@example.org"]
