"""Why no answer came: what of it is this host's own trouble, its certificates, proxy or limits, and what to do then."""

from __future__ import annotations

import errno
import ipaddress
import os
import shlex
import ssl
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from urllib.parse import SplitResult, urlsplit

import requests
import urllib3
from globus_sdk.config import get_service_url, get_ssl_verify
from requests import adapters

from globus_sync_directory.errors import ConfigError
from globus_sync_directory.globus.transport import causes, no_reply_reason
from globus_sync_directory.model.answer import Unavailable

_VERIFY = "GLOBUS_SDK_VERIFY_SSL"
# They name certificates for other programs. Source: tried with the lowest and the newest globus-sdk and requests.
_WITHOUT_EFFECT = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_OUT_OF = {
    errno.EMFILE: "raise the limit of open files for this user (ulimit -n)",
    errno.ENFILE: "end other programs on this host",
    errno.ENOMEM: "give this job more memory, or end other programs on this host",
}
_CLOCK_DECIDES = (9, 10)  # not valid yet, expired. Source: X509_V_ERR_* of OpenSSL
_SOCKS = ("socks4", "socks4a", "socks5", "socks5h")


def check_secrecy() -> None:
    """Raise ConfigError where the secret or a token would leave this host in clear; opens nothing."""
    for service, what in (("Auth", "the secret"), ("Transfer", "the access token")):
        address = _address(service)
        if address.scheme == "http" and not _is_loopback(address.hostname or ""):
            raise ConfigError(
                f"environment: GLOBUS_SDK_SERVICE_URL_{service.upper()} begins with http://, so {what} would be sent "
                "in clear; write https://, or remove it from the environment"
            )
        if address.scheme == "http" and (proxy := _proxy(address)):
            raise ConfigError(
                f"environment: {proxy[0]} names a proxy, to which {what} would be sent in clear; "
                f"write {address.hostname} into no_proxy"
            )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def no_answer(service: str, error: Exception) -> Unavailable:
    """
    Return why a request to Globus ``service``, "Auth" or "Transfer", got no answer, and what to do.

    Raises ConfigError where no request can leave this host until a person changes something here.
    """
    check_settings(service)
    reason, fix = no_reply_reason(error), None
    chain = tuple(causes(error))
    proxy = _proxy(_address(service))
    unverified = next((cause for cause in chain if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if unverified:
        reason += f" ({unverified.verify_message})"
        fix = _certificate_fix(unverified.verify_code)
    elif numbers := [cause.errno for cause in chain if isinstance(cause, OSError) and cause.errno in _OUT_OF]:
        fix = _OUT_OF[numbers[0] or 0]
    elif proxy and any(isinstance(cause, requests.exceptions.ProxyError) for cause in chain):
        service += f" through the proxy that {proxy[0]} names"
        reason = reason.replace("the server's name", "the proxy's name")
        fix = f"correct {proxy[0]} in the environment, or remove it"
    reason = f"no answer from Globus {service}: {reason}"
    return Unavailable(reason=reason, fix=fix, is_of_this_host=True) if fix else Unavailable(reason=reason)


def check_settings(service: str) -> None:
    """Raise ConfigError for what keeps every request to this service from leaving this host."""
    address = _address(service)
    problem = None if address.scheme in ("http", "https") and address.hostname else _bad_address(service)
    uses_tls = address.scheme == "https"
    problem = problem or _proxy_problem(address) or _certificates_problem(are_used=uses_tls)
    if uses_tls:
        problem = problem or _key_log_problem()
    if problem:
        raise ConfigError(problem)


def _address(service: str) -> SplitResult:
    try:
        return urlsplit(get_service_url(service.lower()))
    except ValueError as error:
        raise ConfigError(f"environment: {error}; correct or remove that GLOBUS_SDK_ variable") from None


def _bad_address(service: str) -> str:
    return f"environment: GLOBUS_SDK_SERVICE_URL_{service.upper()} is not a URL; remove it from the environment"


def _certificates_problem(*, are_used: bool) -> str | None:
    fix = "name a file with certificates (PEM), or remove it"
    try:
        wanted = get_ssl_verify()
    except ValueError:
        return f"environment: {_VERIFY} cannot be used: {os.environ[_VERIFY]}: no such file; {fix}"
    if wanted is False or not are_used:
        return None
    file = adapters.DEFAULT_CA_BUNDLE_PATH if wanted is True else wanted
    try:
        # Not create_default_context, which has SSLKEYLOGFILE in it.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError as error:
        if error.errno in _OUT_OF:
            return None
        why = (
            f"{file}: {'no certificates in it' if isinstance(error, ssl.SSLError) else (error.strerror or '').lower()}"
        )
    else:
        return None
    if wanted is not True:
        return f"environment: {_VERIFY} cannot be used: {why}; {fix}"
    fix = f"reinstall them with: {shlex.quote(sys.executable)} -m pip install --force-reinstall certifi"
    return f"the TLS certificates of this Python installation cannot be used: {why}; {fix}"


def _key_log_problem() -> str | None:
    file = os.path.expandvars(os.environ.get("SSLKEYLOGFILE", ""))
    try:
        if file:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).keylog_filename = file
    except OSError as error:
        if error.errno not in _OUT_OF:
            return f"environment: SSLKEYLOGFILE cannot be written: {file}: {_words(error)}; remove that variable"
    return None


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _certificate_fix(code: int) -> str:
    if code in _CLOCK_DECIDES:
        return f"correct the clock of this host if this is not the date: {datetime.now(UTC):%Y-%m-%d}"
    fix = f"if a proxy here inspects TLS, name a file with its certificates: {_VERIFY}=FILE"
    if os.environ.get(_VERIFY):
        fix = f"add the missing certificate to the file that {_VERIFY} names, or remove that variable"
    idle = [name for name in _WITHOUT_EFFECT if os.environ.get(name)]
    return fix + (f" ({' and '.join(idle)} {'has' if len(idle) == 1 else 'have'} no effect)" if idle else "")


def _proxy(address: SplitResult) -> tuple[str, str] | None:
    """Return the proxy for this address, as the name and the value of the variable in the environment."""
    proxies = requests.utils.get_environ_proxies(address.geturl())
    value = proxies.get(address.scheme) or proxies.get("all")
    return next(_named(address.scheme, value), None) if value else None


def _named(scheme: str, value: str) -> Iterator[tuple[str, str]]:
    names = (f"{scheme}_proxy", "all_proxy")
    for name, found in sorted(os.environ.items(), reverse=True):  # lower case first, as in the search for a proxy
        if name.lower() in names and found == value:
            yield name, value


def _proxy_problem(address: SplitResult) -> str | None:
    """Return why the proxy setting can never work. The value is not shown: it may hold a password."""
    found = _proxy(address)
    if not found:
        return None
    variable, value = found
    fix = "write http://HOST:PORT, with special characters of a password as %23 and the like, or remove it"
    try:
        parts = urllib3.util.parse_url(value)
        host, scheme = (parts.host or "").encode("idna"), parts.scheme or "http"
    except ValueError:
        host, scheme = b"", "http"
    if not host:
        why = "its host or its port cannot be read"
    elif scheme in _SOCKS:
        if find_spec("socks"):
            return None
        why, fix = "SOCKS needs one more package", f"run: {shlex.quote(sys.executable)} -m pip install PySocks"
    elif scheme in ("http", "https"):
        return None
    else:
        why = "it does not begin with http://, https:// or socks5://"
    return f"environment: {variable} names a proxy that cannot be used: {why}; {fix}"
