"""What the tests of the stand-in share: a running stand-in with two collections, and a served one as a process."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
import requests
from globus_sdk import (
    MISSING,
    AccessTokenAuthorizer,
    ConfidentialAppAuthClient,
    GlobusHTTPResponse,
    OAuthClientCredentialsResponse,
    TransferAPIError,
    TransferClient,
    TransferData,
)
from globus_sdk.transport import RetryConfig

from globus_sync_directory.standin import ManualClock, StandIn

COMMAND = [sys.executable, "-m", "globus_sync_directory.standin"]
PAGE = (Path(__file__).parents[2] / "docs" / "standin.md").read_text(encoding="utf-8")
BLOCKS: list[str] = re.findall(r"^```(?:sh|python)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
LINES = [line for block in BLOCKS for line in block.splitlines()]

Http = Callable[..., requests.Response]  # (method, path, **options)


class Served:
    """``serve`` as a process, with the lines that it printed before it was ready."""

    def __init__(self, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "serve", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.lines: list[str] = []
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if "ready" in line:
                break

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def value(self, start: str) -> str:
        """Return the rest of the line that starts with this text."""
        return next(line.removeprefix(start) for line in self.lines if line.startswith(start))

    @property
    def environment(self) -> dict[str, str]:
        """The variables in its ``export`` lines."""
        return dict(line[7:].split("=", 1) for line in self.lines if line.startswith("export "))

    def sign_in(self) -> TransferClient:
        """Return a client with the printed client id and secret."""
        url = self.environment["GLOBUS_SDK_SERVICE_URL_AUTH"]
        with ConfidentialAppAuthClient(
            self.value("# client id: "), self.value("# client secret: "), base_url=url
        ) as auth:
            token = auth.oauth2_client_credentials_tokens(requested_scopes=TransferClient.scopes.all)["access_token"]
        return TransferClient(authorizer=AccessTokenAuthorizer(token), base_url=url)

    def stop(self, number: int) -> tuple[int, str]:
        """Send a signal and return the exit status and what was printed to stderr."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, errors


class Documented(Served):
    """The stand-in that docs/standin.md starts, with the shell variables of that page."""

    def __init__(self, *arguments: object, variables: dict[str, str]) -> None:
        super().__init__(*arguments)
        self.variables = variables


class World:
    """A stand-in, a source that the client may read, a destination that it may write, and a TransferClient."""

    def __init__(self, globus: StandIn, root: Path) -> None:
        self.globus = globus
        self.client_id, self.secret = globus.add_client()
        self.source = root / "source"
        self.target = root / "target"
        self.source.mkdir()
        self.target.mkdir()
        self.src = globus.add_collection(self.source, "Lab", permissions={self.client_id: "r"})
        self.dst = globus.add_collection(self.target, "Archive", permissions={self.client_id: "rw"})
        self._clients: list[TransferClient] = []
        self.tc = self.sign_in()

    @property
    def clock(self) -> ManualClock:
        assert isinstance(self.globus.clock, ManualClock)
        return self.globus.clock

    @property
    def port(self) -> int:
        return int(self.globus.url.rpartition(":")[2])

    def token(
        self, client_id: str | None = None, secret: str | None = None, scope: str | None = None
    ) -> OAuthClientCredentialsResponse:
        """Return the token response for a client, by default for our own client and for Transfer."""
        with ConfidentialAppAuthClient(
            client_id or self.client_id, secret or self.secret, base_url=self.globus.url,
            retry_config=RetryConfig(max_retries=0),
        ) as auth:  # fmt: skip
            return auth.oauth2_client_credentials_tokens(requested_scopes=scope or TransferClient.scopes.all)

    def access_token(self, scope: str | None = None) -> str:
        """Return a new token of our own client."""
        return str(self.token(scope=scope)["access_token"])

    def revoke(self, token: str) -> GlobusHTTPResponse:
        """Revoke one of our own tokens."""
        with ConfidentialAppAuthClient(self.client_id, self.secret, base_url=self.globus.url) as auth:
            return auth.oauth2_revoke_token(token)

    def sign_in(self, client_id: str | None = None, secret: str | None = None) -> TransferClient:
        """Return a client without retries, signed in as our own or another application."""
        return self.client_with(self.token(client_id, secret)["access_token"])

    def client_with(self, token: str, retries: int = 0) -> TransferClient:
        """Return a client that sends this token."""
        client = TransferClient(
            authorizer=AccessTokenAuthorizer(token),
            base_url=self.globus.url,
            retry_config=RetryConfig(max_retries=retries, max_sleep=0),
        )
        self._clients.append(client)
        return client

    def write(self, name: str, contents: bytes = b"x", *, at_target: bool = False, mtime: float | None = None) -> Path:
        path = (self.target if at_target else self.source) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents)
        if mtime is not None:
            os.utime(path, (mtime, mtime))
        return path

    def data(
        self, source: str = "/", destination: str = "/", *, recursive: bool | None = True, **options: Any
    ) -> TransferData:
        data = TransferData(source_endpoint=self.src.id, destination_endpoint=self.dst.id, **options)
        data.add_item(source, destination, recursive=MISSING if recursive is None else recursive)
        return data

    def submit(self, *paths: str, client: TransferClient | None = None, **options: Any) -> str:
        """Submit a transfer and return its task id."""
        return str((client or self.tc).submit_transfer(self.data(*paths, **options))["task_id"])

    def run(self, *paths: str, **options: Any) -> GlobusHTTPResponse:
        """Submit a transfer, let it go as far as it can, and return its task document."""
        task_id = self.submit(*paths, **options)
        self.globus.wait()
        return self.tc.get_task(task_id)

    def events(self, task_id: str, **options: Any) -> list[str]:
        """Return the codes of a task's events, oldest first."""
        return [event["code"] for event in self.tc.task_event_list(task_id, limit=1000, **options)][::-1]

    def tree(self) -> dict[str, bytes]:
        """Return the files at the destination."""
        return {str(p.relative_to(self.target)): p.read_bytes() for p in self.target.rglob("*") if p.is_file()}

    def close(self) -> None:
        for client in self._clients:
            client.close()


def refused(call: Callable[..., object], *arguments: Any, **options: Any) -> tuple[int, str | None]:
    """Return HTTP status and code of the error with which a call is rejected."""
    with pytest.raises(TransferAPIError) as caught:
        call(*arguments, **options)
    return caught.value.http_status, caught.value.code


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])
