"""globus-cli as its users have it: unmodified, as real processes, told nothing but its client and the service URLs."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from globus_sync_directory.standin.engine.collection import MAPPED

from .helpers import LINES, Documented, Served, World

pytestmark = pytest.mark.slow

FOUND = (
    os.environ.get("GLOBUS_CLI"),
    shutil.which("globus", path=str(Path(sys.executable).parent)),
    shutil.which("globus"),
)
GLOBUS = next(filter(None, FOUND), "")
if not GLOBUS:
    pytest.skip("globus-cli is not installed; GLOBUS_CLI may name its executable", allow_module_level=True)


class Cli:
    """Runs the client in its own home directory."""

    def __init__(self, home: Path, environment: dict[str, str], client_id: str, secret: str) -> None:
        self.environment = environment
        self.client = {"GLOBUS_CLI_CLIENT_ID": client_id, "GLOBUS_CLI_CLIENT_SECRET": secret}
        self.home = home
        home.mkdir()

    def __call__(self, *args: object, status: int = 0, stdin: str | None = None) -> str:
        """Return what a command prints, with its errors if it must fail; it must end with ``status``."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), **self.client, **self.environment}
        done = subprocess.run(
            [GLOBUS, *map(str, args)], env=environment, input=stdin, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == status, (args, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr if status else done.stdout

    def json(self, *args: object, status: int = 0, stdin: str | None = None) -> Any:
        return json.loads(self(*args, "--format", "json", status=status, stdin=stdin))


@pytest.fixture
def cli(world: World, tmp_path: Path) -> Cli:
    return Cli(tmp_path / "cli-home", world.globus.environment, world.client_id, world.secret)


def task_id(text: str) -> str:
    found = re.search(r"Task ID: ([0-9a-f-]{36})\n", text)
    assert found, text
    return found[1]


def test_whoami_and_logout(world: World, cli: Cli) -> None:
    """whoami names the application, its tokens can be revoked, and the client explains a wrong secret."""
    name = f"{world.client_id}@clients.auth.globus.org"
    assert cli("whoami") == f"{name}\n"
    assert re.search(rf"ID: +{world.client_id}\n", cli("whoami", "-v"))
    assert cli("whoami", "--linked-identities") == f"{name}\n"
    assert cli.json("whoami")["identity_set"][0]["sub"] == world.client_id
    assert f"Revoking all CLI tokens for {name}" in cli("logout", "--yes")
    cli.client["GLOBUS_CLI_CLIENT_SECRET"] = "A" * 43 + "="
    assert "appear to be valid client credentials" in cli("ls", world.src.id, status=1)
    world.globus.behaviour = replace(world.globus.behaviour, wrong_secret_body="oauth")
    assert "401" in cli("whoami", status=1)


def test_ls(world: World, cli: Cli) -> None:
    """ls lists names, long, hidden, recursively, filtered and ordered, and distinguishes bad paths from bad ids."""
    for name, size in (("b.txt", 3), ("a.txt", 5), (".hidden", 1), ("sub/c.txt", 1), ("sub/deep/d.bin", 9)):
        world.write(name, b"x" * size, mtime=1_000_000_000)
    src = world.src.id
    assert cli("ls", src).split() == ["a.txt", "b.txt", "sub/"]
    assert re.search(r"0644 .* 1 +\| 2001-09-09 01:46:40\+00:00 \| file +\| \.hidden", cli("ls", f"{src}:/", "-la"))
    assert cli("ls", src, "-r").split() == ["a.txt", "b.txt", "sub/", "sub/c.txt", "sub/deep/", "sub/deep/d.bin"]
    assert cli("ls", f"{src}:/", "-r", "--filter", "~*.bin").split() == ["sub/", "sub/deep/", "sub/deep/d.bin"]
    assert cli("ls", src, "--filter", "~*.txt", "--orderby", "size:ASC").split() == ["b.txt", "a.txt"]
    assert cli("ls", src, "--filter", "!=a.txt").split() == ["b.txt", "sub/"]
    assert [file["name"] for file in cli.json("ls", f"{src}:/sub")["DATA"]] == ["c.txt", "deep"]
    for path, text in [
        ("/none", "ClientError.NotFound"), ("/a.txt", "ExternalError.DirListingFailed.NotDirectory"),
        ("/../x", "400"),
    ]:  # fmt: skip
        assert text in cli("ls", f"{src}:{path}", status=1)
    assert "EndpointNotFound" in cli("ls", uuid.uuid4(), status=1)
    assert "is not a valid UUID" in cli("ls", "nonsense", status=2)


def test_stat_mkdir_and_rename(world: World, cli: Cli) -> None:
    """stat, mkdir and rename work, and their errors show the service's code."""
    world.write("a.txt", b"12345")
    src, dst = world.src.id, world.dst.id
    assert re.search(r"Size: +5\n", cli("stat", f"{src}:/a.txt"))
    assert cli.json("stat", f"{src}:/")["type"] == "dir"
    assert cli("stat", f"{src}:/none") == "Nothing found at /none\n"
    assert cli("mkdir", f"{dst}:/new") == "The directory was created successfully\n"
    assert "ExternalError.MkdirFailed.Exists" in cli("mkdir", f"{dst}:/new", status=1)
    assert "ExternalError.MkdirFailed.PermissionDenied" in cli("mkdir", f"{src}:/new", status=1)
    assert cli("rename", dst, "/new", "/newer") == "File or directory renamed successfully\n"
    assert "not found" in cli("rename", dst, "/new", "/x", status=1)
    assert [entry.name for entry in world.target.iterdir()] == ["newer"]


def test_rm_and_delete(world: World, cli: Cli) -> None:
    """rm waits for its delete task and ends with its result; delete only submits, one path or a batch."""
    for name in ("d/inner", "a1", "a2", "b", "c", "e"):
        world.write(name, at_target=True)
    dst = world.dst.id
    cli("rm", f"{dst}:/d", "--recursive")
    cli("rm", f"{dst}:/a*")
    assert "submitted" in cli("rm", f"{dst}:/none", status=1)
    cli("rm", f"{dst}:/none", "--ignore-missing")
    assert "/b" in cli("rm", f"{dst}:/b", "--dry-run")
    assert set(world.tree()) == {"b", "c", "e"}
    assert "The delete has been accepted" in cli("delete", f"{dst}:/b", "--label", "bye")
    answer = cli.json("delete", dst, "--batch", "-", stdin="/c\n/e\n")
    assert (answer["DATA_TYPE"], answer["code"]) == ("delete_result", "Accepted")
    world.globus.wait()
    assert world.tree() == {}
    task = task_id(cli("delete", f"{world.src.id}:/x"))
    assert "PERMISSION_DENIED" in cli("task", "event-list", task)
    assert "Endpoint ID:" in cli("task", "show", task)


@pytest.mark.parametrize("level", ["exists", "size", "mtime", "checksum"])
def test_each_sync_level(world: World, cli: Cli, level: str) -> None:
    """A recursive transfer with each --sync-level copies what that level finds different."""
    for name, contents, mtime in (("size", b"longer", 1000), ("newer", b"new", 2000), ("older", b"old", 500)):
        world.write(name, contents, mtime=mtime)
        world.write(name, b"xyz", at_target=True, mtime=1000)
    world.write("absent", b"a", mtime=1000)
    task = task_id(cli("transfer", f"{world.src.id}:/", f"{world.dst.id}:/", "--recursive", "--sync-level", level))
    cli("task", "wait", task)
    copied = {item["source_path"] for item in cli.json("task", "show", task, "--successful-transfers")["DATA"]}
    assert copied == {
        "exists": {"/absent"}, "size": {"/absent", "/size"}, "mtime": {"/absent", "/newer"},
        "checksum": {"/absent", "/size", "/newer", "/older"},
    }[level]  # fmt: skip


def test_transfer_options(world: World, cli: Cli) -> None:
    """--include and --exclude, --delete-destination-extra, --skip-source-errors, --preserve-timestamp and --label."""
    for name in ("keep.txt", "drop.txt", "x.tmp", "bad"):
        world.write(name, name.encode(), mtime=1_000_000_000)
    world.write("out/extra", at_target=True)
    world.src.unreadable.add("/bad")
    source, target = f"{world.src.id}:/", f"{world.dst.id}:/out"
    filters = ("--include", "keep*", "--exclude", "*.t*")
    rest = ("--preserve-timestamp", "--label", "from the shell")
    first = task_id(cli("transfer", "-r", source, target, *filters, "--skip-source-errors", *rest))
    cli("task", "wait", first)
    assert set(world.tree()) == {"out/keep.txt", "out/extra"}
    assert (world.target / "out/keep.txt").stat().st_mtime == 1_000_000_000
    assert cli.json("task", "show", first, "--skipped-errors")["DATA"][0]["error_code"] == "PERMISSION_DENIED"
    assert "/out/bad" in cli("task", "show", first, "--skipped-errors")
    assert "/out/keep.txt" in cli("task", "show", first, "-t")
    assert re.search(r"Label: +from the shell\n", cli("task", "show", first))
    world.src.unreadable.clear()
    second = task_id(cli("transfer", "-r", source, target, "--delete-destination-extra", "--verify-checksum"))
    cli("task", "wait", second)
    assert set(world.tree()) == {f"out/{name}" for name in ("keep.txt", "drop.txt", "x.tmp", "bad")}
    third = task_id(cli("transfer", f"{world.src.id}:/bad", f"{world.dst.id}:/1", "--external-checksum", "0" * 32))
    cli("task", "wait", third, status=1)
    assert "EXTERNAL_CHECKSUM_MISMATCH" in cli("task", "event-list", third, "--filter-errors")


def test_transfer_once(world: World, cli: Cli) -> None:
    """A single file, a batch, a dry run, a deadline, and a submission id that is used twice."""
    world.write("f", b"1")
    world.write("sub/g", b"2")
    source, target = world.src.id, world.dst.id
    batch = "/f /one\n--recursive /sub /two\n"
    assert "/two" in cli("transfer", source, target, "--batch", "-", "--dry-run", stdin=batch)
    assert cli.json("transfer", source, target, "--batch", "-", "--dry-run", stdin=batch)["DATA_TYPE"] == "transfer"
    assert world.globus.tasks == []
    cli("transfer", source, target, "--batch", "-", stdin=batch)
    world.globus.wait()
    assert world.tree() == {"one": b"1", "two/g": b"2"}
    submission = cli("task", "generate-submission-id").strip()
    line = ("transfer", f"{source}:/f", f"{target}:/three", "--submission-id", submission, "--deadline", "2026-01-02")
    first, again = cli.json(*line), cli.json(*line)
    assert (first["code"], again["code"]) == ("Accepted", "Duplicate")
    assert first["task_id"] == again["task_id"]
    assert world.tc.get_task(first["task_id"])["deadline"] == "2026-01-02T00:00:00+00:00"
    assert "The deadline has passed" in cli(*line[:3], "--deadline", "2020-01-01", status=1)


def test_rejected_transfers(world: World, cli: Cli) -> None:
    """Unknown collections, missing permissions and identical paths end with status 1 and the service's message."""
    world.globus.hold()
    source, target = f"{world.src.id}:/f", f"{world.dst.id}:/g"
    cli("transfer", source, target)
    assert "A transfer with identical paths has not yet completed" in cli("transfer", source, target, status=1)
    assert "EndpointNotFound" in cli("transfer", source, f"{uuid.uuid4()}:/x", status=1)
    world.dst.rules.clear()
    assert "PermissionDenied" in cli("transfer", source, f"{world.dst.id}:/h", status=1)
    world.globus.release()
    world.globus.wait()


def test_tasks(world: World, cli: Cli) -> None:
    """task list, show, wait, event-list, cancel, update and pause-info, of a live, a paused and an unknown task."""
    world.write("f", b"1")
    world.globus.hold()
    task = task_id(cli("transfer", f"{world.src.id}:/f", f"{world.dst.id}:/g", "--label", "first"))
    assert cli.json("task", "list")["DATA"][0]["task_id"] == task
    assert "first" in cli("task", "list", "--filter-status", "ACTIVE", "--filter-label", "first", "--exact")
    assert "first" not in cli("task", "list", "--filter-requested-after", "2026-02-01", "--filter-type", "TRANSFER")
    assert re.search(r"Details: +OK\n", cli("task", "show", task))
    assert cli("task", "update", task, "--label", "second", "--deadline", "2026-02-01") == "Success\n"
    assert cli.json("task", "show", task)["label"] == "second"
    assert "is not paused" in cli("task", "pause-info", task)
    world.globus.task(task).pause("Back on Monday")
    assert "Back on Monday" in cli("task", "pause-info", task)
    world.globus.task(task).unpause()
    world.globus.pause(world.dst.id, "Maintenance")
    assert re.search(r"write\S* +\| Archive .*\| Maintenance", cli("task", "pause-info", task))
    assert len(cli.json("task", "pause-info", task)["pause_rules"]) == 1
    text = cli("task", "wait", task, "--timeout", "1", "-H", "--timeout-exit-code", "50", status=50)
    assert "yet to complete after 1 seconds" in text
    assert cli("task", "cancel", "--all") == f"{task} (1 of 1): The task has been cancelled successfully.\n"
    assert "You have no in-progress tasks" in cli("task", "cancel", "--all", status=1)
    assert "completed before" in cli("task", "cancel", task)
    assert cli.json("task", "wait", task, status=1)["fatal_error"]["code"] == "CANCELED"
    assert "409" in cli("task", "update", task, "--label", "third", status=1)
    assert "CANCELED" in cli("task", "event-list", task, "--filter-errors")
    assert "404" in cli("task", "show", uuid.uuid4(), status=1)
    assert "is not a valid UUID" in cli("task", "wait", "nonsense", status=2)


def test_endpoint_show(world: World, cli: Cli) -> None:
    """endpoint show describes a Personal collection, and refers to another command for others."""
    assert "gcs collection show" in cli("endpoint", "show", world.src.id, status=3)
    world.src.entity_type = "GCP_mapped_collection"
    assert re.search(r"Display Name: +Lab\n(.*\n)*GCP Connected: +True\n", cli("endpoint", "show", world.src.id))
    assert cli.json("endpoint", "show", world.src.id)["entity_type"] == "GCP_mapped_collection"
    world.src.online = False
    assert "GCDisconnected" in cli("ls", world.src.id, status=1)
    world.src.deleted = True
    assert "EndpointDeleted" in cli("endpoint", "show", world.src.id, status=1)
    assert "EndpointNotFound" in cli("endpoint", "show", uuid.uuid4(), status=1)


def test_consents_policies_and_dead_tokens(world: World, cli: Cli) -> None:
    """The client gets a missing consent and a new token by itself; a policy that it cannot meet is status 4."""
    world.write("a")
    world.src.entity_type = MAPPED
    assert cli("ls", world.src.id) == "a\n"
    world.globus.revoke_tokens()
    assert cli("ls", world.src.id) == "a\n"
    world.src.authentication_policy_id = str(uuid.uuid4())
    assert world.src.authentication_policy_id in cli("ls", world.src.id, status=4)


@pytest.mark.parametrize(
    "command",
    [
        "timer list", "bookmark list", "search index list", "flows list", "endpoint search x",
        "endpoint permission list {}", "get-identities {}",
    ],
)  # fmt: skip
def test_what_is_not_imitated(world: World, cli: Cli, command: str) -> None:
    """Every other command ends with status 1 and says that the stand-in does not imitate it."""
    text = cli(*command.format(world.src.id).split(), status=1)
    assert "The stand-in does not imitate" in text
    assert len(world.globus.unknown_routes) == 1
    world.globus.unknown_routes.clear()


def test_against_serve(tmp_path: Path) -> None:
    """The client needs only what serve prints."""
    ids = [str(uuid.uuid4()) for _ in range(2)]
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    (tmp_path / "source/a").write_bytes(b"1")
    with Served(f"{ids[0]}={tmp_path / 'source'}:r", f"{ids[1]}={tmp_path / 'target'}") as served:
        cli = Cli(
            tmp_path / "cli-home", served.environment, served.value("# client id: "), served.value("# client secret: ")
        )
        cli("task", "wait", task_id(cli("transfer", "-r", f"{ids[0]}:/", f"{ids[1]}:/copy")))
        assert cli("ls", f"{ids[1]}:/copy") == "a\n"
        assert served.stop(signal.SIGTERM) == (0, "")
    assert (tmp_path / "target/copy/a").read_bytes() == b"1"


def test_the_lines_in_the_documentation(documented: Documented, tmp_path: Path) -> None:
    """The lines of docs/standin.md that start with globus work, one after the other."""
    environment = documented.environment | documented.variables | {"GLOBUS_CLI": GLOBUS}
    environment |= {"HOME": str(tmp_path / "cli-home"), "PATH": os.environ["PATH"]}
    (tmp_path / "cli-home").mkdir()
    environment["GLOBUS_CLI_CLIENT_ID"] = documented.value("# client id: ")
    environment["GLOBUS_CLI_CLIENT_SECRET"] = documented.value("# client secret: ")
    lines = [line for line in LINES if line.startswith("globus ")]
    assert len(lines) == 3
    script = "\n".join(['globus() { "$GLOBUS_CLI" "$@"; }', *lines])
    done = subprocess.run(["sh", "-ec", script], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("hello.txt\n")
    assert "first try" in done.stdout
    assert (tmp_path / "archive/copy.txt").read_text() == "hello\n"
