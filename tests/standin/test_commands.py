"""serve and demo as a person runs them."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner
from globus_sdk import ConfidentialAppAuthClient, TransferClient, TransferData

from globus_sync_directory.standin.__main__ import main

from .helpers import COMMAND, Served, refused


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_directories(tmp_path: Path, number: int) -> None:
    """serve makes up a client, serves the directories with the given permissions, and stops cleanly with status 0."""
    source, target = tmp_path / "source: a:rw", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "a").write_bytes(b"1")
    ids = [str(uuid.uuid4()) for _ in range(2)]
    with Served(f"{ids[0]}={source}:r", f"{ids[1]}={target}") as served:
        urls = served.environment
        assert urls["GLOBUS_SDK_SERVICE_URL_AUTH"] == urls["GLOBUS_SDK_SERVICE_URL_TRANSFER"]
        with served.sign_in() as client:
            data = TransferData(source_endpoint=ids[0], destination_endpoint=ids[1])
            data.add_item("/", "/copy")
            task_id = client.submit_transfer(data)["task_id"]
            assert client.task_wait(task_id, timeout=10, polling_interval=1)
            assert refused(client.operation_mkdir, ids[0], "/new")[0] == 403
        assert served.stop(number) == (0, "")
    assert (target / "copy/a").read_bytes() == b"1"


@pytest.mark.slow
def test_serve_a_collection_that_is_not_shared(tmp_path: Path) -> None:
    """A collection with :none exists, but the client may not use it, even if a config names it."""
    (tmp_path / "data").mkdir()
    shared, private = (str(uuid.uuid4()) for _ in range(2))
    config = tmp_path / "config.ini"
    config.write_text(
        f"[globus]\nclientid = {uuid.uuid4()}\n"
        f"[pair]\nsrc_endpoint = {private}\nsrc_path = /\ndst_endpoint = {shared}\ndst_path = /\n"
    )
    for arguments in (
        (f"{shared}={tmp_path}", f"{private}={tmp_path / 'data'}:none"),
        ("--config", config, "--root", tmp_path / "root", f"{private}={tmp_path / 'data'}:none"),
    ):
        with Served(*arguments) as served, served.sign_in() as client:
            assert f"# collection {private} (none): {tmp_path / 'data'}" in served.lines
            assert client.operation_ls(shared).http_status == 200
            for call in (client.get_endpoint, client.operation_ls):
                assert refused(call, private) == (403, "PermissionDenied")


@pytest.mark.slow
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
    """Whatever serve and demo cannot do is one clear line and status 2."""
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
            (("serve", "--config", tmp_path / "bad.ini"), "must be given together"),
            (("serve", f"{uuid.uuid4()}={tmp_path}", "--port", port), "already in use"),
            (("serve", f"{uuid.uuid4()}={tmp_path}", "--secret-file", tmp_path / "none"), "No such file"),
            (("demo", "--source", tmp_path / "none"), "no such directory"),
            (("demo", "--dir", tmp_path), "not empty"),
            (("demo", "--dir", tmp_path / "file"), "File exists"),
            (("demo", "--source", tmp_path, "--dir", tmp_path / "inside"), "is inside"),
        ]:
            done = CliRunner().invoke(main, list(map(str, args)))
            assert (done.exit_code, done.output.count("\n")) == (2, 1), args
            assert message in done.output


@pytest.mark.slow
def test_demo() -> None:
    """The demo runs the tool twice, says that the result is as promised, and names the next step; nothing is left."""
    environment = {**os.environ, "COLUMNS": "70"}
    done = subprocess.run([*COMMAND, "demo"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "As promised: every file of the source (6)" in text
    assert "is still there" in text
    assert re.search(r'Next step: .* "Set it up" in README.md [^$]*$', text)
    assert done.stdout.count("\n$ ") >= 4
    (archive,) = re.findall(r"may write to (\S+)\.", text)
    assert not Path(archive).parent.exists()


@pytest.mark.slow
@pytest.mark.parametrize("columns", [50, 120])
def test_the_demo_wraps_at_words(columns: int) -> None:
    """Its own paragraphs fit the terminal, use its width, and break only at blanks."""
    environment = {**os.environ, "COLUMNS": str(columns)}
    done = subprocess.run([*COMMAND, "demo"], env=environment, capture_output=True, text=True, timeout=60)
    own = [line for line in done.stdout.splitlines() if re.match(r"[^ $]+ (?!.*https:)", line)]
    assert columns - 20 < max(map(len, own)) <= columns
    assert "to register an application with Globus, how to share" in " ".join(done.stdout.split())


@pytest.mark.slow
def test_a_kept_demo_with_ones_own_source(tmp_path: Path) -> None:
    """With --source the demo only reads that directory; with --keep the printed lines work until Ctrl-C."""
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
    assert "-m pip install -e '.[standin]'" in done.stderr
    assert done.stderr.count("\n") == 1
