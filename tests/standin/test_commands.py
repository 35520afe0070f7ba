"""serve and demo as a person runs them, and that the stand-in and the tool keep apart."""

import ast
import signal
import socket
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from globus_sdk import AccessTokenAuthorizer, ConfidentialAppAuthClient, TransferAPIError, TransferClient, TransferData

import globus_sync_directory
import globus_sync_directory.standin
from globus_sync_directory.standin.__main__ import main

from .helpers import COMMAND, Served

STANDIN = Path(globus_sync_directory.standin.__path__[0])
TOOL = Path(globus_sync_directory.__path__[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_directories(tmp_path: Path, number: int) -> None:
    """serve makes up a client, serves what is named with the rights that are named, and stops cleanly with status 0."""
    source, target = tmp_path / "source: a:rw", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "a").write_bytes(b"1")
    ids = [str(uuid.uuid4()) for _ in range(2)]
    with Served(f"{ids[0]}={source}:r", f"{ids[1]}={target}") as served:
        url = served.value("export GLOBUS_SDK_SERVICE_URL_TRANSFER=")
        assert served.value("export GLOBUS_SDK_SERVICE_URL_AUTH=") == url
        client_id, secret = served.value("# client id: "), served.value("# client secret: ")
        with ConfidentialAppAuthClient(client_id, secret, base_url=url) as auth:
            token = auth.oauth2_client_credentials_tokens(requested_scopes=TransferClient.scopes.all)["access_token"]
        with TransferClient(authorizer=AccessTokenAuthorizer(token), base_url=url) as client:
            data = TransferData(source_endpoint=ids[0], destination_endpoint=ids[1])
            data.add_item("/", "/copy")
            task_id = client.submit_transfer(data)["task_id"]
            assert client.task_wait(task_id, timeout=10, polling_interval=1)
            with pytest.raises(TransferAPIError):
                client.operation_mkdir(ids[0], "/new")
        assert served.stop(number) == (0, "")
    assert (target / "copy/a").read_bytes() == b"1"


def test_serve_a_config(tmp_path: Path) -> None:
    """serve --config makes a directory for each collection with the source path in it, and accepts the given secret."""
    client_id, *ids = (str(uuid.uuid4()) for _ in range(3))
    config, secret = tmp_path / "config.ini", tmp_path / "secret"
    config.write_text(
        f"[DEFAULT]\nsrc_endpoint = {ids[0]}\n[globus]\nclientid = {client_id}\n[schedule]\ntimelimitmins = 5\n"
        f"[100% lab]\nsrc_path = /~/my images\ndst_endpoint = {ids[1]}\n"
    )
    secret.write_text("top secret\n")
    with Served("--config", config, "--root", tmp_path / "root", "--secret-file", secret) as served:
        assert (tmp_path / "root" / ids[0] / "my images").is_dir()
        assert (tmp_path / "root" / ids[1]).is_dir()
        assert not any("top secret" in line for line in served.lines)
        url = served.value("export GLOBUS_SDK_SERVICE_URL_AUTH=")
        with ConfidentialAppAuthClient(client_id, "top secret", base_url=url) as auth:
            assert auth.oauth2_client_credentials_tokens(requested_scopes=TransferClient.scopes.all)["access_token"]
        assert served.stop(signal.SIGTERM) == (0, "")


def test_bad_input(tmp_path: Path) -> None:
    """What serve and demo cannot do is one clear line and status 2."""
    (tmp_path / "bad.ini").write_text("no section\n")
    (tmp_path / "empty.ini").write_text("[globus]\n")
    (tmp_path / "file").write_text("x")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for args, message in [
            (("serve",), "nothing to serve"),
            (("serve", "x"), "'x' is not ID=DIR"),
            (("serve", f"x={tmp_path}"), "must be a UUID"),
            (("serve", f"{uuid.uuid4()}={tmp_path}/none"), "no such directory"),
            (("serve", "--config", tmp_path / "none.ini", "--root", tmp_path), "No such file"),
            (("serve", "--config", tmp_path / "bad.ini", "--root", tmp_path), "no section"),
            (("serve", "--config", tmp_path / "empty.ini", "--root", tmp_path), "clientid"),
            (("serve", "--config", tmp_path / "bad.ini"), "belong together"),
            (("serve", f"{uuid.uuid4()}={tmp_path}", "--port", port), "already in use"),
            (("serve", f"{uuid.uuid4()}={tmp_path}", "--secret-file", tmp_path / "none"), "No such file"),
            (("demo", "--source", tmp_path / "none"), "no such directory"),
            (("demo", "--dir", tmp_path), "not empty"),
            (("demo", "--dir", tmp_path / "file"), "File exists"),
            (("demo", "--source", tmp_path, "--dir", tmp_path / "inside"), "is inside"),
        ]:
            done = CliRunner().invoke(main, list(map(str, args)))
            assert (done.exit_code, done.stderr.count("\n")) == (2, 1), args
            assert message in done.stderr


@pytest.mark.slow
def test_demo() -> None:
    """The demo runs the tool twice, says that all is as promised, ends with 0 and leaves nothing behind."""
    done = subprocess.run([*COMMAND, "demo"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "As promised: every file of the source (6)" in done.stdout
    assert "is still there" in done.stdout
    assert done.stdout.count("$ ") == 4
    work = Path(done.stdout.partition("-c ")[2].split()[0]).parent
    assert not work.exists()


@pytest.mark.slow
def test_a_kept_demo_with_ones_own_source(tmp_path: Path) -> None:
    """With --source the caller's directory is only read; with --keep the printed lines work until Ctrl-C."""
    source, work = tmp_path / "my data", tmp_path / "work"
    (source / "sub").mkdir(parents=True)
    (source / "sub/a").write_bytes(b"1")
    before = [(path, path.stat().st_mtime_ns) for path in sorted(source.rglob("*"))]
    process = subprocess.Popen(
        [*COMMAND, "demo", "--source", source, "--dir", work, "--keep"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        lines = []
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C stops it" in line:
                break
        first = next(n for n, line in enumerate(lines) if line.startswith("export "))
        paste = "".join(lines[first:-2])
        done = subprocess.run(["sh", "-ec", paste], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()
    assert before == [(path, path.stat().st_mtime_ns) for path in sorted(source.rglob("*"))]
    assert (work / "archive/archive/images/sub/a").read_bytes() == b"1"
    assert stat.S_IMODE((work / "secret").stat().st_mode) == 0o600


def test_without_flask() -> None:
    """Without the extra, both commands name it in one line with status 2."""
    code = (
        "import sys, runpy; sys.modules['flask'] = None; "
        "runpy.run_module('globus_sync_directory.standin', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "globus_sync_directory[standin]" in done.stderr
    assert done.stderr.count("\n") == 1


def imported(file: Path) -> Iterator[str]:
    """Return the modules that a file imports, in full."""
    package = ".".join(file.relative_to(TOOL.parent).parent.parts)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            yield ".".join(filter(None, [base, node.module]))
            yield from (".".join(filter(None, [base, node.module, alias.name])) for alias in node.names)


def test_stand_in_and_tool_import_nothing_from_each_other() -> None:
    """They meet over HTTP only, so the stand-in cannot share the tool's mistakes."""
    inside = "globus_sync_directory.standin"
    files = [*TOOL.rglob("*.py")]
    assert len(files) > 20
    for file in files:
        ours = [name for name in imported(file) if name.startswith("globus_sync_directory")]
        if file.is_relative_to(STANDIN):
            assert all(f"{name}.".startswith(inside + ".") for name in ours), file
            assert not any(name.startswith("globus_sdk") for name in imported(file)), file
        else:
            assert not any(f"{name}.".startswith(inside + ".") for name in ours), file
