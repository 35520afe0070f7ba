"""A running stand-in with two collections, and the real SDK talking to it; only the clock is replaced."""

import os
import re
import shlex
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from globus_sdk import AccessTokenAuthorizer, ConfidentialAppAuthClient, TransferClient, TransferData
from globus_sdk.transport import RetryConfig

from globus_sync_directory.standin import ManualClock, StandIn

COMMAND = [sys.executable, "-m", "globus_sync_directory.standin"]
DOCS = Path(__file__).parents[2] / "docs" / "standin.md"
BLOCKS = dict(enumerate(re.findall(r"^```(?:sh|python)\n(.*?)^```$", DOCS.read_text(encoding="utf-8"), re.M | re.S)))
LINES = [line for block in BLOCKS.values() for line in block.splitlines()]


class Served:
    """A served stand-in until its end, with what it printed before it was ready."""

    def __init__(self, *args):
        self.process = subprocess.Popen(
            [*COMMAND, "serve", *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if "ready" in line:
                break

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def value(self, start):
        return next(line.removeprefix(start) for line in self.lines if line.startswith(start))

    def stop(self, number):
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, errors


class World:
    """A stand-in, a source that the client may read and a destination that it may write, and a TransferClient."""

    def __init__(self, globus: StandIn, tmp_path: Path) -> None:
        self.globus = globus
        self.clock = globus.clock
        self.client_id, self.secret = globus.add_client()
        self.source = tmp_path / "source"
        self.target = tmp_path / "target"
        self.source.mkdir()
        self.target.mkdir()
        self.src = globus.add_collection(self.source, "Lab", permissions={self.client_id: "r"})
        self.dst = globus.add_collection(self.target, "Archive", permissions={self.client_id: "rw"})
        self._clients: list[TransferClient] = []
        self.tc = self.sign_in()

    def token(self, client_id: str | None = None, secret: str | None = None, scope: str | None = None):
        """Return the token response for a client, by default our own and for Transfer."""
        with ConfidentialAppAuthClient(
            client_id or self.client_id, secret or self.secret, base_url=self.globus.url,
            retry_config=RetryConfig(max_retries=0),
        ) as auth:
            return auth.oauth2_client_credentials_tokens(requested_scopes=scope or TransferClient.scopes.all)

    def revoke(self, token: str):
        """Revoke one of our own tokens."""
        with ConfidentialAppAuthClient(self.client_id, self.secret, base_url=self.globus.url) as auth:
            return auth.oauth2_revoke_token(token)

    def sign_in(self, client_id: str | None = None, secret: str | None = None) -> TransferClient:
        """Return a client without retries, signed in as our own or another application."""
        token = self.token(client_id, secret)["access_token"]
        client = TransferClient(
            authorizer=AccessTokenAuthorizer(token), base_url=self.globus.url, retry_config=RetryConfig(max_retries=0)
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

    def data(self, source="/", destination="/", *, recursive: bool | None = True, **options) -> TransferData:
        data = TransferData(source_endpoint=self.src.id, destination_endpoint=self.dst.id, **options)
        data.add_item(source, destination, recursive=recursive)
        return data

    def submit(self, *args, client: TransferClient | None = None, **options) -> str:
        """Submit a transfer and return its task id."""
        return (client or self.tc).submit_transfer(self.data(*args, **options))["task_id"]

    def run(self, *args, **options):
        """Submit a transfer, let it go as far as it can, and return its task document."""
        task_id = self.submit(*args, **options)
        self.globus.wait()
        return self.tc.get_task(task_id)

    def events(self, task_id: str, **options) -> list[str]:
        """Return the codes of a task's events, oldest first."""
        return [event["code"] for event in self.tc.task_event_list(task_id, limit=1000, **options)][::-1]

    def tree(self) -> dict[str, bytes]:
        """Return the files at the destination."""
        return {str(p.relative_to(self.target)): p.read_bytes() for p in self.target.rglob("*") if p.is_file()}

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with StandIn(clock=ManualClock()) as globus:
        world = World(globus, tmp_path)
        try:
            yield world
        finally:
            world.close()
    assert globus.unknown_routes == []


@pytest.fixture
def new_id() -> str:
    return str(uuid.uuid4())


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


@pytest.fixture
def documented(tmp_path, monkeypatch):
    """Give the stand-in of the section "Start", and the variables that its lines set."""
    monkeypatch.chdir(tmp_path)
    port = free_port()
    start = next(block for block in BLOCKS.values() if " serve " in block).replace("8765", port)
    *before, serve = start.splitlines()
    script = "\n".join([*before, f"echo {serve}"])
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=True)
    variables = dict(line.split("=") for line in before if re.match(r"[A-Z]+=", line))
    assert shlex.split(done.stdout)[1:4] == ["-m", "globus_sync_directory.standin", "serve"]
    with Served(*shlex.split(done.stdout)[4:]) as served:
        served.variables = variables | {"URL": f"http://127.0.0.1:{port}"}
        yield served
