"""Trouble of this host, no network's and no bug: certificates, proxies, threads, memory."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from tiers import also_slow
from tls_front import tls_front
from world import Outcome, World, assert_in_order

from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.model.answer import Answer

pytestmark = pytest.mark.promise(7, "a host without certificates, threads or memory, or with a proxy that cannot work")
VERIFY = "GLOBUS_SDK_VERIFY_SSL"
NO_THREAD = """
import sys, threading
def start(thread):
    raise RuntimeError("can't start new thread")
threading.Thread.start = start
from globus_sync_directory.__main__ import main
main()
"""


@pytest.fixture
def authority(world: World) -> trustme.CA:
    """Return who signs the certificates of this site, in the file site.pem."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(world.root / "site.pem")
    return authority


@pytest.fixture
def behind_tls(world: World, authority: trustme.CA) -> Iterator[dict[str, str]]:
    """Return an environment that leads to the stand-in over TLS."""
    with tls_front(world.globus.url, authority) as url:
        yield {name: value.replace(world.globus.url, url) for name, value in world.bare_environment.items()}


def run(world: World, environment: dict[str, str], *arguments: str, code: str = "") -> Outcome:
    """Run the tool as a process in this environment."""
    start = ["-c", code] if code else ["-m", "globus_sync_directory"]
    ended = subprocess.run(
        [sys.executable, *start, *world.command(*arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in ended.stderr
    assert world.secret not in ended.stdout + ended.stderr
    return Outcome(ended.returncode, ended.stdout, ended.stderr)


def test_certificates_of_the_site(world: World, behind_tls: dict[str, str]) -> None:
    """With the file that the fix asks for, the site's own certificates are accepted."""
    world.globus.hold()
    outcome = run(world, behind_tls | {VERIFY: str(world.root / "site.pem")})
    assert (outcome.status, outcome.statuses) == (0, {"microscope": "started"})
    world.globus.release()


@pytest.mark.parametrize("arguments", also_slow((), (("check",),), (("-d",),)))
def test_a_proxy_that_inspects_tls(world: World, behind_tls: dict[str, str], arguments: tuple[str, ...]) -> None:
    """Certificates of the site's own: what works is named, and what is set and has no effect."""
    site = str(world.root / "site.pem")
    outcome = run(world, behind_tls | {"REQUESTS_CA_BUNDLE": site, "SSL_CERT_FILE": site}, *arguments)
    assert outcome.status == 75
    assert "the server's TLS certificate could not be verified (" in outcome.stdout
    assert f"{VERIFY}=FILE (REQUESTS_CA_BUNDLE and SSL_CERT_FILE have no effect)" in outcome.stdout
    assert world.tasks == []


@pytest.mark.promise(9, "an address without TLS")
@pytest.mark.parametrize("arguments", also_slow(("-d",), ((),), (("check",),)))
def test_an_address_without_tls(world: World, arguments: tuple[str, ...]) -> None:
    """The secret is not sent in clear to another host: 2 with the variable, and no name is asked for."""
    environment = world.bare_environment | {"GLOBUS_SDK_SERVICE_URL_AUTH": "http://globus.invalid"}
    outcome = run(world, environment, *arguments)
    assert outcome.status == 2
    assert "GLOBUS_SDK_SERVICE_URL_AUTH begins with http://, so the secret would be sent in clear" in outcome.stderr
    assert world.globus.requests == []


def test_a_certificate_that_has_expired(world: World, authority: trustme.CA) -> None:
    """As with a clock that is decades ahead: what this host's clock shows is told."""
    with tls_front(world.globus.url, authority, not_after=datetime(2020, 1, 1, tzinfo=UTC)) as url:
        environment = {name: text.replace(world.globus.url, url) for name, text in world.bare_environment.items()}
        outcome = run(world, environment | {VERIFY: str(world.root / "site.pem")})
    assert outcome.status == 75
    assert "(certificate has expired)" in outcome.stdout
    assert f"correct the clock of this host if this is not the date: {datetime.now(UTC):%Y}-" in outcome.stdout


@pytest.mark.parametrize("contents", [None, "", "not a certificate"])
def test_certificates_that_are_gone(world: World, behind_tls: dict[str, str], contents: str | None) -> None:
    """The certificates of the Python installation are missing or empty: 2, with the command that brings them back."""
    package = world.root / "packages" / "certifi"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"def where(): return {str(package / 'cacert.pem')!r}\n")
    if contents is not None:
        (package / "cacert.pem").write_text(contents)
    outcome = run(world, behind_tls | {"PYTHONPATH": str(package.parent)})
    assert (outcome.status, outcome.stdout) == (2, "")
    assert str(package / "cacert.pem") in outcome.stderr
    assert outcome.stderr.endswith("-m pip install --force-reinstall certifi\n")


@pytest.mark.parametrize("variable", also_slow("SSLKEYLOGFILE", VERIFY))
def test_a_file_that_cannot_be_used(world: World, behind_tls: dict[str, str], variable: str) -> None:
    """A variable that names a file for TLS which cannot be used: 2, and its name."""
    outcome = run(world, behind_tls | {VERIFY: str(world.root / "site.pem")} | {variable: str(world.root)})
    assert (outcome.status, outcome.stdout) == (2, "")
    *_, line = outcome.stderr.splitlines()
    assert line.startswith(f"environment: {variable} cannot be ")
    assert str(world.root) in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write every file")
@pytest.mark.parametrize("variable", ["SSLKEYLOGFILE", VERIFY])
def test_a_file_of_others(world: World, behind_tls: dict[str, str], variable: str) -> None:
    """The same for a file that this user may not use."""
    closed = world.root / "of others" / "closed"
    closed.parent.mkdir()
    closed.write_text((world.root / "site.pem").read_text())
    closed.chmod(0)
    outcome = run(world, behind_tls | {VERIFY: str(world.root / "site.pem")} | {variable: str(closed)})
    assert (outcome.status, outcome.stdout) == (2, "")
    assert f"{closed}: permission denied" in outcome.stderr


@pytest.mark.parametrize(
    ("value", "status"),
    also_slow(
        ("http://user:hidden@127.0.0.1:99999", 2),
        ("http://user:hidden@127.0.0.1:{free}", 75),
        ("http://user:hidden@no.such.host.invalid:3128", 75),
        ("gopher://user:hidden@127.0.0.1:9", 2),
        ("http://user:hid#den@127.0.0.1:9", 2),
    ),
)
def test_a_proxy_that_does_not_work(world: World, behind_tls: dict[str, str], value: str, status: int) -> None:
    """What can never work is 2, what may is 75; the variable is named, and its password is not shown, even with -v."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    outcome = run(world, behind_tls | {"https_proxy": value.format(free=free)}, "-v")
    text = outcome.stdout + outcome.stderr
    assert (outcome.status, "https_proxy names" in text) == (status, True)
    assert "hid" not in text


@pytest.mark.promise(4, "a host without threads")
def test_no_thread_is_left(world: World) -> None:
    """Twelve pairs are started one after the other."""
    world.globus.hold()
    for number in range(11):
        world.pair(f"p{number}")
    outcome = run(world, world.bare_environment, code=NO_THREAD)
    assert (outcome.status, "12 pairs: 12 started" in outcome.stdout) == (0, True)
    assert_in_order(world)
    world.globus.release()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may have any number of processes")
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_limit_of_processes(world: World, limit: int) -> None:
    """The same, where the system allows this user so few."""
    world.globus.hold()
    for number in range(11):
        world.pair(f"p{number}")
    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    code = f"import resource\nresource.setrlimit(resource.RLIMIT_NPROC, ({limit}, {hard}))\n"
    code += "from globus_sync_directory.__main__ import main\nmain()"
    outcome = run(world, world.bare_environment, code=code)
    assert (outcome.status, "12 pairs: 12 started" in outcome.stdout) == (0, True)
    world.globus.release()


@pytest.mark.parametrize("question", ["live_tasks", "stat", "submission_id", "submit"])
def test_no_memory_is_left(world: World, monkeypatch: pytest.MonkeyPatch, question: str) -> None:
    """Without memory, also in a thread: 75 without a traceback; a submission that was under way is found again."""

    def fail(*_: object) -> Answer[object]:
        raise MemoryError

    world.globus.hold()
    with monkeypatch.context() as patch:
        patch.setattr(GlobusClient, question, fail)
        outcome = world.run()
    assert (outcome.status, outcome.stdout) == (75, "")
    sentence = "this host has no memory, thread or open file left for this run; nothing is lost, run it again later\n"
    assert outcome.stderr == sentence
    assert world.run().status == 0
    assert_in_order(world)
    world.globus.release()


def test_no_memory_for_the_imports(world: World, tmp_path: Path) -> None:
    """The same before anything is loaded."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "msgspec.py").write_text("raise MemoryError\n")
    outcome = run(world, world.bare_environment | {"PYTHONPATH": str(tmp_path / "packages")})
    assert (outcome.status, outcome.stdout) == (75, "")
    assert "no memory, thread or open file left" in outcome.stderr


@pytest.mark.parametrize("name", also_slow("globus_sdk", "requests"))
def test_a_damaged_package_that_is_imported_late(world: World, tmp_path: Path, name: str) -> None:
    """An update that ended half-way: 2 with the commands that help, and no traceback; --help still works."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / f"{name}.py").write_text("import (\n" if name == "requests" else "")
    environment = world.bare_environment | {"PYTHONPATH": str(tmp_path / "packages")}
    outcome = run(world, environment)
    assert (outcome.status, outcome.stdout) == (2, "")
    (line,) = outcome.stderr.splitlines()
    assert f"{sys.executable} has a package that is too old or damaged (" in line
    assert line.endswith("-m pip install -e .")
    assert run(world, environment, "--help").status == 0
