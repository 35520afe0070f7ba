"""What of a request without an answer is this host's own trouble."""

from __future__ import annotations

import errno
import os
import shlex
import ssl
import sys
from pathlib import Path

import pytest
import requests
import trustme
from globus_sdk import GlobusConnectionError
from requests import adapters

from globus_sync_directory.errors import ConfigError
from globus_sync_directory.globus import this_host
from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.globus.sign_in import sign_in
from globus_sync_directory.globus.this_host import check_secrecy, check_settings, no_answer

from .fake_service import CLIENT, Service

VERIFY = "GLOBUS_SDK_VERIFY_SSL"


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the caller is in the way."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("SSLKEYLOGFILE", *this_host._WITHOUT_EFFECT):
            monkeypatch.delenv(name)


def problem(service: str = "Auth") -> str:
    """Return what keeps requests from leaving this host."""
    with pytest.raises(ConfigError) as caught:
        check_settings(service)
    assert caught.value.exit_status == 2
    (line,) = caught.value.lines
    return line


def test_nothing_is_wrong() -> None:
    check_settings("Auth")
    check_settings("Transfer")


@pytest.mark.parametrize(("name", "value", "expected"), [
    (VERIFY, "/no/such", f"environment: {VERIFY} cannot be used: /no/such: no such file; name a file with"),
    (VERIFY, "/etc/passwd", f"environment: {VERIFY} cannot be used: /etc/passwd: no certificates in it; name a file"),
    ("GLOBUS_SDK_ENVIRONMENT", "x", 'environment: Unrecognized environment "x"; correct or remove that GLOBUS_SDK_'),
    ("GLOBUS_SDK_SERVICE_URL_AUTH", "nonsense", "environment: GLOBUS_SDK_SERVICE_URL_AUTH is not a URL; remove it"),
    ("SSLKEYLOGFILE", "/etc", "environment: SSLKEYLOGFILE cannot be written: /etc: is a directory; remove that"),
    ("SSLKEYLOGFILE", "/no/such", "environment: SSLKEYLOGFILE cannot be written: /no/such: no such file or directory;"),
])  # fmt: skip
def test_settings_that_cannot_work(monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str) -> None:
    """A sentence names the variable, what is wrong with it, and what to do."""
    monkeypatch.setenv(name, value)
    assert problem().startswith(expected)


@pytest.mark.promise(9, "an address without TLS")
@pytest.mark.parametrize(("service", "what"), [("AUTH", "the secret"), ("TRANSFER", "the access token")])
@pytest.mark.parametrize("host", ["globus.example.org", "192.0.2.7:8080", "127.0.0.1.example.org", "[2001:db8::1]"])
def test_an_address_without_tls(monkeypatch: pytest.MonkeyPatch, service: str, what: str, host: str) -> None:
    """Nothing is sent in clear, but to this host."""
    variable = f"GLOBUS_SDK_SERVICE_URL_{service}"
    monkeypatch.setenv(variable, f"HTTP://{host}/")
    with pytest.raises(ConfigError) as caught:
        check_secrecy()
    assert caught.value.lines == (
        f"environment: {variable} begins with http://, so {what} would be sent in clear; "
        "write https://, or remove it from the environment",
    )


@pytest.mark.parametrize(
    "address",
    [
        "https://globus.example.org",
        "http://127.0.0.1:9/",
        "http://localhost",
        "http://[::1]:9",
        "http://127.9.9.9",
        "x",
    ],
)
def test_an_address_that_tells_nobody(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", address)
    check_secrecy()


def test_settings_that_nobody_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TLS, what is set for it does not matter; the same for the proxy of another scheme."""
    monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", "http://127.0.0.1:9/")
    monkeypatch.setenv("SSLKEYLOGFILE", "/no/such")
    monkeypatch.setenv(VERIFY, "/etc/passwd")
    monkeypatch.setenv("https_proxy", "http://p:abc")
    check_settings("Auth")


def test_missing_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installation without TLS certificates says how to get them."""
    gone = tmp_path / "gone.pem"
    monkeypatch.setattr(adapters, "DEFAULT_CA_BUNDLE_PATH", str(gone))
    start = f"the TLS certificates of this Python installation cannot be used: {gone}: "
    fix = f"{shlex.quote(sys.executable)} -m pip install --force-reinstall certifi"
    assert problem() == f"{start}no such file or directory; reinstall them with: {fix}"
    gone.write_text("")
    assert problem().startswith(f"{start}no certificates in it; ")
    monkeypatch.setenv(VERIFY, "off")
    check_settings("Auth")


def test_certificates_that_go_missing_later(
    service: Service, client: GlobusClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also in the middle of a run, in a thread: the same sentence."""
    monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_TRANSFER", "https://127.0.0.1:9/")
    monkeypatch.setattr(adapters, "DEFAULT_CA_BUNDLE_PATH", str(tmp_path / "gone.pem"))
    service.on("/submission_id", OSError("Could not find a suitable TLS CA certificate bundle"))
    with pytest.raises(ConfigError, match="certificates of this Python installation cannot be used"):
        client.map_concurrently(lambda _: client.submission_id(), range(3))


def test_a_setting_that_changes_later(service: Service, client: GlobusClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that begins after the file has gone."""
    monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_TRANSFER", "https://127.0.0.1:9/")
    monkeypatch.setenv(VERIFY, "/no/such")
    with pytest.raises(ConfigError, match=VERIFY):
        client.map_concurrently(lambda _: client.submission_id(), range(3))
    assert service.requests == []


@pytest.mark.parametrize("name", ["GLOBUS_SDK_SERVICE_URL_AUTH", "GLOBUS_SDK_SERVICE_URL_TRANSFER"])
def test_before_the_sign_in(service: Service, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A setting of the SDK that it cannot use ends the run before anything is sent."""
    monkeypatch.setenv(name, "https://127.0.0.1:9/")
    monkeypatch.setenv(VERIFY, "/no/such")
    with pytest.raises(ConfigError, match=VERIFY):
        sign_in(CLIENT, "a-secret")
    assert service.requests == []


UNREADABLE = "its host or its port cannot be read; write http://HOST:PORT, with special characters"
UNKNOWN = "it does not begin with http://, https:// or socks5://; write http://HOST:PORT, with special characters"
NO_SOCKS = f"SOCKS needs one more package; run: {shlex.quote(sys.executable)} -m pip install PySocks"


@pytest.mark.parametrize(("value", "why"), [
    ("http://user:secret@proxy:99999", UNREADABLE),
    ("http://user:secret@proxy:abc", UNREADABLE),
    ("http://user:sec#ret@proxy:3128", UNREADABLE),
    ("http://user:secret@", UNREADABLE),
    ("http://:3128", UNREADABLE),
    ("http:/proxy:3128", UNREADABLE),
    ("proxy:3128", UNREADABLE),  # which requests takes for a scheme
    ("user:secret@proxy:3128", UNREADABLE),
    (f"http://{'a' * 64}:3128", UNREADABLE),
    ("http://[::1", UNREADABLE),
    ("http://\udcff:1", UNREADABLE),
    ("ftp://user:secret@proxy:21", UNKNOWN),
    ("socks5h://user:secret@proxy:1080", NO_SOCKS),
])  # fmt: skip
@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_proxies_that_cannot_work(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, why: str) -> None:
    """The variable is named, the password is not shown."""
    monkeypatch.setattr(this_host, "find_spec", lambda _: None)
    monkeypatch.setenv(variable, value)
    found = problem("Transfer")
    assert found.startswith(f"environment: {variable} names a proxy that cannot be used: {why}")
    assert "sec" not in found
    monkeypatch.setenv("NO_PROXY", ".globus.org")
    check_settings("Transfer")


@pytest.mark.parametrize("value", [
    "proxy", "proxy.example.org:3128", "http://user:p%23@proxy:3128/", "HTTPS://[::1]:3128", "socks5://proxy",
])  # fmt: skip
def test_proxies_that_may_work(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setattr(this_host, "find_spec", lambda _: True)
    monkeypatch.setenv("https_proxy", value)
    monkeypatch.setenv("NO_PROXY", "[,*x,1.2.3.4/99,,")
    check_settings("Auth")


def lost(error: Exception) -> GlobusConnectionError:
    """Return what the SDK raises."""
    return GlobusConnectionError("x", error)


def unverified(code: int, message: str) -> GlobusConnectionError:
    """Return the error for a certificate that OpenSSL does not accept."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return lost(requests.exceptions.SSLError(error))


def test_a_proxy_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose proxy it is, is said; without a setting there is none."""
    error = lost(requests.exceptions.ProxyError(OSError(errno.ECONNREFUSED, "Connection refused")))
    assert no_answer("Auth", error).reason == "no answer from Globus Auth: connection refused"
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy:1")
    answer = no_answer("Auth", error)
    assert answer.reason == "no answer from Globus Auth through the proxy that HTTPS_PROXY names: connection refused"
    assert answer.fix == "correct HTTPS_PROXY in the environment, or remove it"
    assert not answer.is_sign_in


@pytest.mark.parametrize(("set_to", "fix"), [
    ({}, f"if a proxy here inspects TLS, name a file with its certificates: {VERIFY}=FILE"),
    ({"REQUESTS_CA_BUNDLE": "/x"},
     f"if a proxy here inspects TLS, name a file with its certificates: {VERIFY}=FILE "
     "(REQUESTS_CA_BUNDLE has no effect)"),
    ({"REQUESTS_CA_BUNDLE": "/x", "SSL_CERT_FILE": "/y"},
     f"if a proxy here inspects TLS, name a file with its certificates: {VERIFY}=FILE "
     "(REQUESTS_CA_BUNDLE and SSL_CERT_FILE have no effect)"),
    ({VERIFY: "FILE"}, f"add the missing certificate to the file that {VERIFY} names, or remove that variable"),
])  # fmt: skip
def test_a_proxy_that_inspects_tls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, set_to: dict[str, str], fix: str
) -> None:
    """What works is named, and that what may have been tried has no effect."""
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    for name, value in set_to.items():
        monkeypatch.setenv(name, value.replace("FILE", str(tmp_path / "ca.pem")))
    answer = no_answer("Auth", unverified(19, "self-signed certificate in certificate chain"))
    assert answer.reason == (
        "no answer from Globus Auth: the server's TLS certificate could not be verified "
        "(self-signed certificate in certificate chain)"
    )
    assert answer.fix == fix


@pytest.mark.parametrize(("code", "message"), [(9, "certificate is not yet valid"), (10, "certificate has expired")])
def test_a_clock_that_is_wrong(code: int, message: str) -> None:
    """What OpenSSL judges by the clock is told together with what this host's clock shows."""
    answer = no_answer("Auth", unverified(code, message))
    assert message in answer.reason
    assert answer.fix.startswith("correct the clock of this host if this is not the date: 20")


@pytest.mark.parametrize(("number", "fix"), [
    (errno.EMFILE, "raise the limit of open files for this user (ulimit -n)"),
    (errno.ENOMEM, "give this job more memory, or end other programs on this host"),
    (errno.EHOSTUNREACH, "nothing is lost; the next run tries again"),
])  # fmt: skip
def test_a_host_without_resources(monkeypatch: pytest.MonkeyPatch, number: int, fix: str) -> None:
    """A host that is out of something is no problem of the network, nor of the certificates that cannot be opened."""

    def load(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    if number != errno.EHOSTUNREACH:
        monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", load)
    answer = no_answer("Transfer", lost(requests.ConnectionError(OSError(number, os.strerror(number)))))
    assert answer.reason == f"no answer from Globus Transfer: {os.strerror(number).lower()}"
    assert answer.fix == fix
